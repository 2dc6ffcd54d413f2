"""The Pareto front of points that minimise cost and maximise gain."""

from collections.abc import Sequence

Point = tuple[float, float]
"""(cost, gain): less cost is better, more gain is better."""


def front(points: Sequence[Point]) -> list[int]:
    """Return the indices of the points that no other point dominates, from the least cost to the most.

    Of equal points the first one stays.
    """
    order = sorted(range(len(points)), key=lambda index: (points[index][0], -points[index][1], index))
    best, kept = float("-inf"), []
    for index in order:
        if points[index][1] > best:
            best = points[index][1]
            kept.append(index)
    return kept
