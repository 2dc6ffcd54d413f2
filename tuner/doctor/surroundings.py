"""What this machine allows: cores, clock, quota, open files, ports, disk, libraries. Each check is one line."""

import math
import os
import resource
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

from tuner.cgroups import MOUNTED, OWN, cpu_groups
from tuner.doctor.diagnosis import Check
from tuner.machine import ENOUGH_CORES, Machine, Placement
from tuner.measure.protocol import Protocol
from tuner.study.workload import Loop, Workload
from tuner.target.launch import free_port
from tuner.units import format_bytes

_OWN_FILES = 256
"""Open files that a process needs beside its connections."""
_IN_FLIGHT = 1_000
"""Requests that an open loop may have in flight, each on a connection: AGENT_MAX_IN_FLIGHT of the locustfile."""
_ENOUGH_DISK = 1e9
_STEADY_GOVERNORS = ("performance", "not visible")


def look_around(protocol: Protocol) -> Iterator[Check]:
    """Yield a line for everything that can be seen without measuring."""
    machine, placement = protocol.machine, protocol.placement
    yield cores(placement, os.cpu_count() or 0)
    yield governor(machine.governor)
    yield quota(cpu_quota(), machine.cores)
    yield open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0], connections(protocol.workload))
    yield port()
    yield disk((Path.cwd(), user_cache_path("agent-tuner"), user_state_path("agent-tuner")))
    yield versions(machine)


def cores(placement: Placement, present: int) -> Check:
    """Say whether server and load have cores of their own, and which of those `present` they are kept from."""
    allowed = sorted({*placement.server, *placement.load})
    kept = len(allowed) < present
    which = f", only {', '.join(map(str, allowed))} of the machine's {present} by affinity" if kept else ""
    if not placement.shared:
        found = f"{_count(len(placement.server), 'core')} for the server, {len(placement.load)} for the load{which}"
        return Check(name="cores", ok=True, found=found)
    more = "allow it more of them (taskset, the cpuset of a container)" if kept else f"take {ENOUGH_CORES} or more"
    return Check(
        name="cores",
        ok=False,
        found=f"server and load share {_count(len(placement.server), 'core')}{which}",
        advice=f"{more}, or make the load on another machine (--load-master)",
    )


def governor(name: str) -> Check:
    """Say whether the clock of the CPU follows the load."""
    ok = name in _STEADY_GOVERNORS
    return Check(
        name="CPU governor", ok=ok, found=name, advice="" if ok else "sudo cpupower frequency-set -g performance"
    )


def quota(allowed: float | None, cores: int) -> Check:
    """Say whether a quota of a control group stops us before the cores are full."""
    if allowed is None or allowed >= cores:
        return Check(
            name="CPU quota", ok=True, found="none" if allowed is None else f"{allowed:g} cores, as many as we use"
        )
    return Check(
        name="CPU quota",
        ok=False,
        found=f"{allowed:g} of {_count(cores, 'core')}: whoever uses more is stopped for the rest of a period",
        advice="give this container whole cores (docker --cpuset-cpus) in place of a quota (--cpus)",
    )


def cpu_quota(own: Path = OWN, mounted: Path = MOUNTED) -> float | None:
    """Return how many cores the control groups that we are in allow, the tightest of them; None for no limit."""
    found: list[float | None] = []
    with suppress(OSError):
        found = [_quota_of(group) for group in cpu_groups(own.read_text(), mounted)]
    return min((allowed for allowed in found if allowed is not None), default=None)


def _quota_of(group: Path) -> float | None:
    """Read the quota of one control group, in its second version or in its first."""
    with suppress(OSError, ValueError):
        if (group / "cpu.max").exists():
            most, period = (group / "cpu.max").read_text().split()
        else:
            most, period = ((group / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        return float(most) / float(period) if float(most) > 0.0 else None
    return None


def connections(workload: Workload) -> int:
    """Return how many connections one process may hold under a workload."""
    return workload.target.users if workload.loop is Loop.CLOSED else _IN_FLIGHT


def open_files(limit: int, connections: int) -> Check:
    """Say whether a process may hold twice the connections of the workload, as it does while they are renewed."""
    need = 2 * connections + _OWN_FILES
    allowed = math.inf if limit == resource.RLIM_INFINITY else limit
    if allowed >= need:
        return Check(name="open files", ok=True, found=f"{allowed:g} allowed, {need} needed")
    found = f"{allowed:g} allowed, {need} needed for {connections} connections"
    return Check(name="open files", ok=False, found=found, advice=f"ulimit -n {need}")


def port() -> Check:
    """Say whether there is a port on loopback to listen on."""
    try:
        free_port()
    except OSError as error:
        return Check(
            name="loopback", ok=False, found=f"no port: {error.strerror}", advice="allow 127.0.0.1 in this sandbox"
        )
    return Check(name="loopback", ok=True, found="127.0.0.1 has free ports")


def disk(folders: Sequence[Path]) -> Check:
    """Say whether studies, the cache and this diagnosis can be written, with room for them."""
    homes = [next(place for place in (folder, *folder.parents) if place.exists()) for folder in folders]
    closed = [str(folder) for folder, home in zip(folders, homes, strict=True) if not os.access(home, os.W_OK)]
    if closed:
        found = f"not writable: {', '.join(closed)}"
        return Check(name="disk", ok=False, found=found, advice="run from a folder of yours, or give --out")
    free = min(shutil.disk_usage(home).free for home in homes)
    ok = free >= _ENOUGH_DISK
    advice = "" if ok else "make room: a study of 50 trials keeps up to that much of raw samples"
    return Check(name="disk", ok=ok, found=f"writable, {format_bytes(free)} free", advice=advice)


def versions(machine: Machine) -> Check:
    """Say which versions would measure."""
    missing = [name for name, version in machine.versions.items() if version == "not installed"]
    found = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    advice = f"pip install {' '.join(missing)}" if missing else ""
    return Check(name="versions", ok=not missing, found=f"Python {machine.python}, {found}", advice=advice)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
