"""Parallel coordinates: every trial as one line through its knobs to what it gave."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.figure import Drawing, Key, axis, in_plotly, layout
from tuner.report.hover import CHANGES, TITLE
from tuner.report.palette import LIGHT
from tuner.report.rows import Row, Standing
from tuner.report.searched.scales import ends, headed, place, spread
from tuner.report.text import in_chart
from tuner.study.judgement import criterion
from tuner.study.study import Study
from tuner.units import format_rate, format_seconds

_LOOK = {
    Standing.FAILED: ("warn", "dot", 0.35, 1.0),
    Standing.INFEASIBLE: ("band", "dash", 0.3, 1.0),
    Standing.DOMINATED: ("muted", "solid", 0.3, 1.0),
    Standing.FRONT: ("accent", "solid", 0.95, 2.25),
}
"""Colour, stroke, opacity and width; what is drawn last lies on top."""

_LABEL_TILT = 24
_LETTERS = 160
"""How many letters have room across the chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured figure with an axis of its own, and where each trial that has it lies on it."""

    name: str
    low: str
    high: str
    places: dict[int, float]


def parallel(study: Study, table: Sequence[Row]) -> Drawing | None:
    """Draw every trial; None when there is none, or no knob that differs."""
    knobs = study.space.free
    if not table or not knobs:
        return None
    figures = _figures(study, table)
    shown = [standing for standing in _LOOK if any(row.standing is standing for row in table)]
    traces = [_trace(study, [row for row in table if row.standing is standing], figures) for standing in shown]
    names = [*(knob.name for knob in knobs), *(figure.name for figure in figures)]
    return Drawing(
        id="parallel",
        title="Parallel coordinates",
        label=f"Parallel coordinates of {len(table)} trials over {len(names)} axes: {', '.join(names)}.",
        told="Every line is a trial: from knob to knob, then to what it gave. Lines that come together on the front "
        "say which values made it; a failed trial ends at its last knob. The table of trials has every value.",
        figure=in_plotly(traces, _layout(study, names, figures)),
        keys=tuple(
            Key(
                group=standing.name.lower(),
                label=standing,
                symbol="line",
                colour=_LOOK[standing][0],
                dash=_LOOK[standing][1],
            )
            for standing in reversed(shown)
        ),
        tall=True,
    )


def _figures(study: Study, table: Sequence[Row]) -> list[Figure]:
    decides, workload = criterion(study.settings.workload.loop), study.settings.workload
    measured = {row.trial.number: row.measurement for row in table if row.measurement is not None}
    found = []
    if decides.more:
        rates = {trial: one.target.throughput for trial, one in measured.items()}
        found.append(_figure(f"throughput at {workload.target}", rates, rate=True))
    for level in dict.fromkeys((len(workload.loads) - 1, 0)):
        p99 = {trial: one.levels[level].metric("p99") for trial, one in measured.items()}
        found.append(_figure(f"p99 at {workload.loads[level]}", p99, rate=False))
    return [figure for figure in found if figure is not None]


def _figure(name: str, values: dict[int, float], *, rate: bool) -> Figure | None:
    """Scale a figure so that better is up: more throughput, or less p99 on a log scale."""
    known = {trial: value if rate else -math.log(value) for trial, value in values.items() if 0.0 < value < math.inf}
    if not known:
        return None
    low, high = spread(list(known.values()))
    finite = [values[trial] for trial in known]
    write, worst, best = (format_rate, min(finite), max(finite)) if rate else (format_seconds, max(finite), min(finite))
    places = {trial: (value - low) / (high - low) for trial, value in known.items()}
    return Figure(name=name, low=write(worst), high=write(best), places=places)


def _trace(study: Study, rows: Sequence[Row], figures: Sequence[Figure]) -> Any:
    colour, dash, opacity, width = _LOOK[rows[0].standing]
    x: list[float | None] = []
    y: list[float | None] = []
    numbers: list[int] = []
    for row in rows:
        line = list(_line(study, row, figures))
        x += [*(spot for spot, _ in line), None]
        y += [*(at for _, at in line), None]
        numbers += [row.trial.number] * (len(line) + 1)
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        opacity=opacity,
        legendgroup=rows[0].standing.name.lower(),
        line={"color": LIGHT[colour], "dash": dash, "width": width},
        marker={"size": 4, "color": LIGHT[colour]},
        hoverinfo="text",
        meta=[TITLE, CHANGES],
        customdata=numbers,
    )


def _line(study: Study, row: Row, figures: Sequence[Figure]) -> Iterator[tuple[float, float]]:
    for spot, knob in enumerate(study.space.free):
        yield float(spot), place(knob, row.trial.configuration[knob.name])
    for spot, figure in enumerate(figures, start=len(study.space.free)):
        if (at := figure.places.get(row.trial.number)) is not None:
            yield float(spot), at


def _layout(study: Study, names: Sequence[str], figures: Sequence[Figure]) -> dict[str, Any]:
    label = {"showarrow": False, "font": {"color": LIGHT["muted"], "size": 11}, "bgcolor": LIGHT["page"]}
    letters = max(_LETTERS // len(names), 4)
    named = [(spot, at, text) for spot, knob in enumerate(study.space.free) for at, text in ends(knob, letters)]
    first = len(study.space.free)
    named += [
        (spot, at, in_chart(text))
        for spot, figure in enumerate(figures, start=first)
        for at, text in ((0.0, figure.low), (1.0, figure.high))
    ]
    marks = [
        {**label, "x": spot, "y": at, "text": text, "xanchor": "left", "xshift": 4, "opacity": 0.9}
        for spot, at, text in named
    ]
    lines = [
        {"type": "line", "x0": spot, "x1": spot, "y0": 0, "y1": 1, "layer": "below"}
        | {"line": {"color": LIGHT["strong-line"], "width": 1}}
        for spot in range(len(names))
    ]
    ticks = {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [headed(name) for name in names],
    }
    return layout(
        xaxis=axis(
            "", showgrid=False, showline=False, tickangle=_LABEL_TILT, range=[-0.15, len(names) - 0.35], **ticks
        ),
        yaxis=axis("", visible=False, range=[-0.06, 1.06]),
        margin={"l": 12, "r": 12, "t": 16, "b": 96},
        annotations=marks,
        shapes=lines,
    )
