"""The knobs of a target, as a table for people."""

from collections.abc import Sequence

from rich.table import Table

from tuner.study.space import ChoiceKnob, Knob, SearchSpace
from tuner.terminal import Output, cell


def show_space(space: SearchSpace, left_alone: Sequence[str], output: Output) -> None:
    """Write the knobs of a space, the constraints among them, and those that a search leaves alone."""
    table = Table()
    for heading in ("knob", "values", "default", "matters when", "what it is"):
        table.add_column(heading, overflow="fold")
    for knob in space.knobs:
        cells = (knob.name, _values(knob), str(knob.default), space.conditions.get(knob.name, ""), knob.description)
        table.add_row(*map(cell, cells))
    output.show(table)
    for rule in space.constraints:
        output.say(f"always: {rule}")
    if left_alone:
        output.say(f"not searched unless named with --vary: {', '.join(left_alone)}")


def _values(knob: Knob) -> str:
    if isinstance(knob, ChoiceKnob):
        return ", ".join(map(str, knob.choices))
    return f"{knob.low:g} to {knob.high:g}{' (log)' if knob.log else ''}"
