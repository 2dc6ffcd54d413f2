"""Which of the places where settings come from wins, and how mistakes in them are told."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tuner.errors import UsageError
from tuner.settings import flags
from tuner.settings.layers import layers, unread

KNOWN = ("--target", "--budget", "--users", "--rate", "--slo", "--set", "--vary", "--url", "--locustfile",
         "--quality-objective", "--no-quality-objective")  # fmt: skip

MINE = 'target = "mine"\nbudget = 3\nlocustfile = "x.py"\n[set]\na = 1\n[options]\nb_c = "d"'


def below(
    folder: Path,
    typed: Sequence[str] = (),
    *,
    project: str = "",
    settings: str = "",
    known: Sequence[str] = KNOWN,
    **environment: str,
) -> list[str]:
    """The arguments that stand for what two files and the environment say under `typed`."""
    (folder / "pyproject.toml").write_text(project)
    (folder / "tuner.toml").write_text(settings)
    said = flags.beneath(layers(folder, environment), typed)
    return [*flags.arguments(said, known), *(f"{flag}={value}" for flag, value in said.own.items())]


@pytest.mark.parametrize(
    ("typed", "variables", "settings", "project", "wins"),
    [
        ((), {}, "", "", []),
        ((), {}, "", "[tool.tuner]\nbudget = 4", ["--budget=4"]),
        ((), {}, "budget = 3", "[tool.tuner]\nbudget = 4", ["--budget=3"]),
        ((), {"TUNER_BUDGET": "2"}, "budget = 3", "[tool.tuner]\nbudget = 4", ["--budget=2"]),
        (("--budget", "1"), {"TUNER_BUDGET": "2"}, "budget = 3", "[tool.tuner]\nbudget = 4", []),
        (("--budget=1",), {"TUNER_BUDGET": "2"}, "", "", []),
        ((), {"TUNER_BUDGET": "2"}, 'slo = "p99=5ms"', "", ["--slo=p99=5ms", "--budget=2"]),
        ((), {}, "", "[tool.ruff]\nline-length = 9", []),
        # A variable that is empty is not set; an empty setting is the flag with nothing behind it.
        ((), {"TUNER_BUDGET": "", "TUNER_SET": "", "TUNER_BUGET": ""}, "budget = 3", "", ["--budget=3"]),
        (("--users", "4"), {}, 'locustfile = ""', "", ["--locustfile="]),
    ],
)
def test_a_higher_place_wins(
    tmp_path: Path, typed: Sequence[str], variables: dict[str, str], settings: str, project: str, wins: list[str]
) -> None:
    assert below(tmp_path, typed, settings=settings, project=project, **variables) == wins


@pytest.mark.parametrize(
    ("typed", "settings", "left"),
    [
        # One load or the other.
        (["--rate", "50"], "users = [4, 32]", []),
        (["--users=4"], "rate = 50", []),
        ([], "users = [4, 32]", ["--users=4,32"]),
        ([], "rate = [50, 99.5]", ["--rate=50,99.5"]),
        # Knob by knob.
        (["--set", "a=1"], "[set]\na = 2\nb = true", ["--set=a=2", "--set=b=true"]),
        (["--vary", "a"], "[set]\na = 2\nb = 0.5", ["--set=b=0.5"]),
        (["--set=a=1"], 'vary = ["a", "b"]', ["--vary=b"]),
        # What is about one target says nothing of another, and a server by its URL has no knobs.
        (["--target", "other"], MINE, ["--budget=3"]),
        (["--target", "mine"], MINE, ["--budget=3", "--locustfile=x.py", "--set=a=1", "--b-c=d"]),
        (["--b-c", "e"], MINE, ["--target=mine", "--budget=3", "--locustfile=x.py", "--set=a=1"]),
        (["--url", "http://here"], "[set]\na = 1", []),
        # Switches go both ways.
        ([], "quality_objective = true", ["--quality-objective"]),
        ([], "quality_objective = false", ["--no-quality-objective"]),
        (["--no-quality-objective"], "quality_objective = true", []),
    ],
)  # fmt: skip
def test_what_is_left_of_a_file_under_what_was_typed(
    tmp_path: Path, typed: list[str], settings: str, left: list[str]
) -> None:
    assert below(tmp_path, typed, settings=settings) == left


@pytest.mark.parametrize(
    ("name", "same"),
    [("server", True), ("./server/", True), ("server/target.toml", True), ("reference", False), ("nowhere", False)],
)
def test_a_target_is_the_same_however_it_is_written(
    tmp_path: Path, name: str, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "target.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    left = below(tmp_path, ["--target", name], settings='target = "./server"\n[set]\na = 1\n[options]\nb = 2')
    assert left == (["--set=a=1", "--b=2"] if same else [])


def test_layers_add_up_knob_by_knob(tmp_path: Path) -> None:
    found = below(
        tmp_path,
        project="[tool.tuner.set]\na = 1\nb = 1\n[tool.tuner.options]\nagent = 'drive'",
        settings="[set]\nb = 2\nc = 2",
        TUNER_SET="c=3 d=3",
        TUNER_VARY="a",
        TUNER_OPTIONS="agent=search",
    )
    assert found == ["--set=b=2", "--set=c=3", "--set=d=3", "--vary=a", "--agent=search"]


def test_a_verb_gets_only_the_flags_that_it_has(tmp_path: Path) -> None:
    assert below(tmp_path, settings='budget = 3\ntarget = "null"\n[set]\na = 1', known=("--target",)) == [
        "--target=null"
    ]


@pytest.mark.parametrize(
    ("settings", "project", "variables", "sentence"),
    [
        ("buget = 3", "", {}, "tuner.toml: unknown setting 'buget'; did you mean 'budget'?"),
        ("", "[tool.tuner]\np99-within = '3%'", {}, "pyproject.toml: [tool.tuner]: unknown setting 'p99-within'; did"),
        ("", "[tool]\ntuner = 3", {}, "pyproject.toml: [tool.tuner]: must be a table"),
        ("", "tool = 3", {}, "pyproject.toml: tool must be a table"),
        ("", "", {"TUNER_BUGET": "3"}, "TUNER_BUGET: unknown setting; did you mean TUNER_BUDGET?"),
        ("budget = 0", "", {}, "tuner.toml: budget: Input should be greater than or equal to 1"),
        ('budget = "3"', "", {}, "tuner.toml: budget: Input should be a valid integer"),
        ("", "", {"TUNER_BUDGET": "many"}, "TUNER_BUDGET: budget: Input should be a valid integer"),
        ("", "", {"TUNER_SET": "batch"}, "TUNER_SET: expected words such as NAME=VALUE, but got 'batch'"),
        ("users = [32, 4]", "", {}, "tuner.toml: users: --users must rise from the lightest load to the target"),
        ('slo = "p99"', "", {}, "tuner.toml: slo: --slo 'p99': expected METRIC=DURATION"),
        ('measure_at_most = "3"', "", {}, "tuner.toml: measure_at_most: cannot read '3': a duration needs a unit"),
        ("set = { a = [1] }", "", {}, "tuner.toml: set.a: "),
        ("budget = ", "", {}, "tuner.toml: is not TOML: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, settings: str, project: str, variables: dict[str, str], sentence: str
) -> None:
    with pytest.raises(UsageError) as raised:
        below(tmp_path, settings=settings, project=project, **variables)
    assert str(raised.value).startswith(sentence)


def test_a_variable_that_is_no_setting_is_told() -> None:
    environment = {"TUNER_NAME": "mine", "TUNER_DRY_RUN": "", "TUNER_BUDGET": "3", "PORT": "80", "TUNER_LATENCY": "5"}
    services = ("PORT", "SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT_80_TCP_ADDR", "UI_SERVICE_HOST", "UI_PORT")
    environment |= {f"TUNER_{name}": "tcp://10.0.0.1:80" for name in services}
    assert list(unread(("--name", "--dry-run", "--budget"), environment)) == [
        "TUNER_LATENCY is not read: no setting has that name",
        "TUNER_NAME is not read: --name cannot be set by a variable; pass it as a flag",
    ]


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    assert below(tmp_path, TUNER_PORT="tcp://10.0.0.1:80", TUNER_SERVICE_HOST="10.0.0.1", _TUNER_COMPLETE="x") == []
