"""What a change does to one figure, how much of that is allowed, and what can be said about it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuner.errors import UsageError
from tuner.statistics.compare import Estimate
from tuner.study.trial import Latency, LevelSummary


class Ruling(StrEnum):
    """What the launches say about a limit."""

    REGRESSION = "regression"
    NO_REGRESSION = "no regression"
    INCONCLUSIVE = "inconclusive"


class Figure(StrEnum):
    """What is compared, at the target load."""

    P99 = "p99"
    THROUGHPUT = "throughput"

    @property
    def read(self) -> Callable[[LevelSummary], float]:
        """Take the figure from a level; a p99 that cannot be told is infinite."""
        if self is Figure.P99:
            return lambda level: level.metric("p99")
        return lambda level: level.throughput

    @property
    def more_is_worse(self) -> bool:
        """Which way is worse."""
        return self is Figure.P99


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much of a change is allowed: a ratio of new to baseline, at most or at least by the figure."""

    figure: Figure
    ratio: Latency

    def __post_init__(self) -> None:
        if not 0.0 < self.ratio < math.inf:
            raise UsageError(f"the limit of {self.figure} leaves nothing: a change must be above −100 %")

    def ruling(self, low: float | None, high: float | None) -> Ruling:
        """Judge the interval of a ratio: it decides when all of it lies on one side of the limit."""
        if low is None or high is None:
            return Ruling.INCONCLUSIVE
        if low > self.ratio:
            return Ruling.REGRESSION if self.figure.more_is_worse else Ruling.NO_REGRESSION
        if high < self.ratio:
            return Ruling.NO_REGRESSION if self.figure.more_is_worse else Ruling.REGRESSION
        return Ruling.INCONCLUSIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What was found about one limit, over so many pairs of launches.

    `ratio` is that of new to baseline, with an interval that holds although it was looked at again and again;
    `baseline` and `new` are means over launches with plain 95 % intervals. There is none of them with too few pairs,
    nor where pairs are `missing`: both were measured, but one did not tell the figure, perhaps for what it was.
    `needed` is from how many pairs on an inconclusive effect would be decided if it stayed as it was seen, None where
    no number of them would do.
    """

    limit: Limit
    pairs: int
    missing: int = 0
    baseline: Estimate | None = None
    new: Estimate | None = None
    ratio: Estimate | None = None
    ruling: Ruling
    needed: int | None = None


def overall(rulings: Sequence[Ruling]) -> Ruling:
    """Judge several limits together: one regression is enough, and all must be met for none."""
    if Ruling.REGRESSION in rulings:
        return Ruling.REGRESSION
    return Ruling.INCONCLUSIVE if Ruling.INCONCLUSIVE in rulings or not rulings else Ruling.NO_REGRESSION


def positive(values: Sequence[float]) -> bool:
    """Whether all values can be compared as ratios."""
    return bool(values) and min(values) > 0.0 and all(map(math.isfinite, values))
