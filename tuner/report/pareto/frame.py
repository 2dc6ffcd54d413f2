"""What stands around the points: the axes, the SLO with the side that misses it, and room for the strip."""

from typing import Any

from tuner.report.axes import Axes, in_ms
from tuner.report.figure import axis, layout
from tuner.report.palette import LIGHT
from tuner.report.pareto.strip import HEIGHT, strip_axes
from tuner.report.text import in_chart
from tuner.study.objectives import Slo
from tuner.study.study import Study
from tuner.units import format_seconds


def frame(study: Study, ranges: Axes, slo: Slo | None, *, failed: bool) -> dict[str, Any]:
    """Describe the chart without its points; `failed` is whether there is a strip."""
    return layout(
        **(strip_axes(study) if failed else {}),
        xaxis=axis("p99 latency (ms)", **({"anchor": "free", "position": 0.0} if failed else {})),
        yaxis=axis(
            "throughput (valid answers per second)",
            range=list(ranges.throughput),
            domain=[HEIGHT, 1.0] if failed else [0.0, 1.0],
        ),
        shapes=_limit(study, slo, ranges) if slo else [],
    )


def _limit(study: Study, slo: Slo, ranges: Axes) -> list[dict[str, Any]]:
    """Draw the SLO and shade the side that misses it."""
    limit = in_ms(slo.limit)
    label = in_chart(f"SLO {slo.metric} ≤ {format_seconds(slo.limit)} at {study.settings.workload.target}")
    base = {"yref": "y domain", "y0": 0, "y1": 1, "layer": "below"}
    shaded = {"type": "rect", "x0": limit, "x1": ranges.edge, "fillcolor": LIGHT["band"], "opacity": 0.09}
    # Near the right edge the label would leave the page, so it stands on the other side of its line.
    side = "left" if limit < ranges.linear[1] / 2 else "right"
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
