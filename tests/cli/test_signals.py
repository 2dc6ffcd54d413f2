"""The first Ctrl-C ends a search in good order, the second one at once; either way nothing is left."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.program import nothing_is_left_of
from tests.conftest import MakeTarget
from tuner.cli import signals
from tuner.cli.app import main
from tuner.cli.run import run
from tuner.errors import StorageError, Terminated
from tuner.machine import cores, place
from tuner.report import write
from tuner.search import engine
from tuner.search.storage import read_study
from tuner.study.objectives import Limits
from tuner.study.study import Settings, Study
from tuner.study.workload import closed, standard
from tuner.target import spec
from tuner.terminal import Output

STUBBORN = """
import signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
signal.signal(signal.SIGTERM, lambda *_: open(sys.argv[2], "w").close())
open(sys.argv[2] + ".up", "w").close()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
"""A server that answers, and that takes note of a SIGTERM and stays."""

TOML = """
description = "x"
command = ["$python", "$home/server.py", "$port", "{told}", "$a"]
[timeouts]
stop = 60.0
[space]
a = {{ low = 1, high = 3, default = 1 }}
"""


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_leaves_at_once(make_target: MakeTarget, tmp_path: Path, second: int) -> None:
    told = tmp_path / "told"
    folder = make_target(TOML.format(told=told), server_py=STUBBORN)
    command = [sys.executable, "-m", "tuner", "search", "--target", str(folder), "--users", "2",
               "--name", "study", "--out", str(tmp_path)]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    wait_for(tmp_path / "told.up", process)
    process.send_signal(signal.SIGINT)
    wait_for(told, process)
    # The server has been asked to stop and has a minute to do so: only another signal gets us out now.
    os.kill(process.pid, second)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 128 + second
    assert err.strip() == "tuner: finishing; a second Ctrl-C leaves at once"
    assert out == ""
    assert nothing_is_left_of(tmp_path)
    assert read_study(tmp_path / "study").trials == (), "what was stored can be gone on with"


def test_the_first_ctrl_c_tells_what_there_is_and_how_to_go_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tuner", "search", "--target", "null", "--budget", "3", "--users", "2",
               "--measure-at-most", "0.5s", "--name", "study", "--out", str(tmp_path), "--json", "--quiet"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    wait_for(tmp_path / "study" / "trials" / "0001" / "locust.log", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    message = f"interrupted; continue with: tuner resume {tmp_path / 'study'}"
    assert err == f"tuner: {message}\n"
    found = json.loads(out)
    assert found["error"] == {"code": 130, "message": message}
    assert [trial["number"] for trial in found["result"]["trials"]] == [0]
    assert Path(found["result"]["report"]).exists()
    assert nothing_is_left_of(tmp_path)


def test_ctrl_c_where_the_reader_of_stderr_went_first(tmp_path: Path) -> None:
    """As with `2>&1 | tee log`, which the same Ctrl-C ends."""
    command = [sys.executable, "-m", "tuner", "search", "--target", "null", "--budget", "3", "--users", "2",
               "--measure-at-most", "0.5s", "--name", "study", "--out", str(tmp_path)]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    wait_for(tmp_path / "study" / "trials" / "0001" / "locust.log", process)
    assert process.stderr is not None
    process.stderr.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert (tmp_path / "study" / "index.html").exists()


class Dropped:
    """Something that is interrupted while it is cleaned up, where Python swallows every exception."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


def test_an_interruption_that_a_finalizer_swallows_is_not_lost() -> None:
    def drop_and_go_on() -> None:
        Dropped()
        signal.pause()

    signals.listen(quiet=True)
    with pytest.raises(KeyboardInterrupt):
        drop_and_go_on()


def test_a_terminal_that_is_lost_ends_in_good_order_unless_nohup_says_no() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.listen(quiet=True)
    os.kill(os.getpid(), signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signals.listen(quiet=True)
    with pytest.raises(Terminated):
        os.kill(os.getpid(), signal.SIGHUP)


def test_ctrl_c_while_the_report_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = iter([KeyboardInterrupt])
    written = write.write_report

    def interrupted_once(study: Study, folder: Path) -> Path:
        for interruption in asked:
            raise interruption
        return written(study, folder)

    monkeypatch.setattr(write, "write_report", interrupted_once)
    monkeypatch.setattr(engine, "search", lambda *_: None)
    workload = standard(closed((2,)))
    settings = Settings(name="study", target="null", workload=workload, limits=Limits(), budget=1, seed=0)
    output = Output()
    with pytest.raises(KeyboardInterrupt):
        run(settings, spec.load("null"), place(cores()), command="tuner search", out=tmp_path, output=output)
    assert output.go_on == f"tuner resume {tmp_path / 'study'}"
    assert (tmp_path / "study" / "index.html").exists()


def test_a_first_signal_lets_the_last_words_be_written() -> None:
    signals.listen(quiet=True)
    signals.finish()
    os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is signals._leave, "the next one leaves at once"


def test_a_second_signal_leaves_also_while_the_last_words_are_written() -> None:
    signals.listen(quiet=True)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    signals.finish()
    assert signal.getsignal(signal.SIGTERM) is signals._leave


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        (StorageError("the storage is gone"), 7, "the storage is gone; continue with: tuner resume"),
        (
            ZeroDivisionError("ours"),
            1,
            "internal error in tuner: ZeroDivisionError('ours'); continue with: tuner resume",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "x.npy"),
            7,
            "x.npy: No space left on device; continue with: ",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_ends_a_search_by_accident_names_the_command_that_goes_on(
    ending: Exception,
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise ending

    monkeypatch.setattr(engine, "search", fail)
    with pytest.raises(SystemExit) as ended:
        main(["search", "--target", "null", "--name", "study", "--out", str(tmp_path)])
    out, err = capsys.readouterr()
    assert ended.value.code == code
    assert said in err
    assert str(tmp_path / "study") in err
    assert "Nothing was measured yet" in out, "there is a report all the same"


def test_a_report_that_cannot_be_written_hides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    def unwritten(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(engine, "search", interrupted)
    monkeypatch.setattr(write, "write_report", unwritten)
    with pytest.raises(SystemExit) as ended:
        main(["search", "--target", "null", "--name", "study", "--out", str(tmp_path), "--quiet"])
    assert ended.value.code == 130
    assert capsys.readouterr().err.splitlines() == [
        "note: there is no report of what was measured: the disk is full",
        f"tuner: interrupted; continue with: tuner resume {tmp_path / 'study'}",
    ]
