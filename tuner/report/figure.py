"""What all charts have in common: their layout, and how a chart and its text alternative are kept together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.palette import LIGHT

FONT = "system-ui, sans-serif"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of a legend: the traces of `group` are shown and hidden by it."""

    group: str
    label: str
    symbol: str
    colour: str
    dash: str = "solid"
    line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The figures of a chart for those who read them: a heading a column, and rows of texts."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A chart: `label` names it for those who do not see it, `told` says what it shows, `table` has its figures."""

    id: str
    title: str
    label: str
    told: str
    figure: Mapping[str, Any]
    keys: tuple[Key, ...] = ()
    table: Table | None = None
    tall: bool = False


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Describe an axis; `more` wins over what all axes have."""
    return {
        "gridcolor": LIGHT["line"],
        "linecolor": LIGHT["strong-line"],
        "zeroline": False,
        "showline": True,
        "tickfont": {"color": LIGHT["muted"]},
        "exponentformat": "none",
        "separatethousands": True,
        "automargin": True,
        "title": {"text": title, "font": {"color": LIGHT["muted"], "size": 13}},
        **more,
    }


def layout(**more: Any) -> dict[str, Any]:
    """Describe a chart; `more` wins over what all charts have."""
    return {
        "template": go.layout.Template(),
        "autosize": True,
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": "zoom",
        "paper_bgcolor": LIGHT["page"],
        "plot_bgcolor": LIGHT["page"],
        "margin": {"l": 64, "r": 20, "t": 28, "b": 56},
        "font": {"family": FONT, "size": 13, "color": LIGHT["ink"]},
        "hoverlabel": {
            "align": "left",
            "bgcolor": LIGHT["soft"],
            "bordercolor": LIGHT["strong-line"],
            "font": {"family": FONT, "color": LIGHT["ink"], "size": 13},
        },
        **more,
    }


def in_plotly(traces: list[Any], described: dict[str, Any]) -> dict[str, Any]:
    """Return a figure as plotly.js draws it."""
    return dict(go.Figure(data=traces, layout=described).to_plotly_json())


Style = tuple[str, str, str]
"""Colour, shape and stroke of a configuration, the same in all charts."""

_SERIES = (
    ("accent", "circle", "solid"),
    ("band", "square", "dash"),
    ("good", "diamond", "dot"),
    ("middle", "triangle-up", "longdash"),
    ("warn", "hexagon", "longdashdot"),
)
STROKES = {"solid": "", "dash": "6 4", "dot": "2 3", "dashdot": "6 3 2 3", "longdash": "9 4", "longdashdot": "9 3 2 3"}
"""Plotly's strokes as the legend draws them."""

_DEFAULT = ("ink", "star", "dashdot")


def styles(roles: Mapping[int, str]) -> dict[int, Style]:
    """Give every trial its style; the default has its own."""
    others = [trial for trial, role in roles.items() if role != "default"]
    own = {trial: _SERIES[place % len(_SERIES)] for place, trial in enumerate(others)}
    return {trial: own.get(trial, _DEFAULT) for trial in roles}
