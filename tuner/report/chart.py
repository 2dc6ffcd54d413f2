"""The chart of throughput over p99: every configuration under every load, the front, the SLO and the default."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.axes import Axes, axes, in_ms
from tuner.report.figure import axis, layout
from tuner.report.hover import KNOBS, hover, hover_failed
from tuner.report.palette import LIGHT
from tuner.report.rows import Point, Row, Standing, points
from tuner.report.text import in_chart
from tuner.study.objectives import Slo
from tuner.study.study import Study
from tuner.units import format_seconds

SHAPES = ("circle", "square", "diamond", "triangle-up", "hexagon", "star")
"""One per load, from the lightest; an open crossed one of the same outline stands for a missed limit."""

FAILED_SHAPE = "x-thin-open"
"""What stands for a trial that failed."""

_STRIP = 0.12
_CROSSED = frozenset(SHAPES[:3])
_VARIES = 0.0005
_SCALE = [[0.0, LIGHT["low"]], [0.5, LIGHT["middle"]], [1.0, LIGHT["high"]]]
_OPACITY = {Standing.FRONT: 1.0, Standing.DOMINATED: 0.45, Standing.INFEASIBLE: 0.5}
_SIZE = {Standing.FRONT: 11, Standing.DOMINATED: 8, Standing.INFEASIBLE: 9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A figure as plotly.js draws it, and what is said beside it.

    `quality` is the lowest and the highest share when colour tells them apart. Points without a place are counted:
    `unbounded` have an infinite p99, `untold` too few requests to tell it. `slo` is whether the SLO has a line.
    """

    figure: dict[str, Any]
    axes: Axes
    quality: tuple[float, float] | None
    drawn: int
    unbounded: int
    untold: int
    slo: bool


def chart(study: Study, table: Sequence[Row]) -> Chart:
    """Draw a study."""
    found = points(tuple(table))
    slo = study.settings.limits.slo
    line = slo if slo is not None and slo.metric == "p99" else None
    frame = axes(found, line)
    quality = quality_range(table)
    figure = go.Figure(layout=_layout(study, frame, line, failed=any(row.trial.failure for row in table)))
    figure.add_traces([*_clouds(study, found, frame, quality), _front(found, frame), *_marks(study, found)])
    failed = [row for row in table if row.standing is Standing.FAILED]
    if failed:
        figure.add_trace(_failed(failed))
    # The last trace is the ring around the point that the reader chose.
    figure.add_trace(_rings([], [], LIGHT["ink"], 24, width=2.5))
    levels = [level for row in table if row.measurement for level in row.measurement.levels]
    untold = sum(level.told_p99 is None for level in levels)
    return Chart(
        figure=figure.to_plotly_json(),
        axes=frame,
        quality=quality,
        drawn=len(found),
        unbounded=len(levels) - untold - len(found),
        untold=untold,
        slo=line is not None,
    )


def shape(index: int, standing: Standing) -> str:
    """Return plotly's name of the symbol for a load and a standing."""
    outline = SHAPES[index % len(SHAPES)]
    if standing is not Standing.INFEASIBLE:
        return outline
    return f"{outline}-x-open" if outline in _CROSSED else f"{outline}-open"


def quality_range(table: Iterable[Row]) -> tuple[float, float] | None:
    """Return the lowest and the highest share of right answers when they differ."""
    shares = [row.measurement.quality.share for row in table if row.measurement and row.measurement.quality]
    if not shares or max(shares) - min(shares) < _VARIES:
        return None
    return min(shares), max(shares)


def _clouds(
    study: Study, found: Sequence[Point], frame: Axes, quality: tuple[float, float] | None
) -> Iterable[go.Scatter]:
    """Yield one trace per load and standing, the faint ones first."""
    for standing in (Standing.INFEASIBLE, Standing.DOMINATED, Standing.FRONT):
        for index, _ in enumerate(study.settings.workload.loads):
            chosen = [point for point in found if point.standing is standing and point.index == index]
            if chosen:
                yield _cloud(chosen, frame, quality)


def _cloud(chosen: Sequence[Point], frame: Axes, quality: tuple[float, float] | None) -> go.Scatter:
    first = chosen[0]
    return go.Scatter(
        x=[in_ms(point.level.p99.value) for point in chosen],
        y=[point.level.carried for point in chosen],
        mode="markers",
        hovertext=[hover(point) for point in chosen],
        hoverinfo="text",
        meta=[KNOBS],
        customdata=[point.row.trial.number for point in chosen],
        opacity=_OPACITY[first.standing],
        legendgroup=first.standing.name.lower(),
        marker={
            "symbol": shape(first.index, first.standing),
            "size": _SIZE[first.standing],
            **_colour(chosen, quality),
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [frame.to_high(point.level.p99) for point in chosen],
            "arrayminus": [frame.to_low(point.level.p99) for point in chosen],
            "thickness": 1,
            "width": 3,
            "color": LIGHT["faint" if first.standing is Standing.FRONT else "strong-line"],
        },
    )


