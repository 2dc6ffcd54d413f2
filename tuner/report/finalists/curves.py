"""Latency over throughput as the load grows: one curve a finalist, from its confirming launches."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.axes import in_ms, log_ticks
from tuner.report.figure import Drawing, Key, Style, Table, axis, in_plotly, layout
from tuner.report.finalists.launches import Runs
from tuner.report.palette import LIGHT
from tuner.report.text import TOO_FEW, amount, ladder, span
from tuner.statistics.compare import Estimate, estimate
from tuner.study.trial import LevelSummary
from tuner.study.workload import Load, Loop
from tuner.units import format_rate, format_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """What one load gave, in the geometric mean of the launches; `lacking` says in how many of them p99 has no figure.

    A throughput, p50 or p99 without a finite mean is infinite or NaN, and has no place in the chart.
    """

    load: Load
    throughput: float
    p50: float
    p99: Estimate
    lacking: str

    @property
    def drawn(self) -> bool:
        """Whether it has a place in the chart."""
        return not self.lacking and all(0.0 < one < math.inf for one in (self.throughput, self.p50, self.p99.value))


def curves(found: Sequence[Runs], styles: Mapping[int, Style], keys: tuple[Key, ...]) -> Drawing | None:
    """Draw the curves; None without a single finite point."""
    spots = {one.trial: list(_spots(one)) for one in found}
    drawn = {trial: [spot for spot in row if spot.drawn] for trial, row in spots.items()}
    loads = list(dict.fromkeys(spot.load for row in drawn.values() for spot in row))
    if not loads:
        return None
    shown = [one for one in found if drawn[one.trial]]
    absent = [f"{one.title} at {spot.load}" for one in found for spot in spots[one.trial] if not spot.drawn]
    return Drawing(
        id="curves",
        title="Latency over throughput, as the load grows",
        label=f"Line chart of latency over throughput at {ladder(loads)}, one curve a configuration.",
        told=_told(loads, any(one.once for one in found)) + _absent(absent),
        figure=in_plotly(
            [trace for one in shown for trace in _traces(one, drawn[one.trial], styles[one.trial])],
            _layout([spot for row in drawn.values() for spot in row]),
        ),
        keys=tuple(key for key in keys if drawn[int(key.group)]),
        table=Table(
            heads=("configuration", "load", "throughput", "p50", "p99"),
            rows=tuple((one.name, *_row(spot)) for one in found for spot in spots[one.trial]),
        ),
    )


def _told(loads: Sequence[Load], once: bool) -> str:
    launches = "The one launch of each" if once else "The mean over launches with its 95 % interval"
    few = f" Two loads are the ends of a curve only: search with more, such as {_more(loads[-1])}." * (len(loads) < 3)
    return (
        f"{launches}; every point is a load, {ladder(loads)} from left to right. The upper line of a configuration is "
        f"its p99, the faint one its p50; down and to the right is better.{few}"
    )


def _more(target: Load) -> str:
    """Return the flag that asks for a curve up to a load."""
    if target.loop is Loop.CLOSED:
        return "--users 1,4,16,64"
    steps = (replace(target, amount=target.amount / part) for part in (8, 4, 2, 1))
    return f"--rate {','.join(map(amount, steps))}"


def _absent(places: Sequence[str]) -> str:
    if not places:
        return ""
    return f" Where a launch has no finite p99 there is no point: {', '.join(places)}. The table says why."


def _spots(one: Runs) -> Iterator[Spot]:
    levels = [launch.measured.levels for launch in one.launches]
    return (_spot(level) for level in zip(*levels, strict=False))


def _spot(level: Sequence[LevelSummary]) -> Spot:
    p99 = [one.told_p99 for one in level]
    unbounded, untold = sum(one == math.inf for one in p99), p99.count(None)
    return Spot(
        load=level[0].load,
        throughput=_mean([one.throughput for one in level]),
        p50=_mean([one.p50 for one in level]),
        p99=estimate([math.nan if one is None else one for one in p99]),
        lacking=f"∞ in {_launches(unbounded, level)}"
        if unbounded
        else f"{TOO_FEW} in {_launches(untold, level)}"
        if untold
        else "",
    )


def _mean(values: Sequence[float]) -> float:
    return estimate(values).value if min(values) > 0.0 else 0.0


def _launches(count: int, level: Sequence[LevelSummary]) -> str:
    return f"{count} of {len(level)} launch{'' if len(level) == 1 else 'es'}"


def _row(spot: Spot) -> tuple[str, ...]:
    return str(spot.load), format_rate(spot.throughput), format_seconds(spot.p50), spot.lacking or _with_interval(spot)


def _traces(one: Runs, spots: Sequence[Spot], style: Style) -> Iterator[Any]:
    colour, shape, dash = style
    x = [spot.throughput for spot in spots]
    yield go.Scatter(
        x=x,
        y=[in_ms(spot.p99.value) for spot in spots],
        mode="lines+markers",
        legendgroup=str(one.trial),
        line={"color": LIGHT[colour], "dash": dash, "width": 2},
        marker={"symbol": shape, "size": 9, "color": LIGHT[colour]},
        error_y=_bars([spot.p99 for spot in spots], colour),
        hovertext=[f"<b>{one.title}</b><br>{_hover(spot)}" for spot in spots],
        hoverinfo="text",
    )
    yield go.Scatter(
        x=x,
        y=[in_ms(spot.p50) for spot in spots],
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


def _with_interval(spot: Spot) -> str:
    interval = span(spot.p99, format_seconds)
    return f"{format_seconds(spot.p99.value)} ({interval})" if interval else format_seconds(spot.p99.value)


def _hover(spot: Spot) -> str:
    latencies = f"p50 {format_seconds(spot.p50)} · p99 {_with_interval(spot)}"
    return f"{spot.load}: {format_rate(spot.throughput)}<br>{latencies}"


def _layout(spots: Sequence[Spot]) -> dict[str, Any]:
    seen = [in_ms(one) for spot in spots for one in (spot.p50, spot.p99.value, spot.p99.low, spot.p99.high) if one]
    ends = (math.log10(min(seen) / 1.2), math.log10(max(seen) * 1.2))
    return layout(
        xaxis=axis("throughput (valid answers per second)", rangemode="tozero"),
        yaxis=axis("latency (ms, log)", type="log", range=ends, **log_ticks(ends)),
    )
