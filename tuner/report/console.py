"""What a person sees in the terminal: progress on stderr, results on stdout."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import rich
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tuner.errors import InvalidMeasurementError, TargetStartError, TunerError
from tuner.report.text import clean, short
from tuner.report.verdict import Finalist, verdict
from tuner.statistics.compare import Estimate
from tuner.statistics.pareto import front
from tuner.study.judgement import feasible, reference_accuracy
from tuner.study.space import ChoiceKnob, Configuration, SearchSpace
from tuner.study.study import Settings, Study
from tuner.study.trial import Failure, FailureKind, Measurement, Outcome, Trial
from tuner.units import format_bytes, format_duration, format_rate, format_seconds, format_share

_OVERHEAD_SECONDS = 1.6
"""Start, verification and stop of one launch of the bundled agent, for the estimate of a plan only."""


class Console:
    """Progress of a search or of one measurement: a live line in a terminal, one line a trial elsewhere."""

    def __init__(self, default: Configuration | None = None, settings: Settings | None = None) -> None:
        self._console = rich.console.Console(stderr=True, highlight=False)
        self._default = default or {}
        self._settings = settings
        self._trials: list[Trial] = []
        self._title = ""
        self._phase = ""
        self._tick = ""
        self._best = ""
        self._done = 0
        self._began = time.monotonic()
        self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def _render(self) -> Text:
        lines = (f"{self._title}  {self._phase}  {self._tick}", self._best, self._left())
        return Text("\n".join(line.strip() for line in lines if line.strip()), overflow="ellipsis", no_wrap=True)

    def _left(self) -> str:
        if not self._settings or not self._done:
            return ""
        seconds = time.monotonic() - self._began
        launches = self._settings.budget + (self._settings.finalists + 1) * self._settings.rounds
        left = seconds / self._done * max(0, launches - self._done)
        return f"{format_duration(seconds)} so far, about {format_duration(left)} left"

    def phase(self, name: str) -> None:
        """Show the phase of the launch."""
        self._phase, self._tick = name, ""

    def tick(self, throughput: float, p99: float | None) -> None:
        """Show the load of the last half second."""
        self._tick = f"p99 {format_seconds(p99)}  {format_rate(throughput)}"

    def trial_started(self, number: int, configuration: Configuration) -> None:
        """Show which configuration is measured."""
        budget = self._settings.budget if self._settings else 1
        self._title = f"trial {len(self._trials) + 1}/{budget}  #{number} {clean(short(configuration, self._default))}"

    def trial_finished(self, trial: Trial) -> None:
        """Write one line for a finished trial."""
        self._trials.append(trial)
        self._done += 1
        self._console.print(Text(self._line(trial)))
        self._best = self._best_line()

    def confirmation_started(self, done: int, total: int, trial: int) -> None:
        """Show which finalist is launched again."""
        self._done += 1
        self._title = f"confirmation {done + 1}/{total}  #{trial}"
        if not self._console.is_terminal:
            self._console.print(Text(self._title))

    def note(self, message: str) -> None:
        """Write something a person should know."""
        self._console.print(Text(f"note: {clean(message)}"))

    def _line(self, trial: Trial) -> str:
        text = clean(short(trial.configuration, self._default))
        if trial.failure is not None:
            return f"#{trial.number} {trial.failure.kind}: {clean(trial.failure.reason)}  {text}"
        assert trial.measurement is not None
        target = trial.measurement.target
        mark = "" if self._feasible(trial) else "  (misses the limits)"
        if not mark and trial.number in _front_numbers([known for known in self._trials if self._feasible(known)]):
            mark = "  (front)"
        p99 = f"p99 {format_seconds(trial.measurement.light.p99.value)} / {format_seconds(target.p99.value)}"
        return f"#{trial.number} ok  {p99}  {format_rate(target.throughput)}  {text}{mark}"

    def _feasible(self, trial: Trial) -> bool:
        reference = reference_accuracy(self._trials, self._default)
        return self._settings is not None and feasible(trial, self._settings.limits, reference)

    def _best_line(self) -> str:
        kept = [trial for trial in self._trials if self._feasible(trial)]
        if not kept:
            return "nothing within the limits yet"
        best = max(kept, key=lambda trial: trial.measurement.target.throughput if trial.measurement else 0.0)
        return f"best so far, measured once: {self._line(best)}"


def _front_numbers(trials: list[Trial]) -> set[int]:
    measured = [(trial, trial.measurement) for trial in trials if trial.measurement is not None]
    points = [(measurement.light.p99.value, measurement.target.throughput) for _, measurement in measured]
    return {measured[index][0].number for index in front(points)}


def print_verdict(study: Study, report: Path) -> None:
    """Write the result of a study: the finalists, the sentence, and where the report is."""
    found = verdict(study)
    if found.finalists:
        rich.print(_finalists(study, found.finalists))
    print(f"\n{found.sentence}\n")
    print(f"Report: {report}")


def _finalists(study: Study, finalists: tuple[Finalist, ...]) -> Table:
    users = study.settings.workload.users
    table = Table(
        title=f"Confirmed over {study.settings.rounds} fresh launches each (95 % intervals)", title_justify="left"
    )
    table.add_column("configuration", overflow="fold")
    table.add_column(f"throughput at {users[-1]} users", justify="right")
    for count in users:
        table.add_column(f"p99 at {count}", justify="right")
    table.add_column("× default", justify="right")
    table.add_column("accuracy", justify="right")
    for finalist in finalists:
        table.add_row(
            f"#{finalist.trial} {escape(clean(short(finalist.configuration, study.default)))}",
            format_rate(finalist.throughput.value),
            *(format_seconds(finalist.p99[count].value) for count in users),
            _ratio(finalist.throughput_ratio),
            format_share(finalist.accuracy.share) if finalist.accuracy else "–",
        )
    return table


def _ratio(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{found.value:.2f}"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def print_outcome(outcome: Outcome, folder: Path) -> None:
    """Write one measurement, or raise its failure with the exit code that it deserves."""
    if isinstance(outcome, Failure):
        raise _failed(outcome, folder)
    rich.print(_levels(outcome))
    if outcome.accuracy is not None:
        print(f"accuracy {format_share(outcome.accuracy.share)} of {outcome.accuracy.total} labelled requests")
    if outcome.peak_memory is not None:
        print(f"memory {format_bytes(outcome.peak_memory)}")
    for doubt in outcome.doubts:
        print(f"doubt ({doubt.kind}): {doubt.message}")
    print(f"Samples: {folder / 'samples.npy'}")


def _levels(measurement: Measurement) -> Table:
    table = Table()
    for heading in ("users", "throughput", "p50", "p90", "p99", "95 % interval of p99", "requests", "batch size"):
        table.add_column(heading, justify="right")
    for level in measurement.levels:
        table.add_row(
            str(level.users),
            format_rate(level.throughput),
            format_seconds(level.p50),
            format_seconds(level.p90),
            format_seconds(level.p99.value),
            f"{format_seconds(level.p99.low)} to {format_seconds(level.p99.high)}",
            str(level.requests),
            f"{level.batch_size:.1f}" if level.batch_size is not None else "–",
        )
    return table


def _failed(failure: Failure, folder: Path) -> TunerError:
    tail = "".join(f"\n  {clean(line)}" for line in failure.log_tail)
    message = f"{failure.kind}: {failure.reason}{tail}\nLogs: {folder}"
    if failure.kind.ours:
        return InvalidMeasurementError(message)
    if failure.kind in (FailureKind.PREPARE, FailureKind.START, FailureKind.NOT_READY):
        return TargetStartError(message)
    return TunerError(message)


def print_plan(settings: Settings, space: SearchSpace) -> None:
    """Write what a search would do and how long it takes."""
    print_space(space)
    launches = settings.budget + (settings.finalists + 1) * settings.rounds
    seconds = launches * (settings.workload.seconds + _OVERHEAD_SECONDS)
    users = ", ".join(map(str, settings.workload.users))
    print(f"{settings.budget} trials and {launches - settings.budget} launches to confirm, each at {users} users")
    print(f"limits: {settings.limits}")
    print(f"about {format_duration(seconds)}")


def print_space(space: SearchSpace) -> None:
    """Write the knobs of a space."""
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
    rich.print(table)
    for rule in space.constraints:
        print(f"always: {rule}")


def print_targets(descriptions: Mapping[str, str]) -> None:
    """Write the bundled targets."""
    table = Table()
    table.add_column("target")
    table.add_column("what it is", overflow="fold")
    for name, description in descriptions.items():
        table.add_row(escape(name), escape(description))
    rich.print(table)


def print_serving(url: str, locustfile: Path) -> None:
    """Say where a server listens and how to drive it by hand."""
    print(f"serving at {url} until Ctrl-C; in another terminal:", flush=True)
    print(f"  locust -f {locustfile} --host {url} --web-host 127.0.0.1", flush=True)
