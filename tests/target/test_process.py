"""Real processes: whatever a server does, nothing of it is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tuner.target.process import SupervisedProcess, log_tail

DEADLINE = 10.0
SLEEP = "import time; time.sleep(60)"


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def start(
    code: str, tmp_path: Path, stop_seconds: float = 5.0, cores: tuple[int, ...] | None = None, **env: str
) -> SupervisedProcess:
    return SupervisedProcess(
        [sys.executable, "-c", code],
        env={**os.environ, **env},
        workdir=tmp_path,
        log=tmp_path / "log",
        stop_seconds=stop_seconds,
        cores=cores,
    )


def marked(mark: str) -> list[psutil.Process]:
    """Every process that carries `mark` in its environment, the reapers too."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARK") == mark:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_command_that_ends_by_itself(tmp_path: Path) -> None:
    with start("print('bye'); raise SystemExit(7)", tmp_path) as process:
        assert eventually(lambda: not process.running)
        assert process.ending() == "exit code 7"
    assert log_tail(tmp_path / "log") == ("bye",)


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    with SupervisedProcess(
        ["/no/such/program"], env={}, workdir=tmp_path, log=tmp_path / "log", stop_seconds=1.0
    ) as process:
        assert eventually(lambda: not process.running)
        assert process.ending() == "exit code 127"
    assert "No such file" in log_tail(tmp_path / "log")[-1]


def test_a_crash_names_its_signal(tmp_path: Path) -> None:
    with start("import os; os.kill(os.getpid(), 9)", tmp_path) as process:
        assert eventually(lambda: not process.running)
        assert process.ending() == "killed by SIGKILL"


def test_stop_lets_a_server_finish(tmp_path: Path) -> None:
    code = "import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); print('up', flush=True); signal.pause()"
    with start(code, tmp_path) as process:
        assert eventually(lambda: log_tail(tmp_path / "log") == ("up",))
        assert process.stop() == "exit code 0"
        assert process.stop() == "exit code 0", "stopping twice changes nothing"


STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)
print("up", flush=True)
time.sleep(60)
"""


def test_a_stubborn_server_and_its_daemons_are_killed(tmp_path: Path) -> None:
    mark = f"stubborn-{os.getpid()}"
    with start(STUBBORN, tmp_path, stop_seconds=0.2, MARK=mark) as process:
        assert eventually(lambda: len(marked(mark)) == 5)
        assert process.stop() == "killed by SIGKILL"
    assert marked(mark) == []


def test_nothing_outlives_a_killed_tuner(tmp_path: Path) -> None:
    mark = f"orphan-{os.getpid()}"
    tuner = f"""
import os, time
from pathlib import Path
from tuner.target.process import SupervisedProcess
import sys
SupervisedProcess([sys.executable, "-c", {STUBBORN!r}], env={{**os.environ, "MARK": {mark!r}}},
                  workdir=Path({str(tmp_path)!r}), log=Path({str(tmp_path / "log")!r}), stop_seconds=5)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", tuner])
    try:
        assert eventually(lambda: len(marked(mark)) == 5)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert eventually(lambda: not marked(mark))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores can be chosen on Linux only")
def test_a_command_and_what_it_starts_run_on_the_cores_that_were_chosen(tmp_path: Path) -> None:
    ours = os.sched_getaffinity(0)
    last = max(ours)
    told = "import os; print(sorted(os.sched_getaffinity(0)), flush=True)"
    code = f"{told}; import subprocess, sys; subprocess.run([sys.executable, '-c', {told!r}])"
    with start(code, tmp_path, cores=(last,)) as process:
        assert eventually(lambda: not process.running)
    assert (tmp_path / "log").read_text().splitlines() == [f"[{last}]"] * 2
    assert os.sched_getaffinity(0) == ours


def test_usage_counts_the_whole_tree(tmp_path: Path) -> None:
    code = "import subprocess, sys; print('up', flush=True); subprocess.run([sys.executable, '-c', 'while True: pass'])"
    with start(code, tmp_path, stop_seconds=0.2) as process:
        assert eventually(lambda: process.usage().cpu > 0.2)
        assert process.usage().memory > 5_000_000


@pytest.mark.parametrize("content", [b"", b"one", b"a\n\xff\xfe\nlast\n"])
def test_log_tail_takes_any_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log").write_bytes(content)
    assert len(log_tail(tmp_path / "log", 2)) == min(2, len(content.splitlines()))
    assert log_tail(tmp_path / "none") == ()


def test_a_command_that_is_stopped_as_it_starts_ends_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    for _ in range(20):
        with start(SLEEP, tmp_path, stop_seconds=50.0):
            pass
    assert time.monotonic() - began < 50.0, "no stop was lost, so none had to wait"
