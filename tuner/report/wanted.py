"""How a configuration was measured, as the settings of tuner that mean the same: one list for all that is copied."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tuner.study.objectives import Limits
from tuner.study.space import Configuration, Value
from tuner.study.study import Settings
from tuner.study.workload import Loop, Workload, standard
from tuner.units import parse_seconds

_SHORTEST = 1e-6

Scalar = str | int | list[int | float]
Table = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting by its name in a `tuner.toml`; the flag of the same name has dashes.

    A table holds one flag a row: `--set` again and again, and the target's own options under their own names.
    """

    name: str
    value: Scalar | Table


def wanted(settings: Settings, configuration: Configuration) -> tuple[Setting, ...]:
    """List what has to be set to measure a configuration as a study did."""
    every = _every(settings, configuration)
    return tuple(Setting(name=name, value=value) for name, value in every if value is not None and value != {})


def _every(settings: Settings, configuration: Configuration) -> Iterator[tuple[str, Scalar | Table | None]]:
    yield "target", settings.target
    yield "options", {name: value for name, value in settings.options.items() if value != ""}
    yield "runtime_python", settings.runtime_python
    # Every knob is named, so that it means the same after a default has changed.
    yield "set", configuration
    yield from _load(settings.workload)
    # A target may have an SLO of its own, which "none" keeps out.
    slo = settings.limits.slo
    yield "slo", f"{slo.metric}={_duration(slo.limit)}" if slo else "none"
    if settings.limits.max_accuracy_drop != Limits().max_accuracy_drop:
        yield "max_accuracy_drop", _share(settings.limits.max_accuracy_drop)
    yield "seed", settings.seed
    yield "locustfile", settings.locustfile


def _load(workload: Workload) -> Iterator[tuple[str, Scalar | None]]:
    """Yield the loads, and what is not as usual for them."""
    usual = standard(workload.loads)
    if workload.loop is Loop.CLOSED:
        yield "users", [load.users for load in workload.loads]
    else:
        yield "rate", [int(load.rate) if load.rate.is_integer() else load.rate for load in workload.loads]
    if workload.interval != usual.interval:
        yield "p99_within", _share(workload.interval)
    # Without a limit of its own a level that is too light to tell a p99 is measured on for longer.
    if (workload.measure_most, workload.patience) != (usual.measure_most, usual.patience):
        yield "measure_at_most", _duration(workload.measure_most)
    if workload.processes != usual.processes:
        yield "load_processes", workload.processes
    yield "load_master", workload.master


def _duration(seconds: float) -> str:
    """Write a duration that is read back to the last bit, below a second in milliseconds where they do."""
    short = f"{seconds * 1e3:.15g}ms"
    return short if _SHORTEST <= seconds < 1.0 and parse_seconds(short) == seconds else f"{_plain(seconds)}s"


def _share(share: float) -> str:
    """Write a share as it is read back to the last bit; one without a unit has to be less than one."""
    return _plain(share) if share < 1.0 else "100%"


def _plain(number: float) -> str:
    """Write a number without an exponent, as short as reads back to the last bit."""
    short = repr(number).removesuffix(".0")
    return f"{number:.25f}".rstrip("0") if "e" in short else short
