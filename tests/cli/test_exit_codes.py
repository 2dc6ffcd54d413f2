"""Every kind of ending has its own exit code, in the help, in the README and in fact."""

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import tuner
from tests.conftest import MACHINE, MakeTarget, make_level, make_measurement
from tuner import errors
from tuner.cli import app
from tuner.cli.app import main
from tuner.measure import measurement
from tuner.search import engine, storage
from tuner.search.storage import Store
from tuner.study.trial import Confirmation, Failure, FailureKind, Measurement, dump_outcome
from tuner.target.launch import free_port

README = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text(encoding="utf-8")

ANSWERS_NOTHING = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ZeroDivisionError("ours"), 1),
        (errors.TunerError("broken"), 1),
        (errors.UsageError("x"), 2),
        (errors.TargetFileError("x"), 2),
        (errors.InfeasibleError("x"), 3),
        (errors.TargetStartError("x"), 4),
        (errors.RegressionError("x"), 5),
        (errors.InvalidMeasurementError("x"), 6),
        (errors.StorageError("x"), 7),
        (KeyboardInterrupt(), 130),
        (errors.Terminated(), 143),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_an_ending_has_its_code(
    error: BaseException,
    code: int,
    as_json: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(storage, "read_study", fail)
    with pytest.raises(SystemExit) as ended:
        main(["report", "here", *(["--json"] if as_json else [])])
    assert ended.value.code == code
    out, err = capsys.readouterr()
    told = json.loads(out)["error"] if as_json else {"code": code, "message": err.partition("tuner: ")[2].strip()}
    assert told["code"] == code
    assert told["message"]
    assert told["message"] in err
    assert ("Traceback" in err) == isinstance(error, ZeroDivisionError)


def test_the_codes_are_documented() -> None:
    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.TunerError)
    }
    for text in (app._EPILOG, README):
        listed = re.search(r"Exit codes: (.*?)\.", text, re.DOTALL)
        assert listed is not None
        numbers = set(map(int, re.findall(r"\b\d+\b", listed[1])))
        assert {0, *codes, 130, 143} == numbers


def test_a_configuration_that_fails_is_infeasible(make_target: MakeTarget, tmp_path: Path) -> None:
    toml = 'description = "x"\ncommand = ["$python", "$home/server.py", "$port", "$a"]\nready = "/ready"\n'
    folder = make_target(toml + "[space]\na = { low = 1, high = 3, default = 1 }\n", server_py=ANSWERS_NOTHING)
    short = ["--users", "2", "--measure-at-most", "0.5s"]
    result = tuner("measure", "--target", str(folder), *short, cwd=tmp_path)
    assert result.returncode == 3, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("prepare\nstart\n"), "a log shows that something happens"


@pytest.mark.parametrize(("written", "logs"), [([], False), (["locust.log"], True)])
def test_a_measurement_that_failed_points_to_logs_only_where_there_are_some(
    written: list[str],
    logs: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: object, __: object, folder: Path) -> Failure:
        for name in ("measurement.json", *written):
            (folder / name).write_text("")
        return Failure(kind=FailureKind.NOT_READY, reason="nobody is there")

    monkeypatch.setattr(measurement, "measure_url", fail)
    with pytest.raises(SystemExit) as ended:
        main(["measure", "--target", "null", "--url", "http://127.0.0.1:9", "--out", str(tmp_path)])
    told = capsys.readouterr().err
    assert (ended.value.code, "nobody is there" in told) == (4, True)
    assert ("tuner: logs in " in told) == logs


def test_a_search_in_which_nothing_keeps_the_limits_ends_with_its_own_code(tmp_path: Path) -> None:
    asked = ["--set", "delay_ms=5", "--slo", "p50=1ms", "--users", "4", "--measure-at-most", "0.5s", "--budget", "1"]
    result = tuner("search", "--target", "null", "--name", "mine", *asked, cwd=tmp_path)
    assert result.returncode == 3, result.stderr
    assert "tuner: no configuration meets the limits (p50 ≤ 1.00 ms" in result.stderr
    assert "Report: " in result.stdout
    assert (tmp_path / "reports" / "mine" / "index.html").exists()


@pytest.mark.parametrize(
    ("changes", "flags", "code", "words"),
    [
        ({"throughput": 100.0}, [], 0, ""),
        ({"throughput": 60.0}, [], 5, "throughput"),
        ({"cores": 64}, [], 2, "--other-machine"),
        ({"cores": 64}, ["--other-machine"], 0, ""),
    ],
)
def test_a_comparison_has_a_code_of_its_own(
    tmp_path: Path, changes: dict[str, Any], flags: list[str], code: int, words: str
) -> None:
    other = replace(MACHINE, cores=changes.get("cores", MACHINE.cores))
    for name, throughput, machine in (("a", 100.0, MACHINE), ("b", changes.get("throughput", 100.0), other)):
        for launch, wobble in enumerate((0.99, 1.0, 1.01)):
            place = tmp_path / name / f"measure-{launch}"
            place.mkdir(parents=True)
            measured = make_measurement(throughput=throughput * wobble)
            (place / "measurement.json").write_text(dump_outcome(measured, machine))
    result = tuner("compare", "a", "b", *flags, cwd=tmp_path)
    assert result.returncode == code, result.stderr
    assert words in result.stderr


