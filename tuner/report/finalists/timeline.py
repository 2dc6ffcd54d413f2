"""One launch of a finalist over time: throughput, p50 and p99, with what was not measured shaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.load.samples import Samples, latencies
from tuner.report.axes import in_ms
from tuner.report.figure import Drawing, Style, axis, in_plotly, layout
from tuner.report.finalists.launches import Launch, Runs
from tuner.report.palette import LIGHT
from tuner.report.text import in_chart
from tuner.statistics.quantiles import quantile
from tuner.study.trial import LevelSummary
from tuner.units import format_seconds

_BINS = 64
_NICE = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Slices of time of `width` seconds: their middle, valid answers a second, p50 and p99, NaN where none ended."""

    width: float
    middle: npt.NDArray[np.float64]
    throughput: npt.NDArray[np.float64]
    p50: npt.NDArray[np.float64]
    p99: npt.NDArray[np.float64]


def timeline(one: Runs, style: Style) -> Drawing | None:
    """Draw the launch in the middle by throughput; None where no launch left samples."""
    by_throughput = sorted(one.sampled, key=lambda launch: launch.measured.target.throughput)
    if not by_throughput:
        return None
    launch = by_throughput[len(by_throughput) // 2]
    assert launch.samples is not None
    levels = launch.measured.levels
    begin, end = _span(launch)
    found = series(launch.samples, begin, end)
    which = "Its only launch" if len(one.launches) == 1 else "Of its launches the one in the middle by throughput"
    return Drawing(
        id=f"time-{one.trial}",
        title=f"Over time: {one.title}",
        label=f"Two line charts over the {end - begin:.0f} seconds of a launch: throughput above, p50 and p99 below.",
        told=f"{which}, in slices of {format_seconds(found.width)}: the solid line is p99, the faint one p50, of the "
        f"requests that ended in the slice. {_warm_up(levels, begin)} "
        f"{_steadiness(found, levels, begin)}",
        figure=in_plotly(_traces(found, style), _layout(found, levels, begin, end)),
        tall=True,
    )


def series(samples: Samples, begin: float, end: float) -> Series:
    """Cut a stretch of time into slices, and summarise the requests that ended in each."""
    width = next((nice for nice in _NICE if (end - begin) / nice <= _BINS), _NICE[-1])
    # A slice that is cut short would look like a drop, so the rest that makes no whole slice is left out.
    count = max(int((end - begin) / width), 1)
    edges = begin + width * np.arange(count + 1)
    ended = np.sort(samples[np.isfinite(samples["end"])], order="end")
    places = np.searchsorted(ended["end"], edges)
    slices = [ended[first:last] for first, last in pairwise(places)]
    values = [np.sort(latencies(one)) for one in slices]
    return Series(
        width=width,
        middle=width * (np.arange(count, dtype=np.float64) + 0.5),
        throughput=np.array([(one["ok"] == 1).sum() / width for one in slices]),
        p50=np.array([quantile(one, 0.5) for one in values]),
        p99=np.array([quantile(one, 0.99) for one in values]),
    )


def _span(launch: Launch) -> tuple[float, float]:
    """Return from the first request to the end of the last level."""
    assert launch.samples is not None
    last = launch.measured.target
    return float(launch.samples["intended"].min()), last.opened + last.seconds


def _steadiness(found: Series, levels: Sequence[LevelSummary], begin: float) -> str:
    """Say in figures what the lines show under the target load."""
    last = levels[-1]
    inside = (found.middle >= last.opened - begin) & (found.middle <= last.opened - begin + last.seconds)
    rates, p50, p99 = (values[inside] for values in (found.throughput, found.p50, found.p99))
    if len(rates) == 0:
        return ""
    told = f"throughput went from {rates.min():,.0f} to {rates.max():,.0f} a second between slices"
    return f"At {last.load}, {told}{_went('p50', p50)}{_went('p99', p99)}."


def _went(name: str, seconds: npt.NDArray[np.float64]) -> str:
    known = seconds[~np.isnan(seconds)]
    if len(known) == 0:
        return ""
    return f", {name} from {format_seconds(float(known.min()))} to {format_seconds(float(known.max()))}"


def _warm_up(levels: Sequence[LevelSummary], begin: float) -> str:
    """Say how long each level was warmed up, which is what is shaded."""
    ends = [begin, *(one.opened + one.seconds for one in levels)]
    each = [format_seconds(one.opened - end) for one, end in zip(levels, ends, strict=False)]
    return f"Shaded is the warm-up, which no figure counts: {' and '.join(each)}."


def _traces(found: Series, style: Style) -> list[Any]:
    colour, _, _ = style
    x = found.middle.tolist()
    line = {"color": LIGHT[colour], "width": 1.75}
    told = [f"{second:.2f} s" for second in x]
    return [
        go.Scatter(
            x=x, y=found.throughput.tolist(), mode="lines", line={**line, "shape": "hvh"}, yaxis="y2",
            hovertext=[f"{at}: {rate:,.0f} req/s" for at, rate in zip(told, found.throughput, strict=True)],
            hoverinfo="text",
        ),
        _latency(x, found.p99, line, told, "p99"),
        _latency(x, found.p50, {**line, "width": 1}, told, "p50", opacity=0.55),
    ]  # fmt: skip


def _latency(
    x: list[float],
    seconds: npt.NDArray[np.float64],
    line: dict[str, Any],
    told: list[str],
    name: str,
    opacity: float = 1.0,
) -> Any:
    return go.Scatter(
        x=x,
        y=[in_ms(value) if np.isfinite(value) else None for value in seconds],
        mode="lines",
        opacity=opacity,
        line=line,
        hovertext=[f"{at}: {name} {format_seconds(value)}" for at, value in zip(told, seconds, strict=True)],
        hoverinfo="text",
    )


def _layout(found: Series, levels: Sequence[LevelSummary], begin: float, end: float) -> dict[str, Any]:
    # The names of the loads stand above the highest line.
    most = float(found.throughput.max()) * 1.3 or 1.0
    return layout(
        xaxis=axis("seconds since the first request", range=[0.0, end - begin]),
        yaxis=axis("latency (ms)", rangemode="tozero", domain=[0.0, 0.54]),
        yaxis2=axis("req/s", range=[0.0, most], domain=[0.64, 1.0], anchor="x"),
        shapes=list(_shades(levels, begin)),
    )


def _shades(levels: Sequence[LevelSummary], begin: float) -> list[dict[str, Any]]:
    """Shade what lies before each level, and name the level."""
    shades, seen = [], begin
    for one in levels:
        warm = {"type": "rect", "x0": seen - begin, "x1": one.opened - begin, "yref": "paper", "y0": 0, "y1": 1}
        text = {
            "text": in_chart(str(one.load)),
            "textposition": "top left",
            "font": {"color": LIGHT["muted"], "size": 12},
        }
        inside = {**warm, "x0": one.opened - begin, "x1": one.opened - begin + one.seconds, "label": text}
        shades += [
            {**warm, "fillcolor": LIGHT["faint"], "opacity": 0.16, "line": {"width": 0}, "layer": "below"},
            {**inside, "line": {"width": 0}, "layer": "below"},
        ]
        seen = one.opened + one.seconds
    return shades
