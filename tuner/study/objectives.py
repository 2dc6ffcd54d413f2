"""What is wanted of a configuration: the SLO and the other limits that it must meet."""

from dataclasses import dataclass

from tuner.errors import UsageError, unknown
from tuner.units import format_drop, format_seconds, format_share, parse_seconds

SLO_METRICS = ("p50", "p90", "p95", "p99", "mean")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """A latency limit at the target load: `metric` at most `limit` seconds."""

    metric: str
    limit: float

    def __str__(self) -> str:
        return f"{self.metric} ≤ {format_seconds(self.limit)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The constraints of a study.

    `max_accuracy_drop` is a share of all answers below the default configuration's accuracy, or without labels below
    full agreement with it; `max_error_rate` is a share of all requests of a level.
    """

    slo: Slo | None = None
    max_accuracy_drop: float = 0.01
    max_error_rate: float = 0.01

    def __str__(self) -> str:
        parts = [str(self.slo)] if self.slo else []
        parts.append(f"quality drop ≤ {format_drop(self.max_accuracy_drop)}")
        parts.append(f"errors ≤ {format_share(self.max_error_rate)}")
        return ", ".join(parts)


def parse_slo(text: str, where: str = "--slo") -> Slo:
    """Read an SLO such as `p99=50ms`, which stands `where`."""
    metric, equals, limit = text.partition("=")
    if not equals:
        raise UsageError(f"{where} {text!r}: expected METRIC=DURATION, for example p99=50ms")
    if metric not in SLO_METRICS:
        raise UsageError(f"{where} {text!r}: {unknown('metric', metric, SLO_METRICS)}")
    try:
        seconds = parse_seconds(limit)
    except UsageError as error:
        raise UsageError(f"{where} {text!r}: {error}") from None
    if seconds <= 0:
        raise UsageError(f"{where} {text!r}: the limit must be above zero")
    return Slo(metric=metric, limit=seconds)