MEASURED = make_measurement(target=0.05, loads=(4, 32))


def of_a_few_requests() -> Measurement:
    """A measurement with too few requests for a p99 under the target load."""
    level = replace(make_level(32, 100.0, 0.05), requests=9)
    return replace(MEASURED, levels=(MEASURED.light, level))


@pytest.mark.parametrize(
    ("measured", "slo", "code", "said"),
    [
        (MEASURED, "p99=50ms", 0, ""),
        (MEASURED, "none", 0, ""),
        (MEASURED, "p99=49ms", 3, "the SLO p99 ≤ 49.0 ms is missed: p99 is 50.0 ms at 32 users"),
        (MEASURED, "p50=5ms", 3, "the SLO p50 ≤ 5.00 ms is missed: p50 is 25.0 ms at 32 users"),
        (of_a_few_requests(), "p99=1s", 6, "cannot tell whether the SLO p99 ≤ 1.00 s is met: 9 requests are too few"),
        (of_a_few_requests(), "p50=5ms", 3, "the SLO p50"),
    ],
)
def test_a_measurement_that_misses_the_slo_says_so(
    measured: Measurement,
    slo: str,
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(measurement, "measure", lambda *_: measured)
    with pytest.raises(SystemExit) as ended:
        main(["measure", "--target", "null", "--slo", slo, "--out", str(tmp_path), "--quiet"])
    out, err = capsys.readouterr()
    assert (ended.value.code, said in err, "req/s" in out) == (code, True, True), err


def test_a_measurement_says_what_was_asked_and_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("from locust import User\n\n\nclass Somebody(User):\n    pass\n")
    address = f"127.0.0.1:{free_port()}"
    server = ["--url", f"http://alice:s3cret@{address}/"]
    with pytest.raises(SystemExit) as ended:
        main(["measure", "--target", "null", *server, "--locustfile", "mine.py", "--law", "mdc", "--p99-within", "5%"])
    assert ended.value.code == 4
    text = next(tmp_path.glob("reports/measure-*/measurement.json")).read_text()
    found = json.loads(text)["settings"]
    assert (found["target"], found["options"], found["configuration"]) == ("null", {"law": "mdc"}, None)
    assert (found["url"], found["locustfile"]) == (f"http://{address}", str(tmp_path.resolve() / "mine.py"))
    assert found["workload"]["interval"] == 0.05
    assert "s3cret" not in text + capsys.readouterr().err


def test_a_search_whose_finalists_all_failed_when_launched_again_is_not_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def search(store: Store, *_: object) -> None:
        number, configuration = store.begin(store.header.space.default())
        store.finish(number, configuration, MEASURED)
        lost = Failure(kind=FailureKind.CRASH, reason="out of memory")
        store.confirm(Confirmation(trial=number, round=0, outcome=lost))

    monkeypatch.setattr(engine, "search", search)
    with pytest.raises(SystemExit) as ended:
        main(["search", "--target", "null", "--budget", "1", "--name", "mine", "--out", str(tmp_path)])
    out, err = capsys.readouterr()
    assert ended.value.code == 6
    assert "Not confirmed: every launch that should have confirmed a finalist failed" in out
    assert "tuner: nothing was confirmed, as every launch for it failed" in err


@pytest.mark.parametrize(
    ("measured", "code", "said"),
    [
        (MEASURED, 3, "tuner: no configuration meets the limits (p99 ≤ 40.0 ms"),
        (of_a_few_requests(), 6, "tuner: cannot tell whether a configuration meets the limits (p99 ≤ 40.0 ms"),
    ],
)
def test_a_search_that_could_judge_nothing_does_not_say_that_the_limits_are_missed(
    measured: Measurement,
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def search(store: Store, *_: object) -> None:
        number, configuration = store.begin(store.header.space.default())
        store.finish(number, configuration, measured)

    monkeypatch.setattr(engine, "search", search)
    asked = ["--target", "null", "--budget", "1", "--slo", "p99=40ms", "--name", "mine", "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        main(["search", *asked])
    err = capsys.readouterr().err
    assert (ended.value.code, said in err) == (code, True), err


@pytest.mark.parametrize("arguments", [["serve"], ["ui"], ["doctor"]])
def test_without_a_temporary_folder(
    arguments: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    ports = [] if "doctor" in arguments else ["--port", str(free_port())]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--target", "null", *ports])
    assert ended.value.code == 7
    assert "no temporary folder can be made (No such file or directory)" in capsys.readouterr().err


SECOND_TIME_BROKEN = """
from pathlib import Path

from locust import User

seen = Path(__file__).with_name("seen")
if seen.exists():
    raise RuntimeError("mine")
seen.touch()


class Visitor(User):
    pass
"""


def test_a_locust_that_ends_says_why_itself_and_has_its_own_code(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(SECOND_TIME_BROKEN)
    where = ["--url", "http://127.0.0.1:9", "--port", str(free_port())]
    result = tuner("ui", "--target", "null", "--locustfile", "broken.py", *where, cwd=tmp_path)
    assert result.returncode == 6, result.stderr
    assert "RuntimeError: mine" in result.stderr
    assert "tuner: Locust ended by itself (" in result.stderr
