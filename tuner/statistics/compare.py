"""Is one thing better than another, and by how much: ratios with intervals, noise between launches, drift."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LARGEST = math.log(sys.float_info.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over repetitions with its 95 % interval; with one repetition there is no interval."""

    value: float
    low: float | None
    high: float | None
    repetitions: int


def _exp(power: float) -> float:
    """Return e to a power; no float is larger than the largest."""
    return math.exp(min(power, _LARGEST))


def estimate(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the geometric mean with a t-interval on the logarithms; values are positive, none at all gives NaN."""
    if not values:
        return Estimate(value=math.nan, low=None, high=None, repetitions=0)
    logs = np.log(np.asarray(values, dtype=np.float64))
    centre = float(logs.mean())
    if len(logs) < 2 or not np.isfinite(logs).all():
        return Estimate(value=math.exp(centre), low=None, high=None, repetitions=len(logs))
    from scipy import stats  # see quantiles.py

    half = float(stats.t.ppf((1.0 + confidence) / 2.0, len(logs) - 1) * stats.sem(logs))
    return Estimate(
        value=math.exp(centre), low=math.exp(centre - half), high=_exp(centre + half), repetitions=len(logs)
    )


def ratio(numerators: Sequence[float], denominators: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the geometric mean of paired ratios with a t-interval on their logarithms.

    Pairs are measured close in time, so that slow drift of the machine cancels.
    """
    return estimate([a / b for a, b in zip(numerators, denominators, strict=True)], confidence)


def unpaired_ratio(numerators: Sequence[float], denominators: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the ratio of two geometric means, of launches that have nothing to do with each other.

    The interval is Welch's (1947) on the logarithms: the two sides may scatter differently. With a single launch on
    either side there is none. Values are positive and finite, at least one on each side.
    """
    above, below = (np.log(np.asarray(values, dtype=np.float64)) for values in (numerators, denominators))
    centre, count = float(above.mean() - below.mean()), min(len(above), len(below))
    if count < 2:
        return Estimate(value=math.exp(centre), low=None, high=None, repetitions=count)
    squares = [float(logs.var(ddof=1)) / len(logs) for logs in (above, below)]
    if sum(squares) == 0.0:
        return Estimate(value=math.exp(centre), low=math.exp(centre), high=math.exp(centre), repetitions=count)
    from scipy import stats  # see quantiles.py

    freedom = sum(squares) ** 2 / (squares[0] ** 2 / (len(above) - 1) + squares[1] ** 2 / (len(below) - 1))
    half = float(stats.t.ppf((1.0 + confidence) / 2.0, freedom)) * math.sqrt(sum(squares))
    return Estimate(value=math.exp(centre), low=math.exp(centre - half), high=_exp(centre + half), repetitions=count)


def log_sd(values: Sequence[float]) -> float:
    """Return the standard deviation of the logarithms: how much launches of one configuration differ, as a share.

    Values are positive. One value or none, or one that is infinite or not a number, gives NaN.
    """
    logs = np.log(np.asarray(values, dtype=np.float64))
    return float(logs.std(ddof=1)) if len(logs) > 1 and np.isfinite(logs).all() else math.nan


def resolution(sd: float, repetitions: int, confidence: float = 0.95, launches: int | None = None) -> float:
    """Return the least ratio, above 1, that `repetitions` launches of each configuration tell from noise.

    `sd` is the standard deviation of the logarithm between launches of the same configuration (`log_sd`). The
    difference of two means of logarithms has sd·sqrt(2/repetitions), so the ratio is exp(q·sd·sqrt(2/repetitions)):
    the least significant difference (Fisher 1935). q is the quantile of Student's t with the degrees of freedom of
    `sd` itself, `launches` - 1, so that a single repetition has a resolution too; without `launches`, `sd` counts as
    known and q is the normal quantile.
    """
    from scipy import stats  # see quantiles.py

    share = (1.0 + confidence) / 2.0
    factor = float(stats.norm.ppf(share) if launches is None else stats.t.ppf(share, launches - 1))
    return _exp(factor * sd * math.sqrt(2.0 / repetitions))


def drift(times: Sequence[float], values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return by which ratio positive `values` changed from the first to the last of `times`, along a fitted line.

    The line is fitted to the logarithms by least squares, its interval is Student's t with n - 2 degrees of freedom;
    two values have no interval. Fewer than two different times, or a value that is not finite, give NaN.
    """
    from scipy import stats  # see quantiles.py

    moments, logs = np.asarray(times, dtype=np.float64), np.log(np.asarray(values, dtype=np.float64))
    span = float(np.ptp(moments)) if len(moments) else 0.0
    if span == 0.0 or not np.isfinite(logs).all():
        return Estimate(value=math.nan, low=None, high=None, repetitions=len(logs))
    line = stats.linregress(moments, logs)
    change = float(line.slope) * span
    if len(logs) < 3:
        return Estimate(value=math.exp(change), low=None, high=None, repetitions=len(logs))
    half = float(stats.t.ppf((1.0 + confidence) / 2.0, len(logs) - 2) * line.stderr) * span
    return Estimate(
        value=math.exp(change), low=math.exp(change - half), high=_exp(change + half), repetitions=len(logs)
    )
