"""Bad input: one plain sentence on stderr, the right exit code, nothing left behind."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tests import hot
from tests.cli.program import tuner
from tests.conftest import MakeTarget
from tuner.cli.app import app
from tuner.search.storage import read_study


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["search", "--target", "refrence"], "unknown target 'refrence'; did you mean 'reference'"),
        (["search", "--target", "null", "--set", "delay=3"], "unknown knob 'delay'; did you mean 'delay_ms'"),
        (["search", "--target", "null", "--set", "delay_ms=300"], "delay_ms: 300.0 is outside 0.0 to 20.0"),
        (["search", "--target", "null", "--set", "delay_ms"], "--set 'delay_ms': expected KNOB=VALUE"),
        (
            ["search", "--set", "workers=2", "--set", "intra_op_threads=2"],
            "workers * intra_op_threads <= $cores",
        ),
        (["search", "--target", "null", "--vary", "delay"], "--vary: unknown knob 'delay'; did you mean 'delay_ms'"),
        (
            ["search", "--target", "null", "--set", "delay_ms=3", "--vary", "delay_ms"],
            "--vary delay_ms: --set holds it at 3.0; give one of them",
        ),
        (["measure", "--target", "null", "--url", "http://127.0.0.1:9", "--set", "delay_ms=3"], "--set configures"),
        (
            ["measure", "--target", "null", "--set", "delay_ms=3", "--set", "delay_ms=4"],
            "--set delay_ms=4: delay_ms is held at 3.0 already; give one of them",
        ),
        (["measure", "--target", "null", "--url", "http://"], "--url http://: expected a host and a port"),
        (
            ["measure", "--target", "null", "--url", "http://h:99999"],
            "--url http://h:99999: expected a host and a port",
        ),
        (["measure", "--target", "null", "--url", "http://h:x"], "--url http://h:x: expected a host and a port"),
        (["ui", "--target", "null", "--url", "http://h:0"], "--url http://h:0: expected a host and a port"),
        (["search", "--target", "null", "--storage", "nonsense"], "--storage 'nonsense' is not a database URL"),
        (["search", "--target", "null", "--storage", "me:pw@host/db"], "--storage '***@host/db' is not a database URL"),
        (["search", "--target", "null", "--buget", "3"], "unknown option '--buget'; did you mean '--budget'"),
        (["search", "--target", "null", "--quite"], "unknown option '--quite'; did you mean '--quiet'? (known: "),
        (["search", "--target", "null", "--jsn"], "unknown option '--jsn'; did you mean '--json'? (known: "),
        (["search", "--target", "null", "--foo"], "unknown option '--foo' (known: "),
        (["search", "--target", "null", "--quality-objectiv"], "did you mean '--quality-objective'?"),
        (["search", "--target", "null", "-h"], "unknown option '-h'; did you mean '--help'?"),
        (["search", "null"], "`tuner search` takes no argument 'null'; did you mean --target null?"),
        (["measure", "delay_ms=3"], "`tuner measure` takes no argument 'delay_ms=3'; did you mean --set delay_ms=3?"),
        (["worker", "here:1", "null"], "`tuner worker` takes no argument 'null'; did you mean --target null?"),
        (["search", "--target", "null", "--slo", "p99=quick"], "cannot read 'quick'"),
        (["search", "--target", "null", "--slo", "p98=5ms"], "unknown metric 'p98'"),
        (["search", "--target", "null", "--users", "32,4"], "--users must rise"),
        # What the shell makes of a variable that is not set.
        (["search", "--target", "null", "--users", ""], "--users '': expected whole numbers"),
        (["gate", "--target", "null", "--baseline", "HEAD", "--users", ""], "--users '': expected whole numbers"),
        (["gate", "--target", "null", "--baseline", "HEAD", "--rate", ""], "--rate '': expected arrivals a second"),
        (["search", "--target", ""], "--target '': give a bundled target's name, or a folder"),
        (["search", "--target", "null", "--name", ""], "--name ''"),
        (["search", "--target", "null", "--out", ""], "--out '': give a folder; . is this one"),
        (["report", ""], "FOLDER '': give a folder; . is this one"),
        (["search", "--target", "null", "--rate", "fast"], "--rate 'fast': expected arrivals a second"),
        (["measure", "--target", "null", "--rate", "50", "--users", "4"], "give one of them"),
        (["measure", "--target", "null", "--load-master", "10.0.0.5:5557"], "cannot reach what tuner launches"),
        (["measure", "--target", "null", "--measure-at-most", "10ms"], "too short, give at least 0.5 s"),
        (["measure", "--target", "null", "--load-processes", "0"], "--load-processes 0"),
        (["measure", "--target", "null", "--load-master", "here"], "--load-master: cannot read 'here': expected"),
        (["measure", "--target", "null", "--p99-within", "0%"], "--p99-within"),
        (["measure", "--target", "null", "--p99-within", "5"], "--p99-within: cannot read '5': a share is"),
        (["measure", "--target", "null", "--measure-at-most", "5"], "--measure-at-most: cannot read '5': a duration"),
        (["search", "--target", "null", "--max-accuracy-drop", "5"], "--max-accuracy-drop: cannot read '5': a share"),
        (["gate", "--baseline", "HEAD", "--max-accuracy-drop", "5"], "--max-accuracy-drop: cannot read '5': a share"),
        (["gate", "--baseline", "HEAD", "--at-most", "5"], "--at-most: cannot read '5': a duration needs a unit"),
        (["gate", "--baseline", "HEAD", "--max-p99", "5%"], "--max-p99: cannot read '5%': a change has a sign"),
        (["gate", "--baseline", "HEAD", "--min-throughput", "5%"], "--min-throughput: cannot read '5%': a change"),
        (["search", "--target", "null", "--quality-objective"], "null has no [answers] with requests and field"),
        (["search", "--target", "null", "--name", "../evil"], "--name '../evil'"),
        (["search", "--target", "null", "--locustfile", "none.py"], "there is no file none.py"),
        (["search", "--model", "none.onnx"], "--model: there is no file none.onnx"),
        (["search", "--model", "junk.onnx"], "junk.onnx"),
        (["search", "--agent", "drvie"], "--agent: unknown choice 'drvie'"),
        (["measure", "--runtime-python", "/nowhere/python"], "--runtime-python: there is no program /nowhere/python"),
        (["serve", "--runtime-python", "/bin/sh"], "--runtime-python: /bin/sh is no Python interpreter"),
        (
            ["measure", "--set", "execution_provider=CUDAExecutionProvider"],
            "CUDAExecutionProvider: does not run here: not in onnxruntime",
        ),
        (["resume", "nowhere"], "nowhere is not a study"),
        (["report", "nowhere"], "nowhere is not a study"),
        (["targets", "nulll"], "unknown target 'nulll'; did you mean 'null'"),
    ],
)
def test_one_sentence_and_exit_code_two(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    result = tuner(*arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["junk.onnx"]


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (["search", "--target", "null", "--out", "o\udcff"], "--out"),
        (["search", "--target", "t\udcff"], "--target"),
        (["measure", "--target", "null", "--locustfile", "l\udcff.py"], "--locustfile"),
        (["gate", "--target", "null", "--baseline", "t\udcff"], "--baseline"),
        (["report", "t\udcff"], "FOLDER"),
        (["compare", "t\udcff", "t\udcff"], "BEFORE"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_path_that_is_not_utf_8(make_target: MakeTarget, tmp_path: Path, arguments: list[str], flag: str) -> None:
    make_target(hot.TOML, server_py="", requests_jsonl=hot.REQUESTS).rename(tmp_path / "t\udcff")
    (tmp_path / "l\udcff.py").write_text("")
    before = {*tmp_path.iterdir()}
    result = tuner(*arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith(f"tuner: {flag}: the path '")
    assert result.stderr.endswith("is not UTF-8, and no report can name it; rename it\n")
    assert {*tmp_path.iterdir()} == before


@pytest.mark.parametrize("arguments", [["search", "--budget", "0"], ["search", "--seed", "-1"], ["serch"]])
def test_what_the_parser_refuses(tmp_path: Path, arguments: list[str]) -> None:
    result = tuner(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_low_above_high_is_named_with_its_file(make_target: MakeTarget, tmp_path: Path) -> None:
    folder = make_target('description = "x"\ncommand = ["x", "$a"]\n[space]\na = { low = 3, high = 1, default = 1 }\n')
    result = tuner("search", "--target", str(folder), cwd=tmp_path)
    assert result.returncode == 2
    assert f"{folder / 'target.toml'}: a: low must not be above high" in result.stderr


def test_an_empty_name_is_not_the_target_of_this_folder(make_target: MakeTarget) -> None:
    folder = make_target(hot.TOML, server_py="", requests_jsonl=hot.REQUESTS)
    result = tuner("search", "--target", "", "--dry-run", cwd=folder)
    assert (result.returncode, result.stdout) == (2, "")


def test_a_study_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "reports" / "mine").mkdir(parents=True)
    result = tuner("search", "--target", "null", "--name", "mine", cwd=tmp_path)
    assert result.returncode == 2
    assert "exists already" in result.stderr
    plan = tuner("search", "--target", "null", "--name", "mine", "--dry-run", cwd=tmp_path)
    assert (plan.returncode, plan.stdout, plan.stderr) == (2, "", result.stderr)


def test_an_output_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = tuner("search", "--target", "null", "--out", "file", cwd=tmp_path)
    assert result.returncode == 7
    assert "choose a folder with --out" in result.stderr


def test_a_server_that_exits_at_start_shows_its_last_lines(make_target: MakeTarget, tmp_path: Path) -> None:
    folder = make_target(
        'description = "x"\ncommand = ["$python", "-c", "print(\'cannot find weights\'); raise SystemExit(3)", "$a"]\n'
        "[space]\na = { low = 1, high = 3, default = 1 }\n"
    )
    result = tuner("search", "--target", str(folder), "--name", "mine", cwd=tmp_path)
    assert result.returncode == 4
    assert "in its default configuration: did not start" in result.stderr
    assert "  cannot find weights" in result.stderr
    study = read_study(tmp_path / "reports" / "mine")
    assert study.trials[0].failure is not None
    assert study.trials[0].failure.log_tail == ("cannot find weights",)


def test_help_names_every_verb_with_an_example(tmp_path: Path) -> None:
    overview = tuner("--help", cwd=tmp_path)
    assert overview.returncode == 0
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert {"search", "resume", "measure", "serve", "ui", "report", "compare", "gate", "doctor", "init"} < set(verbs)
    for name, verb in verbs.items():
        assert name in overview.stdout
        for one in getattr(verb, "commands", {"": verb}).values():
            assert "Example: tuner" in one.help, f"{name} {one.name}"
    assert "Example: tuner runtime " in tuner("runtime", "--help", cwd=tmp_path).stdout


# The options of a verb are read with pydantic, by typer itself.
@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["--help"], []),
        (["--version"], []),
        (["search", "--help"], ["pydantic"]),
        (["runtime", "list"], ["pydantic"]),
        (["targets"], ["pydantic"]),
        (["targets", "null"], ["pydantic"]),
        *(([verb, "--target", "nulll"], ["pydantic"]) for verb in ("search", "measure", "serve", "ui", "doctor")),
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported_before_it_is_needed(tmp_path: Path, arguments: list[str], loaded: list[str]) -> None:
    (tmp_path / "tuner.toml").write_text("budget = 3\n")
    code = (
        "import sys; from contextlib import suppress; from tuner.cli.app import main\n"
        "with suppress(SystemExit): main()\n"
        "heavy = {'optuna', 'pandas', 'plotly', 'numpy', 'scipy', 'onnxruntime', 'locust', 'httpx', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stderr.splitlines()[-1] == str(loaded)
