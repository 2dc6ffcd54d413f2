"""A gate in the terminal: a line for each round on stderr, the verdict on stdout."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from tuner.gate.result import Gate, Round, dump_gate
from tuner.report.gate import words
from tuner.report.progress import LaunchProgress
from tuner.study.trial import Failure, LevelSummary
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
        failures = {side: one for side, one in played.outcomes.items() if isinstance(one, Failure)}
        return "  ".join(f"{side} {failure.kind}: {failure.reason}" for side, failure in failures.items())
    before, now = map(_level, played.pair)
    tried = "".join(f"  ({side} {_kinds(failures)} at first)" for side, failures in played.retried.items())
    return f"baseline {before}  new {now}{tried}"


def _kinds(failures: Sequence[Failure]) -> str:
    return ", then ".join(failure.kind for failure in failures)


def _level(level: LevelSummary) -> str:
    return f"p99 {format_seconds(level.told_p99)} {format_rate(level.throughput)}"


def print_gate(gate: Gate, report: Path, output: Output) -> None:
    """Write the verdict; a document says where the report lies, too."""
    if words.rows(gate):
        output.show(_table(gate))
    output.say(f"\n{words.sentence(gate)}\n")
    # Last: whatever is wrong with a document must not keep the verdict secret.
    verdict = {"ruling": gate.ruling, "sentence": words.sentence(gate), "needed": gate.needed}
    output.tell({"report": str(report), **verdict, **json.loads(dump_gate(gate))})


def _table(gate: Gate) -> Table:
    table = Table(title=f"At {gate.settings.workload.target}: new against baseline", title_justify="left")
    table.add_column("")
    for heading in ("baseline", "new", "change (95 %)", "allowed"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for row in words.rows(gate):
        table.add_row(*row)
    return table
