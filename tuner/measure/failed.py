"""Inside a launch a failure is an exception, at the edge of this package it is data, and on the way out an error."""

from tuner.errors import InfeasibleError, InvalidMeasurementError, TargetStartError, TunerError
from tuner.study.trial import Failure, FailureKind


class LaunchError(TunerError):
    """A launch that cannot give a measurement, and why."""

    def __init__(self, kind: FailureKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


def as_error(failure: Failure, context: str = "") -> TunerError:
    """Return the error, with its exit code, that a person shall see for a failure that nothing can go on from."""
    kind: type[TunerError] = InfeasibleError
    if failure.kind.ours:
        kind = InvalidMeasurementError
    elif failure.kind.never_up:
        kind = TargetStartError
    tail = "".join(f"\n  {line}" for line in failure.log_tail)
    return kind(f"{context}{failure.kind}: {failure.reason}{tail}")
