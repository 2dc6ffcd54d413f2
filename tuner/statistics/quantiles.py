"""Exact percentiles and their confidence intervals, also for samples that depend on each other."""

import math

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


def quantile(ordered: Numbers, share: float) -> float:
    """Return the exact order statistic at `share`: the smallest value that at least that share does not exceed.

    `ordered` rises and may end in infinities; no interpolation, so the value is one that was measured.
    """
    if len(ordered) == 0:
        return math.nan
    # Rounding keeps 0.99 * 100 = 99.00000000000001 from asking for the hundredth of a hundred values.
    rank = math.ceil(round(share * len(ordered), 9))
    return float(ordered[max(rank, 1) - 1])


def variance_inflation(values: Numbers, threshold: float, batches: int = 20) -> float:
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


def quantile_interval(
    values: Numbers, share: float, confidence: float = 0.95, inflation: float = 1.0
) -> tuple[float | None, float | None]:
    """Return the order-statistic confidence interval of a quantile; an end that the sample cannot bound is None.

    The binomial ranks hold for independent samples (Conover, Practical Nonparametric Statistics, 3.2); an
    `inflation` above 1 divides the number of samples, which widens the interval for dependent ones.
    """
    from scipy import stats  # half a second to import, which a mistyped command need not wait for

    ordered = np.sort(values)
    count = len(ordered)
    effective = math.floor(count / inflation)
    if effective == 0:
        return None, None
    tail = (1.0 - confidence) / 2.0
    below = int(stats.binom.ppf(tail, effective, share))
    above = int(stats.binom.ppf(1.0 - tail, effective, share)) + 1
    low = math.floor(below * count / effective)
    high = math.ceil(above * count / effective)
    return (
        float(ordered[low - 1]) if low >= 1 else None,
        float(ordered[high - 1]) if above <= effective and high <= count else None,
    )


def smallest_sample(share: float, confidence: float = 0.95) -> int:
    """Return from how many samples on a quantile has a two-sided upper bound: 368 for p99 at 95 %."""
    return math.ceil(math.log((1.0 - confidence) / 2.0) / math.log(share))
