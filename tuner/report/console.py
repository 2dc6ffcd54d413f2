"""What a person sees in the terminal: progress on stderr, results on stdout."""

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tuner.report import finalist_table
from tuner.report.method import protocol
from tuner.report.quality import answered, asked, load_share
from tuner.report.text import clean, interval, short
from tuner.report.verdict import Verdict, verdict
from tuner.runtimes.known import Runtime
from tuner.study.judgement import best, feasible, front_of
from tuner.study.space import ChoiceKnob, Configuration, SearchSpace
from tuner.study.study import Settings, Study
from tuner.study.trial import LevelSummary, Measurement, Trial
from tuner.study.workload import Loop
from tuner.units import format_bytes, format_duration, format_rate, format_seconds

_WIDE = 160
_OVERHEAD_SECONDS = 1.6
"""Start, verification and stop of one launch of the bundled agent, for the estimate of a plan only."""


class LaunchProgress:
    """What one launch is doing, as a live line in a terminal; elsewhere it is silent."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._phase = ""
        self._tick = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def _lines(self) -> Iterator[str]:
        yield f"{self._phase}  {self._tick}"

    def _render(self) -> Text:
        return Text("\n".join(filter(None, map(str.strip, self._lines()))), overflow="ellipsis", no_wrap=True)

    def phase(self, name: str) -> None:
        """Show the phase of the launch."""
        self._phase, self._tick = name, ""

    def tick(self, throughput: float, p99: float | None) -> None:
        """Show the load of the last half second."""
        self._tick = f"p99 {format_seconds(p99)}  {format_rate(throughput)}"


class SearchProgress(LaunchProgress):
    """A search as it goes: a live view in a terminal, and everywhere one line for each finished trial.

    `trials` are those of earlier sessions.
    """

    def __init__(self, settings: Settings, default: Configuration, trials: Sequence[Trial]) -> None:
        super().__init__()
        self._settings = settings
        self._default = default
        self._trials = list(trials)
        self._title = ""
        self._launches = 0
        self._left = settings.launches - len(trials)
        self._began = self._counted = time.monotonic()

    def _lines(self) -> Iterator[str]:
        yield f"{self._title}  {self._phase}  {self._tick}"
        if self._trials:
            top = best(self._feasible())
            yield f"best so far, measured once: {self._line(top)}" if top else "nothing within the limits yet"
        if self._launches:
            now = time.monotonic()
            each = (self._counted - self._began) / self._launches
            left = max(0.0, each * self._left - (now - self._counted))
            yield f"{format_duration(now - self._began)} so far, at most {format_duration(left)} left"

    def trial_started(self, number: int, configuration: Configuration) -> None:
        """Show which configuration is measured."""
        place = f"trial {len(self._trials) + 1}/{self._settings.budget}"
        self._title = f"{place}  #{number} {clean(short(configuration, self._default))}"

    def trial_finished(self, trial: Trial) -> None:
        """Write one line for a finished trial."""
        self._trials.append(trial)
        self._count_launch()
        self._say(self._line(trial))

    def confirmation_started(self, done: int, total: int, trial: int) -> None:
        """Show which finalist is launched again."""
        self._title = f"confirmation {done + 1}/{total}  #{trial}"
        self._left = total - done
        if not self._console.is_terminal:
            self._say(self._title)

    def confirmation_finished(self) -> None:
        """Count a launch of a finalist."""
        self._count_launch()

    def _count_launch(self) -> None:
        self._launches += 1
        self._counted = time.monotonic()
        self._left = max(0, self._left - 1)

    def note(self, message: str) -> None:
        """Write something a person should know."""
        self._say(f"note: {clean(message)}")

    def _say(self, text: str) -> None:
        # One line is one trial, however narrow the terminal or the log is.
        self._console.print(Text(text), soft_wrap=True)

    def _feasible(self) -> list[Trial]:
        return [trial for trial in self._trials if feasible(trial, self._settings.limits)]

    def _line(self, trial: Trial) -> str:
        text = clean(short(trial.configuration, self._default))
        if trial.failure is not None:
            return f"#{trial.number} {trial.failure.kind}: {clean(trial.failure.reason)}  {text}"
        assert trial.measurement is not None
        target = trial.measurement.target
        kept = self._feasible()
        front = front_of(kept, with_quality=self._settings.quality_objective)
        mark = "  (front)" if trial in front else "" if trial in kept else "  (misses the limits)"
        p99 = f"p99 {' / '.join(format_seconds(level.told_p99) for level in trial.measurement.levels)}"
        quality = f"{answered(trial.measurement.quality)}  " if trial.measurement.quality else ""
        return f"#{trial.number} ok  {p99}  {format_rate(target.throughput)}  {quality}{text}{mark}"


def _show(table: Table) -> None:
    """Write a table to stdout; where nobody says how wide that is, no cell is squeezed."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table)