def _failed(failed: Sequence[Row]) -> go.Scatter:
    """Put the failed trials, which have no place in the chart, side by side in a strip of their own below it."""
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
        marker={"symbol": FAILED_SHAPE, "size": 9, "color": LIGHT["warn"]},
    )


def _colour(chosen: Sequence[Point], quality: tuple[float, float] | None) -> dict[str, Any]:
    if quality is None:
        plain = {Standing.FRONT: "accent", Standing.DOMINATED: "muted", Standing.INFEASIBLE: "warn"}
        return {"color": LIGHT[plain[chosen[0].standing]]}
    shares = [found.quality for point in chosen if (found := point.row.measurement)]
    low, high = quality
    return {
        "color": [share.share if share else None for share in shares],
        "cmin": low,
        "cmax": high,
        "colorscale": _SCALE,
        "showscale": False,
    }


def _front(found: Sequence[Point], frame: Axes) -> go.Scatter:
    """Draw the border of what was reached: at each p99 the most throughput that came with no more."""
    steps = sorted(
        (in_ms(point.level.p99.value), point.level.carried) for point in found if point.row.on_front(point.index)
    )
    x, y = [step[0] for step in steps], [step[1] for step in steps]
    if steps:
        x, y = [x[0], *x, frame.edge], [0.0, *y, y[-1]]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"shape": "hv", "color": LIGHT["accent"], "width": 1.5},
        legendgroup="front",
        hoverinfo="skip",
    )


def _marks(study: Study, found: Sequence[Point]) -> Iterable[go.Scatter]:
    """Ring and name the default and the winner at the target load."""
    target = len(study.settings.workload.loads) - 1
    for role, colour, place in (("default", "ink", "bottom center"), ("winner", "good", "top center")):
        marked = [point for point in found if role in point.row.roles and point.index == target]
        if marked:
            x, y = in_ms(marked[0].level.p99.value), marked[0].level.carried
            yield _rings([x], [y], LIGHT[colour], 19, width=2, text=role, place=place)


def _rings(
    x: list[float], y: list[float], colour: str, size: int, *, width: float, text: str = "", place: str = "top center"
) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        mode="markers+text",
        text=[text] * len(x),
        textposition=place,
        textfont={"color": colour, "size": 13},
        hoverinfo="skip",
        marker={"symbol": "circle-open", "size": size, "color": colour, "line": {"width": width}},
    )


def _layout(study: Study, frame: Axes, slo: Slo | None, *, failed: bool) -> dict[str, Any]:
    return layout(
        **(_strip(study) if failed else {}),
        xaxis=axis("p99 latency (ms)", **({"anchor": "free", "position": 0.0} if failed else {})),
        yaxis=axis(
            "throughput (valid answers per second)",
            range=list(frame.throughput),
            domain=[_STRIP, 1.0] if failed else [0.0, 1.0],
        ),
        shapes=_limit(study, slo, frame) if slo else [],
    )


def _strip(study: Study) -> dict[str, Any]:
    """Describe the axes of the strip at the bottom: the trials' numbers from left to right, which need no labels."""
    hidden = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True}
    said = {"text": "failed", "font": {"color": LIGHT["warn"], "size": 12}, "standoff": 8}
    last = max(trial.number for trial in study.trials)
    return {
        "xaxis2": {**hidden, "range": [-1.0, last + 1.0], "anchor": "y2", "overlaying": "x", "visible": False},
        "yaxis2": {**hidden, "range": [-1.0, 1.0], "domain": [0.0, _STRIP / 2.0], "anchor": "free", "title": said},
    }


def _limit(study: Study, slo: Slo, frame: Axes) -> list[dict[str, Any]]:
    """Draw the SLO and shade the side that misses it."""
    limit = in_ms(slo.limit)
    label = in_chart(f"SLO {slo.metric} ≤ {format_seconds(slo.limit)} at {study.settings.workload.target}")
    base = {"yref": "y domain", "y0": 0, "y1": 1, "layer": "below"}
    shaded = {"type": "rect", "x0": limit, "x1": frame.edge, "fillcolor": LIGHT["band"], "opacity": 0.09}
    # Near the right edge the label would leave the page, so it stands on the other side of its line.
    side = "left" if limit < frame.linear[1] / 2 else "right"
    text = {"text": label, "textposition": "end", "textangle": 0, "xanchor": side, "yanchor": "bottom"}
    return [
        {**base, **shaded, "line": {"width": 0}},
        {
            **base,
            "type": "line",
            "x0": limit,
            "x1": limit,
            "line": {"color": LIGHT["warn"], "width": 1.5, "dash": "dash"},
            "label": {**text, "font": {"color": LIGHT["warn"], "size": 12}},
        },
    ]
