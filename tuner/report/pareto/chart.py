"""The chart of throughput over p99: every configuration under every load, the front, the SLO and the default."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.axes import Axes, axes, in_ms
from tuner.report.hover import KNOBS, hover
from tuner.report.palette import LIGHT
from tuner.report.pareto.frame import frame
from tuner.report.pareto.intervals import arrows, bars, has_high, has_low
from tuner.report.pareto.markers import OPACITY, markers, quality_range
from tuner.report.pareto.strip import crosses
from tuner.report.rows import Point, Row, Standing, points
from tuner.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A figure as plotly.js draws it, and what is said beside it.

    `quality` is the lowest and the highest share when colour tells them apart. Points without a place are counted:
    `unbounded` have an infinite p99, `untold` too few requests to tell it. `one_sided` are drawn points whose interval
    lacks an end. `slo` is whether the SLO has a line.
    """

    figure: dict[str, Any]
    axes: Axes
    quality: tuple[float, float] | None
    drawn: int
    unbounded: int
    untold: int
    one_sided: int
    slo: bool


def chart(study: Study, table: Sequence[Row]) -> Chart:
    """Draw a study."""
    found = points(tuple(table))
    failed = [row for row in table if row.standing is Standing.FAILED]
    slo = study.settings.limits.slo
    line = slo if slo is not None and slo.metric == "p99" else None
    ranges = axes(found, line)
    quality = quality_range(table)
    figure = go.Figure(layout=frame(study, ranges, line, failed=bool(failed)))
    figure.add_traces([*_clouds(study, found, quality), _front(found, ranges), *_marks(study, found)])
    if failed:
        figure.add_trace(crosses(failed))
    # The last trace is the ring around the point that the reader chose.
    figure.add_trace(_rings([], [], LIGHT["ink"], 24, width=2.5))
    levels = [level for row in table if row.measurement for level in row.measurement.levels]
    untold = sum(level.told_p99 is None for level in levels)
    return Chart(
        figure=figure.to_plotly_json(),
        axes=ranges,
        quality=quality,
        drawn=len(found),
        unbounded=len(levels) - untold - len(found),
        untold=untold,
        one_sided=sum(not (has_low(point.level.p99) and has_high(point.level.p99)) for point in found),
        slo=line is not None,
    )


def _clouds(study: Study, found: Sequence[Point], quality: tuple[float, float] | None) -> Iterable[go.Scatter]:
    """Yield one trace per load and standing, the faint ones first, with their intervals."""
    for standing in (Standing.INFEASIBLE, Standing.DOMINATED, Standing.FRONT):
        for index, _ in enumerate(study.settings.workload.loads):
            alike = [point for point in found if point.standing is standing and point.index == index]
            if alike:
                yield _cloud(alike, quality)
                yield from arrows(alike)


def _cloud(alike: Sequence[Point], quality: tuple[float, float] | None) -> go.Scatter:
    standing = alike[0].standing
    return go.Scatter(
        x=[in_ms(point.level.p99.value) for point in alike],
        y=[point.level.carried for point in alike],
        mode="markers",
        hovertext=[hover(point) for point in alike],
        hoverinfo="text",
        meta=[KNOBS],
        customdata=[point.row.trial.number for point in alike],
        opacity=OPACITY[standing],
        legendgroup=standing.name.lower(),
        marker=markers(alike, quality),
        error_x=bars(alike),
    )


def _front(found: Sequence[Point], ranges: Axes) -> go.Scatter:
    """Draw the border of what was reached: at each p99 the most throughput that came with no more."""
    steps = sorted(
        (in_ms(point.level.p99.value), point.level.carried) for point in found if point.row.on_front(point.index)
    )
    x, y = [step[0] for step in steps], [step[1] for step in steps]
    if steps:
        x, y = [x[0], *x, ranges.edge], [0.0, *y, y[-1]]
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
