"""What all launches of a study have in common, what differs between them, and who watches."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from tuner.machine import Machine, Placement
from tuner.measure.verify import Verifier
from tuner.study.objectives import Limits
from tuner.study.settings import MeasureSettings
from tuner.study.workload import Load, Workload
from tuner.target.spec import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who watches a launch: told of each phase as it begins, and of throughput and p99 twice a second.

    A note is something that a person should know, although the launch goes on.
    """

    on_phase: Callable[[str], None] = lambda _: None
    on_tick: Callable[[float, float | None], None] = lambda *_: None
    on_note: Callable[[str], None] = lambda _: None

    def titled(self, title: str) -> Self:
        """Return one that is told what is launched before each of its phases."""
        return replace(self, on_phase=lambda name: self.on_phase(f"{title}: {name}"))


@dataclass(slots=True)
class Stopwatch:
    """Seconds per phase of a launch."""

    watcher: Watcher
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time one phase; phases of the same name add up."""
        self.watcher.on_phase(name)
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What stays the same from launch to launch of one study.

    `machine` is what this one was when the study began. `settings` are stored with every outcome, where they are stored
    nowhere else.
    """

    target: Target
    workload: Workload
    limits: Limits
    verifier: Verifier
    machine: Machine
    placement: Placement
    watcher: Watcher = field(default_factory=Watcher)
    seed: int = 0
    settings: MeasureSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """What differs between launches of one configuration: `round` chooses the arrivals of open loops.

    `arrivals` adds a level in open loop after the others, at a rate that all configurations to be compared share.
    `trial` is the number of the trial that this is: it may go on with the server of an earlier one, and leave its own
    to the next. Without it, the launch is one of its own. `confirming` says that a search has ended, and that its
    finalists are measured: with requests that it never saw, where there are some.
    """

    round: int = 0
    arrivals: Load | None = None
    trial: int | None = None
    confirming: bool = False


ONCE = Repetition()
