"""A study or a measurement in the terminal."""

import json
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement as Width
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tuner.report import finalist_table
from tuner.report.quality import answered, asked, load_share
from tuner.report.text import interval, short
from tuner.report.verdict import Verdict, verdict
from tuner.study.study import Study
from tuner.study.trial import LevelSummary, Measurement
from tuner.terminal import PLAIN, Output, cell
from tuner.units import format_bytes, format_rate, format_seconds

_LEAST_WIDTH = 24
"""Columns that a configuration needs in a table of finalists; in fewer, every name of a knob breaks."""


def print_verdict(study: Study, report: Path, output: Output = PLAIN) -> None:
    """Write the result of a study: the finalists, what speaks against them, the sentence, and where the report is."""
    if output.as_json:
        content = json.loads(report.with_name("report.json").read_text(encoding="utf-8"))
        output.tell({"report": str(report), **content})
        return
    found = verdict(study)
    if found.finalists:
        output.show(_Finalists(study, found))
    for finalist in found.finalists:
        if finalist.objection:
            output.say(f"#{finalist.trial} cannot win: {finalist.objection}")
    output.say(f"\n{found.sentence}\n")
    output.say(f"Report: {report}")


class _Finalists:
    """The finalists, in a table or, where a screen is too narrow for all of its columns, one below the other."""

    def __init__(self, study: Study, found: Verdict) -> None:
        self._columns = finalist_table.columns(study, found)
        self._title = f"Confirmed over up to {study.settings.rounds} fresh launches each (ratios with 95 % intervals)"
        self._rows = [
            (
                cell(f"#{finalist.trial} {short(finalist.configuration, study.default)}"),
                cell(finalist_table.note(found, finalist)),
                finalist_table.cells(study, found, finalist),
            )
            for finalist in found.finalists
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        others = Width.get(console, options, self._table()).maximum
        if (width := options.max_width - others) >= _LEAST_WIDTH:
            yield self._table(width)
        else:
            yield from self._blocks()

    def _table(self, width: int = 0) -> Table:
        """Draw the table with a first column of at most this width, in which text folds; no other one gives way."""
        table = Table(title=self._title, title_justify="left")
        table.add_column("configuration", overflow="fold", max_width=width)
        table.add_column("part", no_wrap=True)
        for column in self._columns:
            heading = str(column).replace(" at ", "\nat ").replace(" (", "\n(")
            table.add_column(heading, justify="right", no_wrap=True)
        for name, part, cells in self._rows:
            shown = zip(cells, self._columns, strict=True)
            table.add_row(name, part, *(_broken(one, column.label == finalist_table.RATIO) for one, column in shown))
        return table

    def _blocks(self) -> Iterator[RenderableType]:
        """Write a line for each cell."""
        yield Text(self._title)
        for name, part, cells in self._rows:
            yield Text()
            yield name
            for heading, one in (("part", part), *zip(self._columns, cells, strict=True)):
                yield Padding(Text(f"{heading}: {one}"), (0, 0, 0, 2), expand=False)


def _broken(one: finalist_table.Cell, is_ratio: bool) -> Text:
    """Write a cell without the interval of a figure, for which a terminal is too narrow."""
    compared = one.compared.replace(" pt [", " pt\n[")
    return Text(f"{one.text}\n{one.interval if is_ratio else compared}".strip())


def print_measurement(measurement: Measurement, folder: Path, output: Output = PLAIN) -> None:
    """Write one measurement, whose files lie in `folder`."""
    if output.as_json:
        content = json.loads((folder / "measurement.json").read_text(encoding="utf-8"))
        output.tell({"folder": str(folder), **content})
        return
    output.show(_levels(measurement))
    if measurement.quality is not None:
        told = f"{answered(measurement.quality)}, {asked(measurement.quality)}"
        output.say("; ".join(filter(None, (told, load_share(measurement.quality)))))
    if measurement.peak_memory is not None:
        output.say(f"memory {format_bytes(measurement.peak_memory)}")
    for doubt in measurement.doubts:
        output.say(f"doubt ({doubt.kind}): {doubt.message}")
    output.say(f"Samples: {folder / 'samples.npy'}")


def _levels(measurement: Measurement) -> Table:
    table = Table()
    told = [dict(_level(level)) for level in measurement.levels]
    for heading in told[0]:
        if any(level[heading] for level in told):
            table.add_column(heading, justify="right")
    for level in told:
        table.add_row(*(level[str(column.header)] or "–" for column in table.columns))
    return table


def _level(level: LevelSummary) -> Iterator[tuple[str, str]]:
    """Yield the figures of a level by their headings; one that no level has is empty and gets no column."""
    session, batch = level.session_p99, level.batch_size
    yield "load", str(level.load)
    yield "throughput", format_rate(level.throughput)
    yield "goodput", format_rate(level.goodput) if level.goodput is not None else ""
    yield "p50", format_seconds(level.p50)
    yield "p90", format_seconds(level.p90)
    yield "p99", format_seconds(level.told_p99)
    yield "95 % interval of p99", interval(level.p99.low, level.p99.high, format_seconds)
    yield "session p99", format_seconds(session.value) if session is not None else ""
    yield "requests", str(level.requests)
    yield "batch size", f"{batch:.1f}" if batch is not None else ""
