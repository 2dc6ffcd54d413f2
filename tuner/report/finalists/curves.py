"""Latency over throughput as the load grows: one curve a finalist, from its confirming launches."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.axes import in_ms, log_ticks
from tuner.report.figure import Drawing, Key, Style, Table, axis, in_plotly, layout
from tuner.report.finalists.launches import Runs
from tuner.report.palette import LIGHT
from tuner.report.text import ladder
from tuner.statistics.compare import Estimate, estimate
from tuner.study.trial import LevelSummary
from tuner.study.workload import Load
from tuner.units import format_rate, format_seconds

Spot = tuple[Load, float, Estimate, float]
"""A load with the throughput, the p99 and the p50 that it gave, in the mean of the launches."""


def curves(found: Sequence[Runs], styles: Mapping[int, Style], keys: tuple[Key, ...]) -> Drawing | None:
    """Draw the curves; None without a single finite point."""
    spots = {one.trial: list(_spots(one)) for one in found}
    loads = list(dict.fromkeys(load for row in spots.values() for load, *_ in row))
    if not loads:
        return None
    traces = [trace for one in found if spots[one.trial] for trace in _traces(one, spots[one.trial], styles[one.trial])]
    table = Table(
        heads=("configuration", "load", "throughput", "p50", "p99"),
        rows=tuple(
            (one.name, str(load), format_rate(rate), format_seconds(p50), format_seconds(p99.value))
            for one in found
            for load, rate, p99, p50 in spots[one.trial]
        ),
    )
    return Drawing(
        id="curves",
        title="Latency over throughput, as the load grows",
        label=f"Line chart of latency over throughput at {ladder(loads)}, one curve a configuration.",
        told=_told(loads, any(one.once for one in found)),
        figure=in_plotly(traces, _layout([spot for row in spots.values() for spot in row])),
        keys=keys,
        table=table,
    )


def _told(loads: Sequence[Load], once: bool) -> str:
    launches = "The one launch of each" if once else "The mean over launches with its 95 % interval"
    few = (
        " Two loads are the ends of a curve only: search with more, such as --users 1,4,16,64."
        if len(loads) < 3
        else ""
    )
    return (
        f"{launches}; every point is a load, {ladder(loads)} from left to right. The upper line of a configuration is "
        f"its p99, the faint one its p50; down and to the right is better.{few}"
    )


def _spots(one: Runs) -> Iterator[Spot]:
    levels = [launch.measured.levels for launch in one.launches]
    for level in zip(*levels, strict=False):
        if spot := _spot(level):
            yield spot


def _spot(level: Sequence[LevelSummary]) -> Spot | None:
    figures = [(one.throughput, one.p99.value, one.p50) for one in level]
    if not all(0.0 < value < math.inf for row in figures for value in row):
        return None
    throughput, p99, p50 = (estimate(values) for values in zip(*figures, strict=True))
    return level[0].load, throughput.value, p99, p50.value


def _traces(one: Runs, spots: Sequence[Spot], style: Style) -> Iterator[Any]:
    colour, shape, dash = style
    x = [spot[1] for spot in spots]
    yield go.Scatter(
        x=x,
        y=[in_ms(spot[2].value) for spot in spots],
        mode="lines+markers",
        legendgroup=str(one.trial),
        line={"color": LIGHT[colour], "dash": dash, "width": 2},
        marker={"symbol": shape, "size": 9, "color": LIGHT[colour]},
        error_y=_bars([spot[2] for spot in spots], colour),
        hovertext=[f"<b>{one.title}</b><br>{_hover(spot)}" for spot in spots],
        hoverinfo="text",
    )
    yield go.Scatter(
        x=x,
        y=[in_ms(spot[3]) for spot in spots],
        mode="lines",
        opacity=0.5,
        legendgroup=str(one.trial),
        line={"color": LIGHT[colour], "dash": dash, "width": 1},
        hoverinfo="skip",
    )


def _bars(found: Sequence[Estimate], colour: str) -> dict[str, Any]:
    ends = [(one.low or one.value, one.value, one.high or one.value) for one in found]
    return {
        "type": "data",
        "symmetric": False,
        "array": [in_ms(high - value) for _, value, high in ends],
        "arrayminus": [in_ms(value - low) for low, value, _ in ends],
        "thickness": 1,
        "width": 3,
        "color": LIGHT[colour],
    }


def _hover(spot: Spot) -> str:
    load, rate, p99, p50 = spot
    return f"{load}: {format_rate(rate)}<br>p50 {format_seconds(p50)} · p99 {format_seconds(p99.value)}"


def _layout(spots: Sequence[Spot]) -> dict[str, Any]:
    seen = [in_ms(seconds) for _, _, p99, p50 in spots for seconds in (p50, p99.value, p99.low, p99.high) if seconds]
    ends = (math.log10(min(seen) / 1.2), math.log10(max(seen) * 1.2))
    return layout(
        xaxis=axis("throughput (valid answers per second)", rangemode="tozero"),
        yaxis=axis("latency (ms, log)", type="log", range=ends, **log_ticks(ends)),
    )
