"""Has a server settled: before a window is opened, and looking back on one that is over."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tuner.statistics.quantiles import quantile, quantile_interval

Numbers = npt.NDArray[np.float64]

_LEAST_BATCH = 5
_SECTIONS = 8
_SIGNIFICANT = 0.001
_CONSIDERABLE = 0.1


def is_steady(blocks: Sequence[npt.ArrayLike], tolerance: float = 0.1) -> bool:
    """Tell whether the last three blocks of latencies in order of time are alike.

    They are when the largest of their medians is at most `tolerance` above the smallest, or when one value lies in
    the 95 % intervals of all three medians: the blocks then cannot tell them apart. Medians that move one way may
    move by a quarter of `tolerance` only, because a slow approach looks flat over three short blocks: at 10 % in half
    a second a server that settles with a time constant of 1.5 s is still half as slow again. A block of fewer than
    six values has no such interval, so few values prove nothing; an empty block is never steady.
    """
    last = [np.sort(np.asarray(block, dtype=np.float64)) for block in blocks[-3:]]
    if len(last) < 3 or not all(len(block) for block in last):
        return False
    medians = [quantile(block, 0.5) for block in last]
    one_way = medians[0] < medians[1] < medians[2] or medians[0] > medians[1] > medians[2]
    if max(medians) <= min(medians) * (1.0 + (tolerance / 4.0 if one_way else tolerance)) < math.inf:
        return True
    ends = [quantile_interval(block, 0.5) for block in last]
    lows = [low for low, _ in ends if low is not None]
    highs = [high for _, high in ends if high is not None]
    return len(lows) == len(highs) == 3 and max(lows) <= min(highs) < math.inf


def is_transient(values: npt.ArrayLike) -> bool:
    """Tell whether latencies in order of time come from a server that had not settled, looking back on a window.

    Eight batch means of the first third and eight of the last must differ by the rank-sum test at 0.1 % (Mann &
    Whitney 1947) and their means by more than 10 %. Ranks, because a decay inflates the variance of the first third
    and hides itself from a t test. Not the cut of MSER-5 (White
    1997): on stationary queues it often lies in the second half as well.
    Infinite values are left out; fewer than 120 values prove nothing.
    """
    from scipy import stats  # see quantiles.py

    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    size = len(finite) // (3 * _SECTIONS)
    if size < _LEAST_BATCH:
        return False
    first = finite[: size * _SECTIONS].reshape(_SECTIONS, size).mean(axis=1)
    last = finite[-size * _SECTIONS :].reshape(_SECTIONS, size).mean(axis=1)
    small, large = sorted((float(first.mean()), float(last.mean())))
    if large <= small * (1.0 + _CONSIDERABLE):
        return False
    return bool(stats.mannwhitneyu(first, last).pvalue < _SIGNIFICANT)
