"""This machine: what a figure measured here depends on."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

ENOUGH_CORES = 4
"""From how many cores on server and load get cores of their own."""

_PACKAGES = ("agent-tuner", "locust", "optuna", "onnxruntime", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A fingerprint: two studies on machines that differ here cannot be compared number by number."""

    cpu: str
    cores: int
    memory: int
    system: str
    python: str
    governor: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Which cores the server runs on and which the load: the same ones when there are too few to part."""

    server: tuple[int, ...]
    load: tuple[int, ...]

    @property
    def shared(self) -> bool:
        """Whether server and load compete for cores."""
        return self.server == self.load


def cores() -> tuple[int, ...]:
    """Which cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def place(available: Sequence[int], load_processes: int = 1) -> Placement:
    """Part the cores: one for each load process here, at most half of them, and the others for the server.

    With fewer than four, the server would lose too much of the machine, so both share all of it.
    """
    if load_processes and len(available) < ENOUGH_CORES:
        return Placement(server=tuple(available), load=tuple(available))
    parted = len(available) - min(load_processes, len(available) // 2)
    return Placement(server=tuple(available[:parted]), load=tuple(available[parted:]))


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def governor() -> str:
    """Name the frequency governor of the CPU, where the system shows it."""
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return path.read_text().strip() if path.exists() else "not visible"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def fingerprint() -> Machine:
    """Read this machine's fingerprint."""
    return Machine(
        cpu=_cpu_name(),
        cores=len(cores()),
        memory=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        governor=governor(),
        versions={package: _version(package) for package in _PACKAGES},
    )


def same_hardware(one: Machine, other: Machine) -> bool:
    """Whether both are the same kind of machine: the same CPU, as many cores; memory differs between two boots."""
    return (one.cpu, one.cores) == (other.cpu, other.cores)


def comparable(one: Machine, other: Machine) -> bool:
    """Whether figures from both can stand in one study: the same hardware, and the same versions."""
    return same_hardware(one, other) and one.versions == other.versions
