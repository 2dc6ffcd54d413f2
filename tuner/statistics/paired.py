"""Two programs answer the same questions: which is right more often, by how much, and how many questions would tell.

Only questions that one of them answers right and the other wrong say anything: `gained` of them speak for the first
program, `lost` ones for the second. Shares of all `total` questions, differences first minus second.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

_BESIDE = 1e-9
_MOST = 10_000_000
"""More questions than anybody labels."""


Ends = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference of shares with its 95 % interval; `p` is that of the test against no difference, where one fits."""

    value: float
    low: float
    high: float
    p: float | None
    gained: int
    lost: int
    total: int


def compared(gained: int, lost: int, total: int) -> Difference:
    """Compare two programs with the truth."""
    low, high = tango(gained, lost, total)
    value, p = (gained - lost) / total, mcnemar(gained, lost)
    return Difference(value=value, low=low, high=high, p=p, gained=gained, lost=lost, total=total)


def shortfall(lost: int, total: int) -> Difference:
    """Compare the first program with the second as if that were the truth: by how much it falls short of all alike.

    Nothing can be gained, so there is no test against no difference.
    """
    low, high = wilson(lost, total)
    return Difference(value=-lost / total, low=-high, high=-low, p=None, gained=0, lost=lost, total=total)


def wilson(count: float, total: float) -> Ends:
    """Return the score interval of a share (Wilson 1927)."""
    z = _z()
    centre, half = count + z * z / 2.0, z * math.sqrt(count * (total - count) / total + z * z / 4.0)
    return max((centre - half) / (total + z * z), 0.0), min((centre + half) / (total + z * z), 1.0)


def mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided p of no difference: what was gained or lost is a fair coin (McNemar 1947)."""
    from scipy import stats  # see quantiles.py

    return float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def sign_test(more: int, fewer: int) -> float:
    """Return the exact one-sided p of what came up `more` times being no likelier than what did `fewer` times."""
    from scipy import stats  # see quantiles.py

    return float(stats.binom.sf(more - 1, more + fewer, 0.5))


def tango(gained: float, lost: float, total: float) -> Ends:
    """Return the score interval of the difference of two paired shares.

    Tango, T. (1998), Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design, Statistics in Medicine 17, 891-908. It holds where few pairs or none differ, unlike Wald's.
    """
    from scipy import optimize  # see quantiles.py

    z = _z()
    seen = (gained - lost) / total

    def beyond(sign: float) -> Callable[[float], float]:
        # The score statistic is ±z at the ends of the interval; without its fraction there is no zero to divide by.
        return lambda value: gained - lost - total * value + sign * z * math.sqrt(_variance(gained, lost, total, value))

    # Where no pair differs, what was seen solves the equation too, and is no end of the interval.
    low = optimize.brentq(beyond(-1.0), -1.0, max(seen - _BESIDE, -1.0))
    return float(low), float(optimize.brentq(beyond(1.0), min(seen + _BESIDE, 1.0), 1.0))


def _variance(gained: float, lost: float, total: float, value: float) -> float:
    """Return the variance of `gained - lost` if `value` were the difference, with the likeliest share of losses."""
    a = 2.0 * total
    b = (2.0 * total - gained + lost) * value - gained - lost
    c = -lost * value * (1.0 - value)
    losses = (math.sqrt(max(b * b - 4.0 * a * c, 0.0)) - b) / (2.0 * a)
    return max(total * (2.0 * losses + value * (1.0 - value)), 0.0)


def enough(found: Difference, limit: float) -> int | None:
    """Return from how many questions on the interval leaves `limit` out, if the shares stay as they were found.

    None when no number of questions that anybody has would do: what was found lies on the limit, or too near.
    """

    def decides(count: int) -> bool:
        low, high = _interval(found, count / found.total)
        return not low < limit < high

    most = found.total
    while not decides(most):
        if most >= _MOST:
            return None
        most *= 2
    least = 1
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if decides(middle) else (middle + 1, most)
    return most


def _interval(found: Difference, times: float) -> Ends:
    """Return what the interval would be with so many times the questions."""
    gained, lost, total = found.gained * times, found.lost * times, found.total * times
    if found.p is not None:
        return tango(gained, lost, total)
    low, high = wilson(lost, total)
    return -high, -low


def _z() -> float:
    from scipy import stats  # see quantiles.py

    return float(stats.norm.ppf(0.975))
