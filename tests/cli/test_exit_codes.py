"""Every kind of ending has its own exit code, in the help, in the README and in fact."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.test_bad_input import tuner
from tests.conftest import MakeTarget
from tuner import errors
from tuner.cli import app
from tuner.cli.app import main
from tuner.search import storage

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
    def fail(*_: object) -> None:
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
