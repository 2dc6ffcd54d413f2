"""The control groups of a process, where the kernel keeps what limits its CPU and counts how often that was met."""

from collections.abc import Iterator
from pathlib import Path

OWN = Path("/proc/self/cgroup")
MOUNTED = Path("/sys/fs/cgroup")


def cpu_groups(told: str, mounted: Path = MOUNTED) -> Iterator[Path]:
    """Yield the folders of a process's control groups for the CPU, from the text of its `/proc/PID/cgroup`.

    Both versions of control groups write `hierarchy:controllers:path`; a quota may be on the group or on any around it.
    """
    for line in told.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = mounted / "cpu" if controllers else mounted
        group = root / path.lstrip("/")
        yield from (around for around in (group, *group.parents) if around.is_relative_to(root))
