"""Figures for github-action-benchmark, which draws them from commit to commit.

It reads a list of benchmarks of which either less or more is better, so there is one file for each.
"""

import json

from tuner.gate.effect import Effect
from tuner.gate.result import Gate
from tuner.report.gate import words
from tuner.report.text import clean

_UNIT = {False: ("req/s", 1.0), True: ("ms", 1e3)}
"""By whether more is worse: the unit, and how many of it a figure has."""


def benchmarks(gate: Gate, *, smaller_is_better: bool) -> str | None:
    """Write the figures of the new side of one kind: `customSmallerIsBetter` or `customBiggerIsBetter`, if any."""
    chosen = [effect for effect in gate.effects if effect.limit.figure.more_is_worse is smaller_is_better]
    rows = [row for effect in chosen if (row := _row(gate, effect)) is not None]
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n" if rows else None


def _row(gate: Gate, effect: Effect) -> dict[str, str | float] | None:
    """Write one figure; None where it is not known."""
    found, figure = effect.new, effect.limit.figure
    if found is None:
        return None
    unit, scale = _UNIT[figure.more_is_worse]
    row: dict[str, str | float] = {
        "name": clean(f"{words.target(gate)}: {figure} at {gate.settings.workload.target}"),
        "unit": unit,
        "value": float(f"{found.value * scale:.5g}"),
        "extra": clean(f"{words.change(effect)} against {gate.settings.baseline.source}: {effect.ruling}"),
    }
    if found.low is not None and found.high is not None:
        row["range"] = f"± {(found.high - found.low) / 2.0 * scale:.3g}"
    return row
