"""Looking at an effect now and then while it is measured, without erring more often for it.

Repeated confidence intervals (Jennison & Turnbull 1989): at every look there is an interval, and with the stated
confidence all of them hold the truth, so that one may stop at any look for whatever reason. How much of the error each
look may use is spent by elapsed time (Lan & DeMets 1983; the power family of Kim & DeMets 1987), so that the number of
looks need not be known before. The looks share the error by Bonferroni's inequality and not by their correlation, which
nobody knows for Student's t with so few repetitions: the intervals are somewhat wider than they had to be. Student's t
assumes that ratios scatter evenly about their mean. Where one launch in ten is twice as slow, a few ratios in a row may
all miss that, and lie closer together than they should: no interval from so few of them holds its error then.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence

from tuner.statistics.compare import Estimate, ratio

FIRST_LOOK = 3
"""After so many repetitions: fewer have an interval that decides nothing."""

LAST_EARLY = 0.7
"""After this share of the time no look is worth what it takes from the last one."""

_LEAST_ERROR = 1e-4
"""A look with less of the error than this has an interval that decides nothing."""

_GROWTH = 5.0 / 3.0
_POWER = 1.5
_MOST = 1_000


def next_look(repetitions: int) -> int:
    """Return after how many repetitions to look again: 3, 5, 9, 15, 25, …; each look costs some of the error."""
    return max(FIRST_LOOK, math.ceil(repetitions * _GROWTH))


def spent(share: float) -> float:
    """Return which share of the error may be used until this share of the time is over."""
    return float(min(max(share, 0.0), 1.0) ** _POWER)


def planned(looks: Sequence[float], confidence: float = 0.95) -> float:
    """Return the error of the last of `looks`, shares of the time: what is spent by then less what was before."""
    before = spent(looks[-2]) if len(looks) > 1 else 0.0
    return (1.0 - confidence) * (spent(looks[-1]) - before)


def is_worth_a_look(looks: Sequence[float]) -> bool:
    """Whether the last of `looks` may use enough of the error to decide anything."""
    return planned(looks) >= _LEAST_ERROR


def repeated_ratio(
    numerators: Sequence[float], denominators: Sequence[float], looks: Sequence[float], confidence: float = 0.95
) -> Estimate:
    """Return the mean paired ratio at the last of `looks`, which are shares of the time, with its repeated interval."""
    return ratio(numerators, denominators, 1.0 - planned(looks, confidence))


def enough(
    numerators: Sequence[float], denominators: Sequence[float], limit: float, confidence: float = 0.95
) -> int | None:
    """Return from how many repetitions on the interval leaves `limit` out, if mean and scatter stay what they were.

    None when no number of them that anybody has would do: the ratio lies on the limit, or too near.
    """
    from scipy import stats  # see quantiles.py

    found = ratio(numerators, denominators, confidence)
    if found.low is None or found.high is None:
        return None
    count = found.repetitions
    scatter = math.log(found.high / found.low) / 2.0 / float(stats.t.ppf((1.0 + confidence) / 2.0, count - 1))
    sd, distance = scatter * math.sqrt(count), abs(math.log(found.value / limit))
    tail = (1.0 - confidence) * (1.0 - spent(LAST_EARLY)) / 2.0

    def decides(repetitions: int) -> bool:
        return float(stats.t.isf(tail, repetitions - 1)) * sd < distance * math.sqrt(repetitions)

    place = bisect_left(range(_MOST + 1), True, lo=count + 1, key=decides)
    return place if place <= _MOST else None
