"""The commands that a reader can copy."""

from collections.abc import Iterator

from tuner.report.text import amount, exact, in_shell
from tuner.study.space import Configuration
from tuner.study.study import Settings
from tuner.study.workload import Loop, Workload, standard

Command = tuple[str, ...]
"""The parts of a command, quoted: the program and its verb, then each option with its value."""

_LADDER = {Loop.CLOSED: "--users", Loop.OPEN: "--rate"}


def serve(settings: Settings, configuration: Configuration) -> Command:
    """Return the command that serves a configuration."""
    return ("tuner serve", *_target(settings), *_sets(configuration))


def measure(settings: Settings, configuration: Configuration) -> Command:
    """Return the command that measures a configuration as the study did."""
    own = (_option("--locustfile", settings.locustfile),) if settings.locustfile else ()
    rest = (*_workload(settings.workload), _option("--seed", str(settings.seed)), *own)
    return ("tuner measure", *_target(settings), *_sets(configuration), *rest)


def _target(settings: Settings) -> Iterator[str]:
    yield _option("--target", settings.target)
    for name, value in settings.options.items():
        if value != "":
            yield _option(f"--{name.replace('_', '-')}", value)
    if settings.runtime_python:
        yield _option("--runtime-python", settings.runtime_python)


def _sets(configuration: Configuration) -> Iterator[str]:
    # Every knob is named, so that the command means the same after a default has changed.
    for name, value in configuration.items():
        yield _option("--set", f"{name}={exact(value)}")


def _workload(workload: Workload) -> Iterator[str]:
    yield _option(_LADDER[workload.loop], ",".join(map(amount, workload.loads)))
    yield from (_option(flag, value) for flag, value in workload_flags(workload))


def workload_flags(workload: Workload) -> Iterator[tuple[str, str]]:
    """Yield the flags, with their values, of what is not as usual for these loads."""
    usual = standard(workload.loads)
    if workload.interval != usual.interval:
        yield "--p99-within", exact(workload.interval)
    if workload.measure_most != usual.measure_most:
        yield "--measure-at-most", f"{workload.measure_most:.15g}s"
    if workload.processes != usual.processes:
        yield "--load-processes", str(workload.processes)
    if workload.master is not None:
        yield "--load-master", workload.master


def _option(flag: str, value: str) -> str:
    return f"{in_shell(flag)} {in_shell(value)}"
