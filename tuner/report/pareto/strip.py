"""The strip below the chart: trials that failed have no place in it, and stand side by side by their numbers."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.hover import KNOBS, hover_failed
from tuner.report.palette import LIGHT
from tuner.report.rows import Row
from tuner.study.study import Study

HEIGHT = 0.12
"""The share of the figure's height that the strip takes, with its distance from the chart."""


def strip_axes(study: Study) -> dict[str, Any]:
    """Describe its axes: the trials' numbers from left to right, which need no labels."""
    hidden = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True}
    said = {"text": "failed", "font": {"color": LIGHT["warn"], "size": 12}, "standoff": 8}
    last = max(trial.number for trial in study.trials)
    return {
        "xaxis2": {**hidden, "range": [-1.0, last + 1.0], "anchor": "y2", "overlaying": "x", "visible": False},
        "yaxis2": {**hidden, "range": [-1.0, 1.0], "domain": [0.0, HEIGHT / 2.0], "anchor": "free", "title": said},
    }


def crosses(failed: Sequence[Row]) -> go.Scatter:
    """Draw a cross for each failed trial."""
    return go.Scatter(
        x=[row.trial.number for row in failed],
        y=[0.0] * len(failed),
        xaxis="x2",
        yaxis="y2",
        mode="markers",
        legendgroup="failed",
        hovertext=[hover_failed(row) for row in failed],
        hoverinfo="text",
        meta=[KNOBS],
        customdata=[row.trial.number for row in failed],
        marker={"symbol": "x-thin-open", "size": 9, "color": LIGHT["warn"]},
    )
