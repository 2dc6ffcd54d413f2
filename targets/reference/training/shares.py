"""Shares of right answers with their 95 % intervals: of one model alone, and of two on the same examples."""

import math
from collections.abc import Sequence

Z95 = 1.959964


def wilson(right: int, n: int) -> dict[str, float]:
    """The share of right answers with its 95 % Wilson interval."""
    share, z2 = right / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return {"right": right, "n": n, "accuracy": share, "low": round(middle - half, 4), "high": round(middle + half, 4)}


def paired(ours: Sequence[bool], theirs: Sequence[bool]) -> dict[str, float]:
    """How much more often we are right than they on the same examples: 95 % interval, and McNemar's exact p."""
    n, gained, lost = len(ours), 0, 0
    for our, their in zip(ours, theirs, strict=True):
        gained, lost = gained + (our and not their), lost + (their and not our)
    gain = (gained - lost) / n
    half = Z95 * math.sqrt(max(0.0, gained + lost - (gained - lost) ** 2 / n)) / n
    return {
        "gained": gained,
        "lost": lost,
        "gain": round(gain, 4),
        "low": round(gain - half, 4),
        "high": round(gain + half, 4),
        "p": round(sign_test(gained, lost), 4),
    }


def sign_test(gained: int, lost: int) -> float:
    """The chance that a fair coin splits so unevenly."""
    n, fewer = gained + lost, min(gained, lost)
    tail: float = 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n
    return min(1.0, tail)
