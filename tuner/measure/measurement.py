"""One launch of one configuration, whatever comes of it, as an outcome that is kept."""

from collections.abc import Callable
from pathlib import Path

from tuner.errors import StorageError
from tuner.files import write_atomically
from tuner.load.driver import LoadError
from tuner.measure.failed import LaunchError
from tuner.measure.judge import judge
from tuner.measure.protocol import ONCE, Protocol, Repetition, Stopwatch
from tuner.measure.visit import Visit, visit_launch, visit_url
from tuner.study.space import Configuration
from tuner.study.trial import Failure, FailureKind, Outcome, dump_outcome
from tuner.target.prepare import PrepareError
from tuner.target.process import log_tail


def measure(protocol: Protocol, configuration: Configuration, folder: Path, repetition: Repetition = ONCE) -> Outcome:
    """Launch `configuration` once and measure it; everything it leaves behind lies in `folder`."""
    return _measured(
        protocol, folder, lambda stopwatch: visit_launch(protocol, configuration, folder, stopwatch, repetition)
    )


def measure_url(protocol: Protocol, url: str, folder: Path) -> Outcome:
    """Measure a server that somebody else started, by the same protocol."""
    return _measured(protocol, folder, lambda stopwatch: visit_url(protocol, url, folder, stopwatch))


def _measured(protocol: Protocol, folder: Path, visit: Callable[[Stopwatch], Visit]) -> Outcome:
    """Turn whatever happens while a server is visited into an outcome, and keep it."""
    stopwatch = Stopwatch(protocol.watcher)
    found: Visit | None = None
    outcome: Outcome
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            found = visit(stopwatch)
            outcome = judge(protocol, found, folder, stopwatch)
        except (LaunchError, PrepareError, LoadError) as error:
            tail = log_tail(folder / "server.log")
            outcome = Failure(
                kind=_kind(error),
                reason=str(error),
                log_tail=tail,
                accuracy=found.accuracy if found else None,
                phases=stopwatch.seconds,
            )
        write_atomically(folder / "measurement.json", dump_outcome(outcome))
    except OSError as error:
        raise StorageError(f"{error.filename or folder}: {error.strerror}; a disk full or not writable?") from error
    return outcome


def _kind(error: LaunchError | PrepareError | LoadError) -> FailureKind:
    if isinstance(error, LaunchError):
        return error.kind
    return FailureKind.PREPARE if isinstance(error, PrepareError) else FailureKind.INVALID
