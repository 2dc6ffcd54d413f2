"""The drawing of an effect: every pair of launches as a point, the interval over them, and the limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner.gate.effect import Effect
from tuner.gate.result import Gate, figures
from tuner.units import format_ratio

WIDTH, HEIGHT = 640.0, 96.0
_MARGIN = 0.08
_SPREAD = (28.0, 44.0)
"""Where points lie, from the top; the interval is below them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point of the drawing, and what it is in words."""

    x: float
    y: float
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Where everything is, in units of an SVG of `WIDTH` by `HEIGHT`; `worse` is the side beyond the limit."""

    points: tuple[Mark, ...]
    value: float
    low: float
    high: float
    limit: float
    zero: float
    worse: tuple[float, float]


def drawing(gate: Gate, effect: Effect) -> Drawing | None:
    """Draw an effect; None where nothing is known of it."""
    ratio = effect.ratio
    if ratio is None or ratio.low is None or ratio.high is None:
        return None
    before, now = figures(gate.rounds, effect.limit.figure.read)
    # What was launched after a limit had been decided is no part of that.
    ratios = [mine / theirs for mine, theirs in zip(now, before, strict=True)][: effect.pairs]
    place = _scale([*ratios, ratio.low, ratio.high, effect.limit.ratio, 1.0])
    limit = place(effect.limit.ratio)
    return Drawing(
        points=tuple(_point(number, one, place(one)) for number, one in enumerate(ratios)),
        value=place(ratio.value),
        low=place(ratio.low),
        high=place(ratio.high),
        limit=limit,
        zero=place(1.0),
        worse=(limit, WIDTH - limit) if effect.limit.figure.more_is_worse else (0.0, limit),
    )


def _point(number: int, ratio: float, x: float) -> Mark:
    top, bottom = _SPREAD
    return Mark(x=x, y=top if number % 2 else bottom, told=f"pair {number + 1}: {format_ratio(ratio)}")


def _scale(values: Sequence[float]) -> Callable[[float], float]:
    """Return what places a ratio, with some room at both ends."""
    low, span = min(values), (max(values) - min(values)) or 1.0
    return lambda ratio: round(WIDTH * (_MARGIN + (ratio - low) / span * (1.0 - 2.0 * _MARGIN)), 1)
