"""How a point looks: its shape tells the load, its colour the quality, its outline and size how the trial stands."""

from collections.abc import Iterable, Sequence
from typing import Any

from tuner.report.palette import LIGHT
from tuner.report.rows import Point, Row, Standing

SHAPES = ("circle", "square", "diamond", "triangle-up", "hexagon", "star")
"""One per load, from the lightest; a hollow one, crossed where plotly has that, stands for a missed limit."""

OPACITY = {Standing.FRONT: 1.0, Standing.DOMINATED: 0.45, Standing.INFEASIBLE: 0.5}
"""How strong the points of a standing are."""

_CROSSED = frozenset(SHAPES[:3])
_VARIES = 0.0005
_SCALE = [[0.0, LIGHT["low"]], [0.5, LIGHT["middle"]], [1.0, LIGHT["high"]]]
_SIZE = {Standing.FRONT: 11, Standing.DOMINATED: 8, Standing.INFEASIBLE: 9}
_PLAIN = {Standing.FRONT: "accent", Standing.DOMINATED: "muted", Standing.INFEASIBLE: "warn"}


def markers(alike: Sequence[Point], quality: tuple[float, float] | None) -> dict[str, Any]:
    """Describe the markers of points of one load and one standing, in the scale of `quality` when it differs."""
    index, standing = alike[0].index, alike[0].standing
    return {"symbol": _symbol(index, standing), "size": _SIZE[standing], **_colour(alike, quality)}


def quality_range(table: Iterable[Row]) -> tuple[float, float] | None:
    """Return the lowest and the highest share of right answers when they differ."""
    shares = [row.measurement.quality.share for row in table if row.measurement and row.measurement.quality]
    if not shares or max(shares) - min(shares) < _VARIES:
        return None
    return min(shares), max(shares)


def _symbol(index: int, standing: Standing) -> str:
    outline = SHAPES[index % len(SHAPES)]
    if standing is not Standing.INFEASIBLE:
        return outline
    return f"{outline}-x-open" if outline in _CROSSED else f"{outline}-open"


def _colour(alike: Sequence[Point], quality: tuple[float, float] | None) -> dict[str, Any]:
    if quality is None:
        return {"color": LIGHT[_PLAIN[alike[0].standing]]}
    shares = [found.quality for point in alike if (found := point.row.measurement)]
    low, high = quality
    return {
        "color": [share.share if share else None for share in shares],
        "cmin": low,
        "cmax": high,
        "colorscale": _SCALE,
        "showscale": False,
    }
