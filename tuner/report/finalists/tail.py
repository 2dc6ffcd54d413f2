"""How latencies are distributed, on an axis that gives every further nine the same room: log(1/(1-p))."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.load.samples import latencies
from tuner.report.axes import in_ms
from tuner.report.figure import Drawing, Key, Style, Table, axis, in_plotly, layout
from tuner.report.finalists.launches import Runs
from tuner.report.palette import LIGHT
from tuner.statistics.quantiles import quantile
from tuner.study.workload import Load
from tuner.units import format_seconds

SLOWER = 10
"""A curve ends where fewer requests than this were slower, or failed: what lies beyond is chance, or infinite."""

_POINTS = 120
_NINES = {1.0: "0", 2.0: "50 %", 10.0: "90 %", 100.0: "99 %", 1e3: "99.9 %", 1e4: "99.99 %", 1e5: "99.999 %"}
_NAMED = (0.5, 0.9, 0.99, 0.999)

Curve = tuple[list[float], list[float]]
"""1/(1-p) and the latency in seconds that this share p of the requests did not exceed."""


def tail(
    found: Sequence[Runs], level: int, load: Load, styles: Mapping[int, Style], keys: tuple[Key, ...]
) -> Drawing | None:
    """Draw the distributions under one load; None without samples."""
    ordered = {one.trial: np.sort(_latencies(one, level)) for one in found if one.sampled}
    # Where even the fastest request failed there is no curve.
    known = {trial: values for trial, values in ordered.items() if len(values) > SLOWER and np.isfinite(values[0])}
    curves = {trial: curve(values) for trial, values in known.items()}
    if not curves:
        return None
    shown = [one for one in found if one.trial in curves]
    failed = [one.title for one in shown if np.isinf(ordered[one.trial][-SLOWER - 1])]
    return Drawing(
        id=f"tail-{level}",
        title=f"Distribution of latencies at {load}",
        label=f"Line chart of latency over the share of requests at {load}, up to the slowest ones.",
        told=f"All requests of all launches at {load}. Every step to the right is a ten times rarer request; a curve "
        f"ends where only {SLOWER} requests were slower{_earlier(failed)}. The table has the figures.",
        figure=in_plotly([_trace(one, curves[one.trial], styles[one.trial]) for one in shown], _layout()),
        keys=tuple(key for key in keys if int(key.group) in curves),
        table=Table(
            heads=("configuration", "requests", *(f"p{share * 100:g}" for share in _NAMED)),
            rows=tuple((one.name, *_row(ordered[one.trial])) for one in shown),
        ),
    )


def _earlier(failed: Sequence[str]) -> str:
    """Say which curves end before, where requests failed."""
    if not failed:
        return ""
    return f", and of {', '.join(failed)} before that, where requests failed: those are infinitely slow"


def _latencies(one: Runs, level: int) -> npt.NDArray[np.float64]:
    return np.concatenate([latencies(launch.window(level)) for launch in one.sampled])


def curve(ordered: npt.NDArray[np.float64]) -> Curve:
    """Return the order statistics on a grid that is even on the axis, as far as enough requests were slower."""
    last = len(ordered) / SLOWER
    grid = np.unique(np.append(np.geomspace(1.0, last, _POINTS), [nine for nine in _NINES if nine <= last]))
    points = [(float(one), quantile(ordered, 1.0 - 1.0 / one)) for one in grid]
    # Failed requests are infinitely slow: there the curve leaves the chart.
    finite = [point for point in points if np.isfinite(point[1])]
    return [x for x, _ in finite], [y for _, y in finite]


def _row(ordered: npt.NDArray[np.float64]) -> Iterator[str]:
    yield f"{len(ordered):,}"
    for share in _NAMED:
        enough = round(len(ordered) * (1.0 - share), 6) >= SLOWER
        yield format_seconds(quantile(ordered, share)) if enough else "too few requests"


def _trace(one: Runs, points: Curve, style: Style) -> Any:
    colour, _, dash = style
    x, y = points
    return go.Scatter(
        x=x,
        y=[in_ms(seconds) for seconds in y],
        mode="lines",
        legendgroup=str(one.trial),
        line={"color": LIGHT[colour], "dash": dash, "width": 2},
        hovertext=[
            f"<b>{one.title}</b><br>{(1.0 - 1.0 / nines) * 100:.5g} % within {format_seconds(seconds)}"
            for nines, seconds in zip(x, y, strict=True)
        ],
        hoverinfo="text",
    )


def _layout() -> dict[str, Any]:
    ticks = {"tickmode": "array", "tickvals": list(_NINES), "ticktext": list(_NINES.values())}
    return layout(
        xaxis=axis("share of requests that were no slower", type="log", **ticks),
        yaxis=axis("latency (ms)", rangemode="tozero"),
    )
