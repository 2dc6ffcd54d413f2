"""Exact percentiles and their confidence intervals, also for samples that depend on each other."""

import math

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Ends = tuple[float | None, float | None]
"""Low and high end of an interval; an end that the sample cannot bound is None."""

_BATCHES = 20
_LEVELS = (1, 5, 10)


def quantile(ordered: Numbers, share: float) -> float:
    """Return the exact order statistic at `share`: the smallest value that at least that share does not exceed.

    `ordered` rises and may end in infinities; no interpolation, so the value is one that was measured.
    """
    if len(ordered) == 0:
        return math.nan
    # Rounding keeps 0.99 * 100 = 99.00000000000001 from asking for the hundredth of a hundred values.
    rank = math.ceil(round(share * len(ordered), 9))
    return float(ordered[max(rank, 1) - 1])


def dependent_interval(values: Numbers, share: float, confidence: float = 0.95) -> Ends:
    """Return the confidence interval of a quantile of `values` in order of time, which may depend on each other.

    The variance inflation is the largest one at the quantile itself and where five and ten times as many values
    exceed: a short run sees few bursts at p99, and they look less alike at p95 and p90 than they are. Coverage of
    p99 on simulated queues: `tests/benchmarks/coverage.py`.
    """
    ordered = np.sort(values)
    levels = [1.0 - times * (1.0 - share) for times in _LEVELS if times == 1 or times * (1.0 - share) <= 0.5]
    inflation = max(variance_inflation(values, quantile(ordered, level)) for level in levels)
    return quantile_interval(ordered, share, confidence, inflation)


def variance_inflation(values: Numbers, threshold: float, batches: int = _BATCHES) -> float:
    """Measure how much more the count of exceedances varies than it would for independent samples.

    `values` in order of time are cut into `batches`; VIF = Var(exceedances per batch) / (m·p·(1-p)), at least 1
    (batch means; Schmeiser 1982).
    """
    size = len(values) // batches
    if size == 0:
        return 1.0
    exceeded = values[: size * batches] > threshold
    share = float(exceeded.mean())
    if share in (0.0, 1.0):
        return 1.0
    counts = exceeded.reshape(batches, size).sum(axis=1)
    return max(1.0, float(counts.var(ddof=1)) / (size * share * (1.0 - share)))


def quantile_interval(values: Numbers, share: float, confidence: float = 0.95, inflation: float = 1.0) -> Ends:
    """Return the order-statistic confidence interval of a quantile; an end that the sample cannot bound is None.

    The binomial ranks hold for independent samples (Conover, Practical Nonparametric Statistics, 3.2). An
    `inflation` above 1, estimated from 20 batches, widens them to at least the ranks whose shares of exceeding
    values lie t(19) standard deviations off on the arcsine scale, where the deviation of a share is
    sqrt(inflation / 4n) whatever the share (Anscombe 1948).
    """
    from scipy import stats  # half a second to import, which a mistyped command need not wait for

    ordered, count = np.sort(values), len(values)
    if count == 0:
        return None, None
    tail = (1.0 - confidence) / 2.0
    low, high = int(stats.binom.ppf(tail, count, share)), int(stats.binom.ppf(1.0 - tail, count, share)) + 1
    if inflation > 1.0:
        angle = math.asin(math.sqrt(1.0 - share))
        half = float(stats.t.ppf(1.0 - tail, _BATCHES - 1)) * math.sqrt(inflation / count) / 2.0
        most, least = min(angle + half, math.pi / 2.0), max(angle - half, 0.0)
        low = min(low, count - math.ceil(count * math.sin(most) ** 2))
        high = max(high, count + 1 - math.floor(count * math.sin(least) ** 2))
    return (
        float(ordered[low - 1]) if low >= 1 else None,
        float(ordered[high - 1]) if high <= count else None,
    )


def relative_half_width(value: float, low: float | None, high: float | None) -> float:
    """Return how far the farther end of an interval lies from its value, as a share of the value.

    Infinite where an end is missing or anything is infinite, not a number, or the value not above zero.
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high) and math.isfinite(value)):
        return math.inf
    return max(high - value, value - low) / value if value > 0.0 else math.inf


def smallest_sample(share: float, confidence: float = 0.95) -> int:
    """Return from how many samples on a quantile has a two-sided upper bound: 368 for p99 at 95 %."""
    return math.ceil(math.log((1.0 - confidence) / 2.0) / math.log(share))
