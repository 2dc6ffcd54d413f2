"""One measurement of one configuration, whatever comes of it, as an outcome that is kept."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from tuner.errors import StorageError
from tuner.files import write_atomically
from tuner.load.driver import LoadError
from tuner.measure.failed import LaunchError
from tuner.measure.judge import judge
from tuner.measure.kept import Keeper
from tuner.measure.protocol import ONCE, Protocol, Repetition, Stopwatch
from tuner.measure.visit import Conclude, Task, Visit, visit_server, visit_url
from tuner.study.settings import MeasureSettings, without_user
from tuner.study.space import Configuration
from tuner.study.trial import Failure, FailureKind, Measurement, Outcome, dump_outcome
from tuner.target.prepare import PrepareError
from tuner.target.process import log_tail
from tuner.terminal import clean


def measure(
    protocol: Protocol,
    configuration: Configuration,
    folder: Path,
    repetition: Repetition = ONCE,
    keeper: Keeper | None = None,
) -> Outcome:
    """Measure `configuration` once; everything that this leaves behind lies in `folder`.

    It is launched, unless the server that `keeper` has from an earlier trial takes it while it runs.
    """

    def visit(stopwatch: Stopwatch, conclude: Conclude) -> Measurement:
        task = Task(
            protocol=protocol,
            configuration=configuration,
            folder=folder,
            repetition=repetition,
            stopwatch=stopwatch,
            conclude=conclude,
        )
        with Keeper() if keeper is None else nullcontext(keeper) as own:
            return visit_server(task, own)

    settings = protocol.settings and replace(protocol.settings, configuration=configuration)
    return _measured(protocol, folder, settings, visit)


def measure_url(protocol: Protocol, url: str, folder: Path) -> Outcome:
    """Measure a server that somebody else started, by the same protocol."""
    settings = protocol.settings and replace(protocol.settings, url=without_user(url))
    return _measured(protocol, folder, settings, partial(visit_url, protocol, url, folder))


def _measured(
    protocol: Protocol,
    folder: Path,
    settings: MeasureSettings | None,
    visit: Callable[[Stopwatch, Conclude], Measurement],
) -> Outcome:
    """Turn whatever happens while a server is visited into an outcome, and keep it."""
    stopwatch = Stopwatch(protocol.watcher)
    outcome: Outcome

    def conclude(found: Visit) -> Measurement:
        return judge(protocol, found, folder, stopwatch)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            outcome = visit(stopwatch, conclude)
        except (LaunchError, PrepareError, LoadError) as error:
            tail = log_tail(folder / "server.log")
            # What a server answers may be in it, and what cannot be written would cost everything.
            outcome = Failure(kind=_kind(error), reason=clean(str(error)), log_tail=tail, phases=stopwatch.seconds)
        write_atomically(folder / "measurement.json", dump_outcome(outcome, protocol.machine, settings))
    except OSError as error:
        raise StorageError(f"{error.filename or folder}: {error.strerror}; a disk full or not writable?") from error
    return outcome


def _kind(error: LaunchError | PrepareError | LoadError) -> FailureKind:
    if isinstance(error, LaunchError):
        return error.kind
    return FailureKind.PREPARE if isinstance(error, PrepareError) else FailureKind.INVALID
