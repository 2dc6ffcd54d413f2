"""A small program between tuner and each process that it starts, so that nothing outlives either of them.

`python -I -S reaper.py CONTROL STATUS CORES -- COMMAND…` runs COMMAND on the CORES, such as `0,1`, or on `all`. CONTROL
is the read end of a pipe that only tuner can write to: a byte asks COMMAND to terminate, end of file (tuner closed it,
or died in any way) kills every descendant, also those that made a session of their own. STATUS gets one line, COMMAND's
exit status as `os.wait` reports it. Standard library only, and no `site`, because it starts once per trial.
"""

import os
import select
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants, so that they can be found and killed (Linux)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents() -> dict[int, int]:
    """Map every process to its parent."""
    found = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if entry.isdigit():
            with suppress(OSError), open(f"/proc/{entry}/stat", "rb") as handle:
                # The command's name may hold spaces and parentheses: the fields start after the last one.
                found[int(entry)] = int(handle.read().rpartition(b")")[2].split()[1])
    return found


def descendants() -> list[int]:
    """List every process below this one."""
    family, found = parents(), {os.getpid()}
    while more := {pid for pid, parent in family.items() if parent in found} - found:
        found |= more
    return sorted(found - {os.getpid()})


def kill_all(group: int) -> None:
    """Kill every descendant and wait until none is left."""
    with suppress(OSError):
        os.killpg(group, signal.SIGKILL)
    while True:
        for pid in descendants():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def spawn(argv: Sequence[str], closed: Sequence[int]) -> int:
    """Start the command as the leader of a process group of its own.

    A SIGTERM that is sent before the command runs still ends it: its group is there as soon as this returns, and the
    signal waits until the handler of ours is gone.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
    pid = os.fork()
    if pid:
        with suppress(OSError):
            os.setpgid(pid, pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
        return pid
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
        for descriptor in closed:
            os.close(descriptor)
        os.execvpe(argv[0], list(argv), os.environ)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
    os._exit(127)


def reap(child: int) -> int | None:
    """Collect what has ended; return the command's status once it has."""
    status = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            if ended[0] == child:
                status = ended[1]
    return status


def supervise(child: int, control: int) -> int:
    """Wait for the command's end or for tuner's word; return the command's exit status."""
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while (status := reap(child)) is None:
        readable, _, _ = select.select([control, wake], [], [])
        if wake in readable:
            os.read(wake, 512)
        if control in readable:
            if not os.read(control, 1):
                kill_all(child)
                return signal.SIGKILL
            with suppress(OSError):
                os.killpg(child, signal.SIGTERM)
    kill_all(child)
    return status


def main() -> None:
    """Run the command under supervision."""
    control, status = int(sys.argv[1]), int(sys.argv[2])
    os.setsid()
    adopt_orphans()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, lambda *_: None)
    if sys.argv[3] != "all" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, map(int, sys.argv[3].split(",")))
    child = spawn(sys.argv[5:], (control, status))
    result = supervise(child, control)
    with suppress(OSError):
        os.write(status, f"{result}\n".encode())


if __name__ == "__main__":
    main()
