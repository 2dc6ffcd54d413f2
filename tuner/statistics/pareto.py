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


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Return the volume of what is better than `reference` and no better than some point (Zitzler & Thiele 1999).

    The last cost cuts it into slices; in each, the points that reach it span a volume of one dimension less.
    """
    inside = sorted((point for point in points if _better(point, reference)), key=lambda point: point[-1])
    if not inside:
        return 0.0
    if len(reference) == 1:
        return reference[0] - inside[0][0]
    ends = [*(point[-1] for point in inside[1:]), reference[-1]]
    slices = [end - point[-1] for point, end in zip(inside, ends, strict=True)]
    return sum(
        height * hypervolume([point[:-1] for point in inside[: place + 1]], reference[:-1])
        for place, height in enumerate(slices)
        if height > 0.0
    )


def _better(one: Point, other: Point) -> bool:
    return all(mine < theirs for mine, theirs in zip(one, other, strict=True))
