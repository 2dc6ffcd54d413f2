"""The Pareto front of points whose every coordinate is a cost."""

from collections.abc import Sequence

Point = tuple[float, ...]
"""Costs: less of each is better."""


def front(points: Sequence[Point]) -> list[int]:
    """Return the indices of the points that no other point dominates, from the least first cost to the most.

    Of equal points the first one stays.
    """
    kept: list[int] = []
    # Whoever dominates a point comes before it in this order, and is kept or dominated by one that is.
    for index in sorted(range(len(points)), key=lambda index: (points[index], index)):
        if not any(_no_worse(points[other], points[index]) for other in kept):
            kept.append(index)
    return kept


def _no_worse(one: Point, other: Point) -> bool:
    return all(mine <= theirs for mine, theirs in zip(one, other, strict=True))
