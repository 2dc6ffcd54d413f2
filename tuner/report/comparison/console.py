"""A comparison on stdout."""

from dataclasses import asdict
from typing import Any

from rich.table import Table

from tuner.report.comparison.judge import Change, ChangeKind, Comparison
from tuner.report.gate.words import WRITE
from tuner.terminal import Output, cell
from tuner.units import format_ratio, format_ratios

_MARKS = {
    ChangeKind.WORSE: "✗",
    ChangeKind.BETTER: "✓",
    ChangeKind.WITHIN_NOISE: "≈",
    ChangeKind.NO_INTERVAL: "?",
}


def print_comparison(found: Comparison, output: Output) -> None:
    """Write what differs, first what is measured, then what may be the reason."""
    output.tell(document(found))
    if found.changes:
        output.show(_changes(found))
    if found.differences:
        output.show(_differences(found))
    for doubt in found.doubts:
        output.say(f"doubt: {doubt}")
    output.say(f"\n{sentence(found)}")


def sentence(found: Comparison) -> str:
    """Say what became worse and what better."""
    parts = [f"lost: {', '.join(found.lost)}"] if found.lost else []
    for kind in (ChangeKind.WORSE, ChangeKind.BETTER):
        if told := ", ".join(_told(one) for one in found.changes if one.kind is kind):
            parts.append(f"{kind} beyond noise: {told}")
    return f"{'; '.join(parts) or 'No figure differs beyond noise'}."


def _told(change: Change) -> str:
    return f"{change.figure} of {change.name} {written(change)}"


def written(change: Change) -> str:
    """Write a change with its interval, where it has one."""
    ratio = change.ratio
    if ratio.low is None or ratio.high is None:
        return f"{format_ratio(ratio.value)}, no interval"
    return format_ratios(ratio.value, ratio.low, ratio.high)


def _changes(found: Comparison) -> Table:
    table = Table(title=f"At {found.before.loads[-1]}", title_justify="left")
    for heading in ("of", "figure", "before", "after", "change (95 % for all)", "verdict"):
        table.add_column(heading, justify="right" if heading in ("before", "after") else "left")
    for one in found.changes:
        write = WRITE[one.figure]
        word = f"{_MARKS[one.kind]} {one.kind}"
        table.add_row(one.name, one.figure.value, write(one.before.value), write(one.after.value), written(one), word)
    return table


def _differences(found: Comparison) -> Table:
    table = Table(title="What else differs", title_justify="left")
    table.add_column("")
    for place in (found.before.place, found.after.place):
        table.add_column(cell(place), overflow="fold")
    for one in found.differences:
        table.add_row(cell(one.what), cell(one.before), cell(one.after))
    return table


def document(found: Comparison) -> dict[str, Any]:
    """Make the result for programs."""
    return {
        "before": found.before.place,
        "after": found.after.place,
        "changes": [{**asdict(one), "kind": one.kind} for one in found.changes],
        "lost": list(found.lost),
        "differences": [asdict(one) for one in found.differences],
        "doubts": list(found.doubts),
        "sentence": sentence(found),
    }
