"""A gate in the terminal: a line for each round on stderr, the verdict on stdout."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tuner.gate.result import Gate, Round, Settings
from tuner.report.console import LaunchProgress
from tuner.report.gate import words
from tuner.report.text import clean
from tuner.study.trial import LevelSummary
from tuner.units import format_rate, format_seconds

_WIDE = 140
"""Where nobody says how wide the paper is, no cell is squeezed."""


class GateProgress(LaunchProgress):
    """A gate as it goes."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._rounds = 0

    def round(self, played: Round) -> None:
        """Write one line for a round that is over."""
        self._rounds += 1
        self._console.print(Text(f"round {self._rounds}  {_compared(played)}"), soft_wrap=True)


def _compared(played: Round) -> str:
    if played.pair is None:
        reasons = (outcome.reason for outcome in (played.baseline, played.new) if hasattr(outcome, "reason"))
        return f"disturbed: {clean(next(reasons))}"
    before, now = map(_level, played.pair)
    return f"baseline {before}  new {now}"


def _level(level: LevelSummary) -> str:
    return f"p99 {format_seconds(level.told_p99)} {format_rate(level.throughput)}"


def print_gate(gate: Gate, report: Path) -> None:
    """Write the verdict, and where the report is."""
    if gate.effects:
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = _WIDE
        console.print(_table(gate))
    print(f"\n{clean(words.sentence(gate))}\n")
    print(f"Report: {report}")


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
