"""A study or a measurement in the terminal."""

import json
from collections.abc import Iterator
from pathlib import Path

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


def print_verdict(study: Study, report: Path, output: Output = PLAIN) -> None:
    """Write the result of a study: the finalists, what speaks against them, the sentence, and where the report is."""
    if output.as_json:
        content = json.loads(report.with_name("report.json").read_text(encoding="utf-8"))
        output.tell({"report": str(report), **content})
        return
    found = verdict(study)
    if found.finalists:
        output.show(_finalists(study, found))
    for finalist in found.finalists:
        if finalist.objection:
            output.say(f"#{finalist.trial} cannot win: {finalist.objection}")
    output.say(f"\n{found.sentence}\n")
    output.say(f"Report: {report}")


def _finalists(study: Study, found: Verdict) -> Table:
    table = Table(
        title=f"Confirmed over up to {study.settings.rounds} fresh launches each (ratios with 95 % intervals)",
        title_justify="left",
    )
    table.add_column("configuration", overflow="fold", min_width=24)
    table.add_column("part", overflow="fold")
    columns = finalist_table.columns(study, found)
    for column in columns:
        table.add_column(str(column).replace(" at ", "\nat ").replace(" (", "\n("), justify="right")
    for finalist in found.finalists:
        cells = finalist_table.cells(study, found, finalist)
        table.add_row(
            cell(f"#{finalist.trial} {short(finalist.configuration, study.default)}"),
            cell(finalist_table.note(found, finalist)),
            *(_broken(one, column.label == finalist_table.RATIO) for one, column in zip(cells, columns, strict=True)),
        )
    return table


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
