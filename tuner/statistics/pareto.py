"""The Pareto front of points that minimise cost and maximise gain, and the area that it dominates."""

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


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Return the area between the front and `reference` (the most cost and the least gain that count)."""
    cost, gain = reference
    inside = [point for point in points if point[0] <= cost and point[1] >= gain]
    area, height = 0.0, gain
    for index in front(inside):
        area += (cost - inside[index][0]) * (inside[index][1] - height)
        height = inside[index][1]
    return area