def print_verdict(study: Study, report: Path) -> None:
    """Write the result of a study: the finalists, the sentence, and where the report is."""
    found = verdict(study)
    if found.finalists:
        _show(_finalists(study, found))
    print(f"\n{found.sentence}\n")
    print(f"Report: {report}")


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
            f"#{finalist.trial} {escape(clean(short(finalist.configuration, study.default)))}",
            finalist_table.note(found, finalist),
            *(_lines(cell, column.label == finalist_table.RATIO) for cell, column in zip(cells, columns, strict=True)),
        )
    return table


def _lines(cell: finalist_table.Cell, is_ratio: bool) -> Text:
    """Write a cell without the interval of a figure, for which a terminal is too narrow."""
    compared = cell.compared.replace(" pt [", " pt\n[")
    return Text(f"{cell.text}\n{cell.interval if is_ratio else compared}".strip())


def print_measurement(measurement: Measurement, folder: Path) -> None:
    """Write one measurement."""
    _show(_levels(measurement))
    if measurement.quality is not None:
        print(
            "; ".join(
                filter(
                    None,
                    (f"{answered(measurement.quality)}, {asked(measurement.quality)}", load_share(measurement.quality)),
                )
            )
        )
    if measurement.peak_memory is not None:
        print(f"memory {format_bytes(measurement.peak_memory)}")
    for doubt in measurement.doubts:
        print(f"doubt ({doubt.kind}): {doubt.message}")
    print(f"Samples: {folder / 'samples.npy'}")


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


def print_plan(settings: Settings, space: SearchSpace, left_alone: Sequence[str] = ()) -> None:
    """Write what a search would do and how long it takes."""
    print_space(space, {}, left_alone)
    workload, confirming = settings.workload, settings.launches - settings.budget
    seconds = settings.launches * (workload.seconds + _OVERHEAD_SECONDS)
    if workload.loop is Loop.CLOSED:
        seconds += confirming * workload.seconds / len(workload.loads)  # finalists are driven in open loop as well
    print(f"{settings.budget} trials and {confirming} launches to confirm")
    print(f"each: {protocol(settings.workload)}")
    print(f"limits: {settings.limits}")
    print(f"about {format_duration(seconds)}")


def print_space(space: SearchSpace, options: Mapping[str, str], left_alone: Sequence[str] = ()) -> None:
    """Write the knobs of a space, those that a search leaves alone, and the target's options with what they are."""
    table = Table()
    for heading in ("knob", "values", "default", "matters when", "what it is"):
        table.add_column(heading, overflow="fold")
    for knob in space.knobs:
        if isinstance(knob, ChoiceKnob):
            values = ", ".join(map(str, knob.choices))
        else:
            values = f"{knob.low:g} to {knob.high:g}{' (log)' if knob.log else ''}"
        cells = (knob.name, values, str(knob.default), space.conditions.get(knob.name, ""), knob.description)
        table.add_row(*map(escape, cells))
    _show(table)
    for rule in space.constraints:
        print(f"always: {rule}")
    if left_alone:
        print(f"not searched unless named with --vary: {', '.join(left_alone)}")
    for name, meaning in options.items():
        print(f"option --{name.replace('_', '-')}: {meaning}")


def print_targets(descriptions: Mapping[str, str]) -> None:
    """Write the bundled targets."""
    table = Table()
    table.add_column("target")
    table.add_column("what it is", overflow="fold")
    for name, description in descriptions.items():
        table.add_row(escape(name), escape(description))
    _show(table)


def print_runtimes(runtimes: Sequence[tuple[Runtime, str | None, int]]) -> None:
    """Write the runtimes that can be installed; of those that are, which version and how many bytes."""
    table = Table()
    for heading in ("runtime", "package", "installed", "size", "for"):
        table.add_column(heading, overflow="fold")
    for runtime, version, size in runtimes:
        found = (version, format_bytes(size)) if version else (f"no: tuner runtime add {runtime.name}", "–")
        table.add_row(*map(escape, (runtime.name, runtime.requirement, *found, runtime.provider)))
    _show(table)


def print_serving(url: str, locust: Sequence[str]) -> None:
    """Say where a server listens and how to drive it by hand."""
    print(f"serving at {url} until Ctrl-C; to drive it from Locust's web UI, in another terminal:", flush=True)
    print(f"  {shlex.join(locust)}", flush=True)
