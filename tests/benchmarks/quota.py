"""Take CPU time away from the processes that make the load."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
PERIOD = 0.1


def load_processes() -> list[int]:
    """List the Locust processes that this one has started."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if child.cmdline()[1:3] == ["-m", "locust"]:
                found.append(child.pid)
    return found


@contextmanager
def quota(pids: Sequence[int], share: float) -> Iterator[str]:
    """Let processes run for a share of one core; yields by which means.

    By a control group of its own where we may make one, otherwise by SIGSTOP and SIGCONT in turn, as a quota would.
    """
    with ExitStack() as stack:
        try:
            join = stack.enter_context(control_group(share))
            for pid in pids:
                join(pid)
            means = "control group"
        except OSError:
            stack.enter_context(stop_and_go(pids, share))
            means = "SIGSTOP"
        yield means


@contextmanager
def control_group(share: float) -> Iterator[Callable[[int], object]]:
    """Make a control group with a quota, of either version; afterwards its processes are free again."""
    first = (CGROUPS / "cpu").is_dir()
    parent = CGROUPS / "cpu" if first else CGROUPS
    group = parent / f"tuner-benchmark-{os.getpid()}"
    group.mkdir()
    period = int(PERIOD * 1e6)
    try:
        if first:
            (group / "cpu.cfs_period_us").write_text(str(period))
            (group / "cpu.cfs_quota_us").write_text(str(int(share * period)))
        else:
            (group / "cpu.max").write_text(f"{int(share * period)} {period}")
        yield lambda pid: (group / "cgroup.procs").write_text(str(pid))
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (parent / "cgroup.procs").write_text(pid)
        group.rmdir()


@contextmanager
def stop_and_go(pids: Sequence[int], share: float) -> Iterator[None]:
    """Let processes run for a share of every period."""
    over = threading.Event()

    def alternate() -> None:
        while not over.is_set():
            send(pids, signal.SIGSTOP)
            time.sleep((1.0 - share) * PERIOD)
            send(pids, signal.SIGCONT)
            time.sleep(share * PERIOD)

    thread = threading.Thread(target=alternate)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def send(pids: Sequence[int], what: signal.Signals) -> None:
    """Signal those that still live."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)
