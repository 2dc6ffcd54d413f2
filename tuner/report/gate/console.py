"""A gate in the terminal: a line for each round on stderr, the verdict on stdout."""

import json
from pathlib import Path

from rich.table import Table
from rich.text import Text

from tuner.gate.result import Gate, Round, dump_gate
from tuner.report.gate import words
from tuner.report.progress import LaunchProgress
from tuner.study.trial import LevelSummary
from tuner.terminal import Output, inert
from tuner.units import format_rate, format_seconds


class GateProgress(LaunchProgress):
    """A gate as it goes."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._rounds = 0

    def round(self, played: Round) -> None:
        """Write one line for a round that is over."""
        self._rounds += 1
        self._console.print(Text(inert(f"round {self._rounds}  {_compared(played)}")), soft_wrap=True)


def _compared(played: Round) -> str:
    if played.pair is None:
        reasons = (outcome.reason for outcome in (played.baseline, played.new) if hasattr(outcome, "reason"))
        return f"disturbed: {next(reasons)}"
    before, now = map(_level, played.pair)
    return f"baseline {before}  new {now}"


def _level(level: LevelSummary) -> str:
    return f"p99 {format_seconds(level.told_p99)} {format_rate(level.throughput)}"


def print_gate(gate: Gate, report: Path, output: Output) -> None:
    """Write the verdict, and where the report is."""
    verdict = {"ruling": gate.ruling, "sentence": words.sentence(gate), "needed": gate.needed}
    output.tell({"report": str(report), **verdict, **json.loads(dump_gate(gate))})
    if gate.effects:
        output.show(_table(gate))
    output.say(f"\n{words.sentence(gate)}\n")
    output.say(f"Report: {report}")


def _table(gate: Gate) -> Table:
    table = Table(title=f"At {gate.settings.workload.target}: new against baseline", title_justify="left")
    table.add_column("")
    for heading in ("baseline", "new", "change (95 %)", "allowed"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for effect in gate.effects:
        write = words.WRITE[effect.limit.figure]
        before, now = (write(found.value if found else None) for found in (effect.baseline, effect.new))
        verdict = f"{words.MARKS[effect.ruling]} {effect.ruling}"
        allowed = words.allowed_alone(effect.limit)
        table.add_row(effect.limit.figure.value, before, now, words.change(effect), allowed, verdict)
    return table
