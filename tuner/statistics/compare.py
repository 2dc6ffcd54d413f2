"""Is one thing better than another, and by how much: paired ratios with intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over repetitions with its 95 % interval; with one repetition there is no interval."""

    value: float
    low: float | None
    high: float | None
    repetitions: int


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
        value=math.exp(centre), low=math.exp(centre - half), high=math.exp(centre + half), repetitions=len(logs)
    )


def ratio(numerators: Sequence[float], denominators: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the geometric mean of paired ratios with a t-interval on their logarithms.

    Pairs are measured close in time, so that slow drift of the machine cancels.
    """
    return estimate([a / b for a, b in zip(numerators, denominators, strict=True)], confidence)
