"""What a person sees of a launch or a search as it goes, on stderr."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tuner.measure.protocol import Watcher
from tuner.report.quality import answered
from tuner.report.text import short
from tuner.study.judgement import best, feasible, front_of, unjudged
from tuner.study.space import Configuration
from tuner.study.study import Settings
from tuner.study.trial import LOAD_PHASES, Trial
from tuner.terminal import PLAIN, Output, cell, inert
from tuner.units import format_duration, format_rate, format_seconds

_LONG = ("prepare", "start", "verify", *LOAD_PHASES)
"""The phases that can take long: who only sees their log would think that nothing happens."""

_ROWS = 6
"""Rows of the front: what is watched must fit under the lines of the trials."""


class LaunchProgress:
    """What one launch is doing, as a live view in a terminal.

    Elsewhere it is silent, or with `aloud` writes a line for each of several launches, or for each long phase of one.
    """

    def __init__(self, output: Output = PLAIN, *, aloud: bool = False) -> None:
        self._aloud = aloud
        self._said = ""
        self._console = output.progress()
        self._live: Live | None = None
        self._phase = ""
        self._tick = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._console.is_dumb_terminal and not self._console.quiet:
            self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def _lines(self) -> Iterator[str]:
        yield f"{self._phase}  {self._tick}"

    def _render(self) -> RenderableType:
        return Text("\n".join(filter(None, map(str.strip, self._lines()))), overflow="ellipsis", no_wrap=True)

    @property
    def watcher(self) -> Watcher:
        """What a measurement tells of itself."""
        return Watcher(on_phase=self.phase, on_tick=self.tick)

    def phase(self, name: str) -> None:
        """Show the phase of the launch."""
        self._phase, self._tick = name, ""
        title, _, phase = name.rpartition(": ")
        told = title or (phase if phase.startswith(_LONG) else "")
        if self._aloud and self._live is None and told and told != self._said:
            self._said = told
            self._say(told)

    def _say(self, text: str) -> None:
        # One line is one message, however narrow the terminal or the log is.
        self._console.print(Text(inert(text)), soft_wrap=True)

    def tick(self, throughput: float, p99: float | None) -> None:
        """Show the load of the last half second."""
        self._tick = f"p99 {format_seconds(p99)}  {format_rate(throughput)}"


class SearchProgress(LaunchProgress):
    """A search as it goes: a live view in a terminal, and everywhere one line for each finished trial.

    `trials` are those of earlier sessions.
    """

    def __init__(
        self, settings: Settings, default: Configuration, trials: Sequence[Trial], output: Output = PLAIN
    ) -> None:
        super().__init__(output)
        self._settings = settings
        self._default = default
        self._trials = list(trials)
        self._title = self._configuration = ""
        self._launches = 0
        self._left = settings.launches - len(trials)
        self._began = self._counted = time.monotonic()
        self._judge()

    def _judge(self) -> None:
        """Find the best and the front once for each trial: the live view is drawn on cores that are measured."""
        self._kept = [trial for trial in self._trials if feasible(trial, self._settings.limits)]
        self._front = front_of(self._kept, with_quality=self._settings.quality_objective)
        self._best = best(self._kept)

    def _lines(self) -> Iterator[str]:
        # A configuration is the longest of all, so it has a line of its own: what moves is never cut off.
        yield f"{self._title}  {self._phase}  {self._tick}"
        yield self._configuration
        if self._trials:
            slo = self._settings.limits.slo
            label = f"best so far under {slo}" if slo else "best so far"
            yield f"{label}: {self._line(self._best)}" if self._best else "nothing within the limits yet"
        now = time.monotonic()
        left = max(0.0, self._each * self._left - (now - self._counted))
        yield f"{format_duration(now - self._began)} so far, about {format_duration(left)} left"

    @property
    def _each(self) -> float:
        """Seconds that a launch takes: as measured, and until one was measured as planned."""
        if self._launches:
            return (self._counted - self._began) / self._launches
        return self._settings.seconds / self._settings.launches

    def _render(self) -> RenderableType:
        lines = super()._render()
        return Group(lines, self._front_table()) if self._front else lines

    def _front_table(self) -> Table:
        """Show the end of the front where the target load is carried best."""
        title = f"front, measured once each: {len(self._front)} of {len(self._trials)} trials"
        table = Table(box=None, title=title, title_justify="left")
        table.add_column("", justify="right")
        for load in self._settings.workload.loads:
            table.add_column(f"p99 at {load}", justify="right", no_wrap=True)
        table.add_column("throughput", justify="right", no_wrap=True)
        table.add_column("configuration", no_wrap=True, overflow="ellipsis")
        for trial in self._front[-_ROWS:]:
            assert trial.measurement is not None
            p99s = (format_seconds(level.told_p99) for level in trial.measurement.levels)
            throughput = format_rate(trial.measurement.target.throughput)
            table.add_row(f"#{trial.number}", *p99s, throughput, cell(short(trial.configuration, self._default)))
        return table

    @property
    def watcher(self) -> Watcher:
        """What a measurement tells of itself, with its notes: a search is watched for long."""
        return replace(super().watcher, on_note=self.note)

    def trial_started(self, number: int, configuration: Configuration) -> None:
        """Show which configuration is measured."""
        self._title = f"trial {len(self._trials) + 1}/{self._settings.budget}  #{number}"
        self._configuration = inert(short(configuration, self._default))

    def trial_finished(self, trial: Trial) -> None:
        """Write one line for a finished trial."""
        self._trials.append(trial)
        self._judge()
        self._count_launch()
        self._say(self._line(trial))

    def confirmation_started(self, done: int, total: int, trial: int) -> None:
        """Show which finalist is launched again."""
        self._title = f"confirmation {done + 1}/{total}  #{trial}"
        known = (inert(short(one.configuration, self._default)) for one in self._trials if one.number == trial)
        self._configuration = next(known, "")
        self._left = total - done
        if self._live is None:
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
        self._say(f"note: {message}")

    def _line(self, trial: Trial) -> str:
        text = inert(short(trial.configuration, self._default))
        if trial.failure is not None:
            return f"#{trial.number} {trial.failure.kind}: {inert(trial.failure.reason)} {text}"
        assert trial.measurement is not None
        target = trial.measurement.target
        p99 = f"p99 {' / '.join(format_seconds(level.told_p99) for level in trial.measurement.levels)}"
        quality = f"{answered(trial.measurement.quality)} " if trial.measurement.quality else ""
        return f"#{trial.number} ok {p99} {format_rate(target.throughput)} {quality}{text}{self._mark(trial)}"

    def _mark(self, trial: Trial) -> str:
        """Say how a measured trial stands: one with too few requests for a p99 is not known to miss anything."""
        if trial in self._front:
            return " (front)"
        if trial in self._kept:
            return ""
        return " (p99 not known)" if unjudged(trial, self._settings.limits) else " (misses the limits)"
