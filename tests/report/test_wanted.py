"""What a reader can copy means the configuration, the load and the limits that it was written for."""

import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from tests import hot
from tests.conftest import MakeTarget
from tests.report import studies
from tests.report.odd import HOSTILE
from tuner.cli import options
from tuner.cli.app import app
from tuner.report.commands import measure, variables
from tuner.report.settings_file import HELD, settings_file
from tuner.settings.flags import arguments, beneath
from tuner.settings.layers import layers
from tuner.study.objectives import Limits, Slo
from tuner.study.space import Configuration
from tuner.study.study import Settings
from tuner.study.workload import Workload, opened, standard
from tuner.target import spec
from tuner.target.spec import Target
from tuner.units import parse_share

SMALL = studies.small(slo=Slo(metric="p99", limit=0.048))
WINNER = SMALL.trial(3).configuration


def exported(text: str | None) -> dict[str, str]:
    assert text is not None
    words = shlex.split(text)
    assert words[::2] == ["export"] * (len(words) // 2)
    return dict(word.split("=", 1) for word in words[1::2])


def test_the_file_of_a_winner() -> None:
    assert settings_file(SMALL.settings, WINNER) == (
        'target = "reference"\n'
        "users = [4, 32]\n"
        'slo = "p99=48ms"\n'
        "seed = 7\n"
        "\n"
        "[options]\n"
        'agent = "search"\n'
        "\n"
        f"# {HELD}\n"
        "[set]\n"
        "max_batch_size = 8\n"
        "batch_timeout_ms = 0.0\n"
        "workers = 1\n"
        "intra_op_threads = 2\n"
        'precision = "int8"\n'
        'execution_provider = "CPUExecutionProvider"'
    )


def test_the_variables_of_a_winner() -> None:
    assert exported(variables(SMALL.settings, WINNER)) == {
        "TUNER_TARGET": "reference",
        "TUNER_USERS": "4,32",
        "TUNER_SLO": "p99=48ms",
        "TUNER_SEED": "7",
        "TUNER_SET": "max_batch_size=8 batch_timeout_ms=0.0 workers=1 intra_op_threads=2 precision=int8 "
        "execution_provider=CPUExecutionProvider",
        "TUNER_OPTIONS": "agent=search",
    }


def test_what_is_not_usual_is_told_too() -> None:
    workload = replace(standard(opened((0.5, 200.0))), interval=0.05, measure_most=8.0, processes=2, master="h:5557")
    settings = replace(
        SMALL.settings, workload=workload, locustfile="my file.py", runtime_python="/my env/python", limits=Limits()
    )
    read = tomllib.loads(settings_file(settings, {"on": True}))
    assert read == {
        "target": "reference",
        "runtime_python": "/my env/python",
        "locustfile": "my file.py",
        "rate": [0.5, 200],
        "slo": "none",
        "seed": 7,
        "p99_within": "0.05",
        "measure_at_most": "8s",
        "load_processes": 2,
        "load_master": "h:5557",
        "set": {"on": True},
        "options": {"agent": "search"},
    }
    assert exported(variables(settings, {"on": True}))["TUNER_SET"] == "on=true"


@pytest.mark.parametrize("text", [HOSTILE, 'a"b\\c', "\x00\x7f\u202e", "half \ud800 pair"])
def test_hostile_texts_stay_texts(text: str) -> None:
    settings: Settings = replace(SMALL.settings, target=text, options={text: text})
    written = settings_file(settings, {text: text})
    kept = text.replace("\ud800", "\ufffd")
    assert tomllib.loads(written)["set"] == {kept: kept}
    assert tomllib.loads(written)["options"] == {kept: kept}
    assert "\x1b" not in written


def test_words_with_spaces_have_no_variable() -> None:
    assert variables(SMALL.settings, {"note": "two words"}) is None
    assert variables(SMALL.settings, {"note": "one"}) is not None


def _flags(verb: str) -> list[str]:
    return [flag for option in PROGRAM.commands[verb].params for flag in (*option.opts, *option.secondary_opts)]


def parsed(verb: str, words: Sequence[str], target: Target) -> tuple[Workload, Limits, Configuration, int]:
    """What a verb reads in its arguments: the load, the limits, the configuration and the seed."""
    context = PROGRAM.commands[verb].make_context(verb, list(words))
    given = context.params
    load = [given[name] for name in ("users", "rate", "p99_within", "measure_at_most", "load_processes")]
    limits = Limits(slo=options.slo(given["slo"], target))
    if "max_accuracy_drop" in given:
        limits = replace(limits, max_accuracy_drop=parse_share(given["max_accuracy_drop"]))
    configuration = target.space.configuration(options.parse_sets(target, given["sets"]))
    return options.workload(*load, given.get("load_master")), limits, configuration, given["seed"]


def from_file(settings: Settings, configuration: Configuration, folder: Path, verb: str) -> list[str]:
    (folder / "tuner.toml").write_text(settings_file(settings, configuration))
    return arguments(beneath(layers(folder, {}), ()), _flags(verb))


def from_variables(settings: Settings, configuration: Configuration, folder: Path, verb: str) -> list[str]:
    return arguments(beneath(layers(folder, exported(variables(settings, configuration))), ()), _flags(verb))


def from_command(settings: Settings, configuration: Configuration, _: Path, verb: str) -> list[str]:
    program, *words = measure(settings, configuration)
    assert program == f"tuner {verb}"
    return shlex.split(" ".join(words))


PROGRAM: Any = typer.main.get_command(app)
WAYS: dict[str, tuple[Callable[[Settings, Configuration, Path, str], list[str]], str]] = {
    "command": (from_command, "measure"),
    "file": (from_file, "measure"),
    "file of a search": (from_file, "search"),
    "variables": (from_variables, "measure"),
    "variables of a search": (from_variables, "search"),
}
ASKED: dict[str, Mapping[str, Any]] = {
    "as usual": {},
    "one user": {"users": "1"},
    "a level no longer than usual, however light": {"at_most": "3s"},
    "short levels": {"at_most": "700ms"},
    "an interval": {"within": "5%"},
    "the usual interval, but longer": {"within": "10%"},
    "an interval and an end": {"within": "0.07", "at_most": "8.5s"},
    "rates": {"rate": "0.1,33.333333333333336,1234567.25"},
    "several processes": {"processes": 3},
}
LIMITS = (
    Limits(),
    Limits(slo=Slo(metric="p99", limit=0.0289)),
    Limits(slo=Slo(metric="p50", limit=0.0501)),
    Limits(slo=Slo(metric="mean", limit=1.1), max_accuracy_drop=0.07),
    Limits(slo=Slo(metric="p95", limit=1e-7), max_accuracy_drop=1.0),
    Limits(max_accuracy_drop=0.0),
)


@pytest.fixture
def target(make_target: MakeTarget) -> Target:
    """A target with an SLO of its own, which a study without any did not keep to."""
    return spec.load(str(make_target(f'slo = "p99=20ms"\n{hot.TOML}', server_py="", requests_jsonl=hot.REQUESTS)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("asked", "limits"), [*((name, LIMITS[0]) for name in ASKED), *(("as usual", one) for one in LIMITS[1:])]
)
def test_what_is_copied_asks_for_the_same_measurement(
    way: str, asked: str, limits: Limits, target: Target, tmp_path: Path
) -> None:
    load: dict[str, Any] = {"users": None, "rate": None, "within": None, "at_most": None, **ASKED[asked]}
    workload = options.workload(**load)
    settings = replace(SMALL.settings, target=str(target.folder), options={}, workload=workload, limits=limits, seed=11)
    configuration = target.space.configuration({"model": "large", "batch": 3, "wait": 0.5})
    write, verb = WAYS[way]
    found = parsed(verb, write(settings, configuration, tmp_path, verb), target)
    # A single measurement loses no accuracy, and has no limit on it.
    kept = limits if verb == "search" else replace(limits, max_accuracy_drop=Limits().max_accuracy_drop)
    assert found == (workload, kept, configuration, 11)
