"""The places of a knob's values on an axis, for charts that put knobs of every kind side by side."""

import math
from collections.abc import Sequence

from tuner.report.text import in_chart, show
from tuner.study.space import ChoiceKnob, Knob, Value

_SHORT = 13
_NAME = 20


def place(knob: Knob, value: Value) -> float:
    """Return where a value lies between the lowest of its knob, at 0, and the highest, at 1."""
    if isinstance(knob, ChoiceKnob):
        return knob.choices.index(value) / max(len(knob.choices) - 1, 1)
    low, high, at = float(knob.low), float(knob.high), float(value)
    if knob.log:
        low, high, at = math.log(low), math.log(high), math.log(at)
    return (at - low) / (high - low) if high > low else 0.0


def ends(knob: Knob, most: int = _SHORT) -> tuple[tuple[float, str], ...]:
    """Return the places of an axis that are named, by `most` letters: every choice, or both ends of a range."""
    if isinstance(knob, ChoiceKnob):
        return tuple((place(knob, choice), brief(show(choice), most)) for choice in knob.choices)
    return tuple((at, show(int(end) if knob.integer else end)) for at, end in ((0.0, knob.low), (1.0, knob.high)))


def brief(text: str, most: int = _SHORT) -> str:
    """Cut a text to what fits beside an axis."""
    return in_chart(text if len(text) <= most else f"{text[: most - 1]}…")


def headed(name: str) -> str:
    """Cut the name of an axis to what fits below it."""
    return brief(name, _NAME)


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis for measured figures; those of one value lie around it."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
