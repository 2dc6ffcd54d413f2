"""What a person or a script is told on stdout: the results of the verbs."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter
from rich.table import Table
from rich.text import Text

from tuner.report import finalist_table
from tuner.report.method import protocol
from tuner.report.quality import answered, asked, load_share
from tuner.report.text import interval, short
from tuner.report.verdict import Verdict, verdict
from tuner.runtimes.known import Runtime
from tuner.study.space import ChoiceKnob, SearchSpace
from tuner.study.study import Settings, Study
from tuner.study.trial import LevelSummary, Measurement, dump_outcome
from tuner.study.workload import Loop
from tuner.terminal import PLAIN, Output, cell
from tuner.units import format_bytes, format_duration, format_rate, format_seconds

_settings = TypeAdapter(Settings)
_space = TypeAdapter(SearchSpace)

_OVERHEAD_SECONDS = 1.6
"""Start, verification and stop of one launch of the bundled agent, for the estimate of a plan only."""


def print_verdict(study: Study, report: Path, output: Output = PLAIN) -> None:
    """Write the result of a study: the finalists, the sentence, and where the report is."""
    if output.as_json:
        content = json.loads(report.with_name("report.json").read_text(encoding="utf-8"))
        output.tell({"report": str(report), **content})
        return
    found = verdict(study)
    if found.finalists:
        output.show(_finalists(study, found))
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
            *(_lines(one, column.label == finalist_table.RATIO) for one, column in zip(cells, columns, strict=True)),
        )
    return table


def _lines(one: finalist_table.Cell, is_ratio: bool) -> Text:
    """Write a cell without the interval of a figure, for which a terminal is too narrow."""
    compared = one.compared.replace(" pt [", " pt\n[")
    return Text(f"{one.text}\n{one.interval if is_ratio else compared}".strip())


def print_measurement(measurement: Measurement, folder: Path, output: Output = PLAIN) -> None:
    """Write one measurement."""
    output.tell({"folder": str(folder), **json.loads(dump_outcome(measurement))})
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


def print_plan(settings: Settings, space: SearchSpace, left_alone: Sequence[str] = (), output: Output = PLAIN) -> None:
    """Write what a search would do and how long it takes."""
    print_space(space, {}, left_alone, output)
    workload, confirming = settings.workload, settings.launches - settings.budget
    seconds = settings.launches * (workload.seconds + _OVERHEAD_SECONDS)
    if workload.loop is Loop.CLOSED:
        seconds += confirming * workload.seconds / len(workload.loads)  # finalists are driven in open loop as well
    asked = {"settings": _settings.dump_python(settings, mode="json"), "space": _space.dump_python(space, mode="json")}
    output.tell({**asked, "trials": settings.budget, "launches_to_confirm": confirming, "seconds": round(seconds)})
    output.say(f"{settings.budget} trials and {confirming} launches to confirm")
    output.say(f"each: {protocol(settings.workload)}")
    output.say(f"limits: {settings.limits}")
    output.say(f"about {format_duration(seconds)}")


def print_space(
    space: SearchSpace, options: Mapping[str, str], left_alone: Sequence[str] = (), output: Output = PLAIN
) -> None:
    """Write the knobs of a space, those that a search leaves alone, and the target's options with what they are."""
    output.tell({**_space.dump_python(space, mode="json"), "options": dict(options), "left_alone": list(left_alone)})
    table = Table()
    for heading in ("knob", "values", "default", "matters when", "what it is"):
        table.add_column(heading, overflow="fold")
    for knob in space.knobs:
        if isinstance(knob, ChoiceKnob):
            values = ", ".join(map(str, knob.choices))
        else:
            values = f"{knob.low:g} to {knob.high:g}{' (log)' if knob.log else ''}"
        cells = (knob.name, values, str(knob.default), space.conditions.get(knob.name, ""), knob.description)
        table.add_row(*map(cell, cells))
    output.show(table)
    for rule in space.constraints:
        output.say(f"always: {rule}")
    if left_alone:
        output.say(f"not searched unless named with --vary: {', '.join(left_alone)}")
    for name, meaning in options.items():
        output.say(f"option --{name.replace('_', '-')}: {meaning}")


def print_targets(descriptions: Mapping[str, str], output: Output = PLAIN) -> None:
    """Write the bundled targets."""
    output.tell({"targets": [{"name": name, "description": about} for name, about in descriptions.items()]})
    table = Table()
    table.add_column("target")
    table.add_column("what it is", overflow="fold")
    for name, description in descriptions.items():
        table.add_row(cell(name), cell(description))
    output.show(table)


def print_runtimes(runtimes: Sequence[tuple[Runtime, str | None, int]], output: Output = PLAIN) -> None:
    """Write the runtimes that can be installed; of those that are, which version and how many bytes."""
    output.tell({"runtimes": [{**asdict(one), "installed": version, "bytes": size} for one, version, size in runtimes]})
    table = Table()
    for heading in ("runtime", "package", "installed", "size", "for"):
        table.add_column(heading, overflow="fold")
    for runtime, version, size in runtimes:
        found = (version, format_bytes(size)) if version else (f"no: tuner runtime add {runtime.name}", "–")
        table.add_row(*map(cell, (runtime.name, runtime.requirement, *found, runtime.provider)))
    output.show(table)


def print_serving(url: str, locust: Sequence[str], output: Output = PLAIN) -> None:
    """Say where a server listens and how to drive it by hand."""
    output.tell({"url": url, "locust": list(locust)})
    output.close()
    output.say(f"serving at {url} until Ctrl-C; to drive it from Locust's web UI, in another terminal:")
    output.say(f"  {shlex.join(locust)}")
