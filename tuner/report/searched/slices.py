"""A slice per knob: the figure that decides over the values that were tried."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.axes import in_ms
from tuner.report.figure import Drawing, Key, axis, in_plotly, layout
from tuner.report.hover import CHANGES
from tuner.report.palette import LIGHT
from tuner.report.rows import Row, Standing
from tuner.report.searched.scales import ends, headed, place
from tuner.report.text import capitalised, in_chart, show
from tuner.study.judgement import criterion
from tuner.study.space import ChoiceKnob, Knob
from tuner.study.study import Study
from tuner.units import format_rate, format_seconds

_LOOK = {
    Standing.INFEASIBLE: ("warn", "circle-x-open", 0.6),
    Standing.DOMINATED: ("muted", "circle", 0.5),
    Standing.FRONT: ("accent", "diamond", 1.0),
}
_ACROSS = 4
_LETTERS = 24
"""How many letters have room below a slice."""
_TILT = 35


def slices(study: Study, table: Sequence[Row]) -> Drawing | None:
    """Draw a small chart a knob; None without a measured trial or a knob that differs."""
    measured = [row for row in table if _value(study, row) is not None]
    knobs = [knob for knob in study.space.free if any(_matters(study, row, knob) for row in measured)]
    if not knobs or not measured:
        return None
    decides, target = criterion(study.settings.workload.loop), study.settings.workload.target
    shown = [standing for standing in _LOOK if any(row.standing is standing for row in measured)]
    traces = [
        _trace(study, [row for row in measured if row.standing is standing], knob, number)
        for number, knob in enumerate(knobs)
        for standing in shown
    ]
    return Drawing(
        id="slices",
        title=f"{capitalised(decides.name)} by knob",
        label=f"Scatter charts of {decides.name} at {target}, one a knob: {', '.join(knob.name for knob in knobs)}.",
        told=f"{capitalised(decides.name)} at {target} over the values of each knob, where it matters in the trial; "
        f"other knobs vary within a slice. The dotted line is the default's value.",
        figure=in_plotly(traces, _layout(study, knobs)),
        keys=tuple(
            Key(group=standing.name.lower(), label=standing, symbol=_LOOK[standing][1], colour=_LOOK[standing][0])
            for standing in reversed(shown)
        ),
        tall=True,
    )


def _value(study: Study, row: Row) -> float | None:
    decides = criterion(study.settings.workload.loop)
    value = row.measurement.target.metric(decides.name) if row.measurement else math.inf
    if not math.isfinite(value):
        return None
    return value if decides.more else in_ms(value)


def _matters(study: Study, row: Row, knob: Knob) -> bool:
    return study.space.matters(knob.name, row.trial.configuration)


def _trace(study: Study, rows: Sequence[Row], knob: Knob, number: int) -> Any:
    matters = [row for row in rows if _matters(study, row, knob)]
    colour, symbol, opacity = _LOOK[rows[0].standing]
    return go.Scatter(
        x=[place(knob, row.trial.configuration[knob.name]) for row in matters],
        y=[_value(study, row) for row in matters],
        mode="markers",
        opacity=opacity,
        legendgroup=rows[0].standing.name.lower(),
        marker={"symbol": symbol, "size": 7, "color": LIGHT[colour]},
        hovertext=[_hover(study, row, knob) for row in matters],
        hoverinfo="text",
        meta=[CHANGES],
        customdata=[row.trial.number for row in matters],
        **_axes(number),
    )


def _axes(number: int) -> dict[str, str]:
    return {} if number == 0 else {"xaxis": f"x{number + 1}", "yaxis": f"y{number + 1}"}


def _hover(study: Study, row: Row, knob: Knob) -> str:
    value = _value(study, row)
    assert value is not None
    write = format_rate(value) if criterion(study.settings.workload.loop).more else format_seconds(value / 1e3)
    return (
        f"<b>trial #{row.trial.number}</b> {in_chart(knob.name)} = {in_chart(show(row.trial.configuration[knob.name]))}"
        f"<br>{write}"
    )


def _layout(study: Study, knobs: Sequence[Knob]) -> dict[str, Any]:
    """Lay the slices out in rows; the page gives the chart the height that they need."""
    down = math.ceil(len(knobs) / _ACROSS)
    described: dict[str, Any] = {}
    unit = "req/s" if criterion(study.settings.workload.loop).more else "ms"
    for number, knob in enumerate(knobs):
        suffix = "" if number == 0 else str(number + 1)
        column, line = number % _ACROSS, number // _ACROSS
        top = 1.0 - line / down
        described[f"xaxis{suffix}"] = axis(
            headed(knob.name),
            domain=[column / _ACROSS, (column + 0.8) / _ACROSS],
            anchor=f"y{suffix}",
            range=[-0.1, 1.1],
            **_ticks(knob),
        )
        described[f"yaxis{suffix}"] = axis(
            unit if column == 0 else "", domain=[top - 0.62 / down, top], anchor=f"x{suffix}", rangemode="tozero",
            matches=None if number == 0 else "y",
        )  # fmt: skip
    return layout(
        **described, shapes=[_default(study, knob, number) for number, knob in enumerate(knobs)], height=down * 230
    )


def _ticks(knob: Knob) -> dict[str, Any]:
    """Name the values below a slice: numbers as many as have room, counted from the last, and words askew."""
    named = ends(knob)
    longest = max(len(text) for _, text in named)
    crowded = (len(named) - 1) * (longest + 1) > _LETTERS
    words = crowded and isinstance(knob, ChoiceKnob) and any(isinstance(choice, str) for choice in knob.choices)
    if crowded and not words:
        step = math.ceil((len(named) - 1) * (longest + 1) / _LETTERS)
        named = named[::-1][::step]
    return {
        "tickmode": "array",
        "tickvals": [at for at, _ in named],
        "ticktext": [text for _, text in named],
        "tickangle": _TILT if words else 0,
        "automargin": False,
    }


def _default(study: Study, knob: Knob, number: int) -> dict[str, Any]:
    at, suffix = place(knob, study.default[knob.name]), "" if number == 0 else str(number + 1)
    line = {"color": LIGHT["faint"], "dash": "dot", "width": 1}
    return {
        "type": "line",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "xref": f"x{suffix}",
        "yref": f"y{suffix} domain",
        "line": line,
    }
