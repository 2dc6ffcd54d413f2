"""The ranges of the chart's axes, linear and logarithmic, fixed so that an unbounded interval cannot stretch them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tuner.report.rows import Point
from tuner.study.objectives import Slo

_WIDE = 8.0
"""From this ratio of the largest p99 to the smallest on, a linear axis crowds most points into a corner."""

_DECADES = 1.3
"""Over more decades than this only 1, 2 and 5 find room for a label."""


def in_ms(seconds: float) -> float:
    """Return milliseconds, the unit of the chart."""
    return round(seconds * 1e3, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """Ranges in milliseconds and answers per second; `log` holds exponents of ten, as plotly wants it."""

    linear: tuple[float, float]
    log: tuple[float, float]
    throughput: tuple[float, float]
    log_first: bool

    @property
    def log_ticks(self) -> dict[str, Any]:
        """Ticks of the logarithmic axis."""
        return log_ticks(self.log)

    @property
    def edge(self) -> float:
        """A place beyond the right end of either axis, in milliseconds."""
        return self.linear[1] * 10.0


def log_ticks(ends: tuple[float, float]) -> dict[str, Any]:
    """Return ticks between two exponents of ten with their whole number, where plotly would write a bare 2 or 5."""
    first, last = math.floor(ends[0]), math.ceil(ends[1])
    named = (1, 2, 5) if ends[1] - ends[0] > _DECADES else (1, 2, 3, 4, 5, 7)
    places = [(digit, digit * 10.0**power) for power in range(first, last + 1) for digit in range(1, 10)]
    return {
        "tickmode": "array",
        "tickvals": [float(f"{value:.6g}") for _, value in places],
        "ticktext": [f"{value:,.6g}" if digit in named else "" for digit, value in places],
    }


def axes(points: Sequence[Point], slo: Slo | None) -> Axes:
    """Choose ranges that hold every point and the SLO."""
    p99 = [in_ms(point.level.p99.value) for point in points] or [1.0, 100.0]
    seen = [*p99, in_ms(slo.limit)] if slo else p99
    low, high = max(min(seen), 1e-3), max(*seen, 1e-3)
    return Axes(
        linear=(0.0, high * 1.08),
        log=(math.log10(low / 1.25), math.log10(high * 1.25)),
        throughput=(0.0, max((point.level.carried for point in points), default=100.0) * 1.1 or 1.0),
        log_first=max(p99) / max(min(p99), 1e-3) > _WIDE,
    )
