"""A supervised process tree: started, watched, measured, and gone when we are."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

_REAPER = Path(__file__).with_name("reaper.py")
_KILL_SECONDS = 5.0
_TAIL_BYTES = 16_384
_STDERR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process tree has used so far: CPU seconds of all its processes, resident bytes now, and which they are."""

    cpu: float
    memory: int
    pids: frozenset[int]


class SupervisedProcess:
    """A command under a reaper; leaving the `with` block stops it and everything it started.

    `descriptors` are handed to the command; its output goes to `log`, or to our stderr. It runs on `cores`, or on all
    that we may use.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        workdir: Path,
        log: Path | None,
        stop_seconds: float,
        descriptors: Sequence[int] = (),
        cores: Sequence[int] | None = None,
    ) -> None:
        self._stop_seconds = stop_seconds
        self._ending = ""
        self._asked = False
        control, self._control = os.pipe()
        self._status, status = os.pipe()
        try:
            with log.open("ab") if log else nullcontext(_STDERR) as output:
                self._reaper = subprocess.Popen(
                    reaped(argv, control, status, cores),
                    cwd=workdir,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=(control, status, *descriptors),
                )
        finally:
            os.close(control)
            os.close(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the command still runs."""
        return self._reaper.poll() is None

    def stop(self) -> str:
        """Ask the command to terminate, kill it when it does not, and say how it ended."""
        if self.running:
            self.ask_to_stop()
            with suppress(subprocess.TimeoutExpired):
                self._reaper.wait(self._stop_seconds)
        return self.kill()

    def ask_to_stop(self) -> None:
        """Ask the command to terminate, once, and do not wait for it."""
        if self._control >= 0 and not self._asked:
            self._asked = True
            with suppress(OSError):
                os.write(self._control, b"T")

    def kill(self) -> str:
        """Kill the whole tree at once and say how the command ended."""
        if self._control >= 0:
            os.close(self._control)
            self._control = -1
        try:
            self._reaper.wait(_KILL_SECONDS)
        except subprocess.TimeoutExpired:
            self._reaper.kill()
            self._reaper.wait()
        return self.ending()

    def ending(self) -> str:
        """Say how the command ended: an exit code or a signal."""
        if self._status >= 0:
            self._ending = describe(os.read(self._status, 64).decode())
            os.close(self._status)
            self._status = -1
        return self._ending

    def usage(self) -> Usage:
        """Sum CPU time and resident memory over the whole tree, the reaper left out."""
        cpu, memory, pids = 0.0, 0, set()
        with suppress(psutil.Error):
            for process in psutil.Process(self._reaper.pid).children(recursive=True):
                with suppress(psutil.Error):
                    times = process.cpu_times()
                    cpu += times.user + times.system + times.children_user + times.children_system
                    memory += process.memory_info().rss
                    pids.add(process.pid)
        return Usage(cpu=cpu, memory=memory, pids=frozenset(pids))


def log_tail(log: Path, lines: int = 20) -> tuple[str, ...]:
    """Return the last lines of a log, whatever bytes it holds."""
    with suppress(OSError), log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return tuple(handle.read().decode(errors="backslashreplace").splitlines()[-lines:])
    return ()


def reaped(argv: Sequence[str], control: int, status: int, cores: Sequence[int] | None = None) -> list[str]:
    """Return the command that runs `argv` under a reaper, on `cores`."""
    where = "all" if cores is None else ",".join(map(str, cores))
    return [sys.executable, "-I", "-S", str(_REAPER), str(control), str(status), where, "--", *argv]


def describe(status: str) -> str:
    """Say how a command ended, from what its reaper wrote."""
    if not status.strip():
        return "killed with its supervisor"
    code = os.waitstatus_to_exitcode(int(status))
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def wait_until_gone(*processes: SupervisedProcess, poll: float = 0.2) -> SupervisedProcess:
    """Block until one of the commands ends by itself; return it."""
    while True:
        for process in processes:
            if not process.running:
                return process
        time.sleep(poll)
