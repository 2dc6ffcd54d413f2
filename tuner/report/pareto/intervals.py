"""The 95 % interval of each p99: a bar, with an arrow in place of an end that the sample does not bound."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.axes import in_ms
from tuner.report.palette import LIGHT
from tuner.report.pareto.markers import OPACITY
from tuner.report.rows import Point, Standing
from tuner.study.trial import Interval

_STUB = 0.12
"""How long a half of a bar without an end is, as a share of p99; drawn on to the edge it would pass for a line."""


def bars(alike: Sequence[Point]) -> dict[str, Any]:
    """Describe the error bars of points of one standing."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [_above(point.level.p99) for point in alike],
        "arrayminus": [_below(point.level.p99) for point in alike],
        "thickness": 1,
        "width": 3,
        "color": _colour(alike),
    }


def arrows(alike: Sequence[Point]) -> Iterator[go.Scatter]:
    """Yield the arrows of points of one standing, to the right and to the left."""
    for symbol, ended, reach in (("triangle-right", has_high, 1.0 + _STUB), ("triangle-left", has_low, 1.0 - _STUB)):
        found = [point for point in alike if not ended(point.level.p99)]
        if found:
            yield go.Scatter(
                x=[in_ms(point.level.p99.value * reach) for point in found],
                y=[point.level.carried for point in found],
                mode="markers",
                opacity=OPACITY[alike[0].standing],
                legendgroup=alike[0].standing.name.lower(),
                marker={"symbol": symbol, "size": 7, "color": _colour(alike)},
                hoverinfo="skip",
            )


def has_high(p99: Interval) -> bool:
    """Whether the sample bounds an interval above."""
    return p99.high is not None and math.isfinite(p99.high)


def has_low(p99: Interval) -> bool:
    """Whether the sample bounds an interval below."""
    return p99.low is not None


def _above(p99: Interval) -> float:
    return in_ms(p99.high - p99.value if p99.high is not None and has_high(p99) else _STUB * p99.value)


def _below(p99: Interval) -> float:
    return in_ms(p99.value - p99.low if p99.low is not None else _STUB * p99.value)


def _colour(alike: Sequence[Point]) -> str:
    return LIGHT["faint" if alike[0].standing is Standing.FRONT else "strong-line"]
