"""What else went on on this machine while a level was measured."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

from tuner.cgroups import OWN, cpu_groups
from tuner.machine import Machine, cores, governor
from tuner.target.process import SupervisedProcess, Usage
from tuner.units import format_seconds

_SLEPT_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Counters of the machine and of our processes at one moment; what this machine does not tell is None.

    Seconds since some start: `busy` and `stolen` of the cores that we may use, `ours` of this process, the server and
    the load, `asleep` of the whole machine. `server` is None for a server that is not ours.
    """

    taken: float
    busy: float
    stolen: float | None
    ours: float
    load: float
    asleep: float
    throttled: int | None
    server: Usage | None


def snapshot(server: SupervisedProcess | None, load: Iterable[SupervisedProcess]) -> Snapshot:
    """Read all counters."""
    used = server.usage() if server else None
    load_cpu = sum(process.usage().cpu for process in load)
    own = psutil.Process().cpu_times()
    busy, stolen = _machine_cpu()
    return Snapshot(
        taken=time.monotonic(),
        busy=busy,
        stolen=stolen,
        ours=own.user + own.system + load_cpu + (used.cpu if used else 0.0),
        load=load_cpu,
        asleep=_asleep(),
        throttled=_throttled(),
        server=used,
    )


def _machine_cpu() -> tuple[float, float | None]:
    """Return the busy and the stolen seconds of the cores that we may use."""
    every = psutil.cpu_times(percpu=True)
    mine = [every[core] for core in cores() if core < len(every)]
    parts = ("user", "nice", "system", "irq", "softirq")
    busy = sum(getattr(core, part, 0.0) for core in mine for part in parts)
    stolen = sum(core.steal for core in mine) if hasattr(every[0], "steal") else None
    return busy, stolen


def _asleep() -> float:
    """Return how long the machine has been suspended since its start."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def _throttled() -> int | None:
    """Return in how many periods a CPU quota stopped us, be it that of our control group or of one around it."""
    found = []
    with suppress(OSError):
        for group in cpu_groups(OWN.read_text()):
            with suppress(OSError, ValueError):
                counters = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
                found.append(int(counters.get("nr_throttled", 0)))
    return sum(found) if found else None


def other_programs(before: Snapshot, after: Snapshot) -> float | None:
    """Return what other programs used, as a share of our cores; unknown when the server is somebody else's."""
    if before.server is None or after.server is None:
        return None
    used = (after.busy - before.busy) - (after.ours - before.ours)
    return max(0.0, used / (after.taken - before.taken) / len(cores()))


def stolen(before: Snapshot, after: Snapshot) -> float | None:
    """Return what the hypervisor gave to other machines, as a share of our cores."""
    if before.stolen is None or after.stolen is None:
        return None
    return (after.stolen - before.stolen) / (after.taken - before.taken) / len(cores())


def throttled(before: Snapshot, after: Snapshot) -> int | None:
    """Return in how many periods a CPU quota stopped us."""
    return after.throttled - before.throttled if before.throttled is not None and after.throttled is not None else None


def processes_lost(before: Snapshot, after: Snapshot) -> int:
    """Return how many processes of the server ended."""
    return len(before.server.pids - after.server.pids) if before.server and after.server else 0


def changes(machine: Machine, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Yield how this machine differs now from what it was when the study began."""
    if len(cores()) != machine.cores:
        yield f"we may use {len(cores())} cores now, {machine.cores} when the study began"
    if governor() != machine.governor:
        yield f"the CPU governor is {governor()} now and was {machine.governor} when the study began"
    if (slept := after.asleep - before.asleep) > _SLEPT_SECONDS:
        yield f"the machine was suspended for {format_seconds(slept)}"
