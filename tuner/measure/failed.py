"""The one exception inside a launch; at the edge of this package it becomes a `Failure`, which is data."""

from tuner.errors import TunerError
from tuner.study.trial import FailureKind


class LaunchError(TunerError):
    """A launch that cannot give a measurement, and why."""

    def __init__(self, kind: FailureKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
