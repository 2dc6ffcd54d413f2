"""The null target under `tuner.measure`, and what a perfect measurement of the same arrivals must report."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests import truth
from tuner.load.samples import ROW, Samples
from tuner.machine import cores, fingerprint, place
from tuner.measure import ready
from tuner.measure.measurement import measure
from tuner.measure.protocol import Protocol, Watcher
from tuner.measure.verify import Verifier
from tuner.study.objectives import Limits
from tuner.study.trial import Failure, LevelSummary, Measurement, Outcome
from tuner.study.workload import Load, Workload
from tuner.target import spec
from tuner.target.launch import free_port, render
from tuner.target.process import SupervisedProcess
from tuner.target.spec import Target

Numbers = npt.NDArray[np.float64]
NO_RECORD = np.empty((0, 3))
NOBODY = Watcher()


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A law of the null target with its parameters, which are called as the target's options."""

    name: str
    delay_ms: float
    parameters: Mapping[str, float]

    def target(self, record: Path) -> Target:
        """Return the null target that follows this law and writes down what happened."""
        options = {name: f"{value:g}" for name, value in self.parameters.items()}
        return spec.load("null", {"law": self.name, "record": str(record), **options})

    def latencies(self, arrivals: Numbers) -> Numbers:
        """Return what every request takes by this law, exactly."""
        return truth.latencies(self.name, arrivals, delay_ms=self.delay_ms, **self.parameters)


def law(name: str, delay_ms: float, **parameters: float) -> Law:
    """Write a law as its target is called."""
    return Law(name=name, delay_ms=delay_ms, parameters=parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level in open loop as tuner reports it, and the truth about the same requests; latencies in seconds.

    `truth` and `throughput` are by the law, had every request come when it was intended; `served` is p99 by the
    server's own record of the same stretch of time.
    """

    reported: LevelSummary
    truth: float
    throughput: float
    served: float

    @property
    def error(self) -> float:
        """What the reported p99 is off, in seconds."""
        return self.reported.p99.value - self.truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One launch of the null target: what tuner reports, its samples, and rows of (arrival, due, answered)."""

    law: Law
    outcome: Outcome
    samples: Samples
    record: Numbers

    @property
    def doubts(self) -> set[str]:
        """The kinds of doubt that it carries."""
        return {doubt.kind.value for doubt in self.outcome.doubts} if isinstance(self.outcome, Measurement) else set()

    def levels(self) -> list[Level]:
        """Hold every level against the truth of the schedule that was sent; a failure has none."""
        if isinstance(self.outcome, Failure):
            return []
        due = self.law.latencies(self.samples["intended"])
        return [self._level(level, due) for level in self.outcome.levels]

    def _level(self, level: LevelSummary, due: Numbers) -> Level:
        intended = self.samples["intended"]
        arrived = self.record[within(level, self.record[:, 0])]
        return Level(
            reported=level,
            truth=p99(due[within(level, intended)]),
            throughput=int(within(level, intended + due).sum()) / level.seconds,
            served=p99(arrived[:, 2] - arrived[:, 0]),
        )


def within(level: LevelSummary, moments: Numbers) -> npt.NDArray[np.bool_]:
    """Tell which moments lie in the window of a level."""
    inside: npt.NDArray[np.bool_] = (moments >= level.opened) & (moments < level.opened + level.seconds)
    return inside


def p99(values: Numbers) -> float:
    """Return the exact order statistic; NaN, which is no answer, counts as the longest."""
    ordered = np.sort(np.where(np.isnan(values), np.inf, values))
    return float(ordered[math.ceil(round(0.99 * len(ordered), 9)) - 1]) if len(ordered) else math.nan


def run(
    law: Law, loads: Sequence[Load], folder: Path, *, seconds: float, seed: int = 0, watcher: Watcher = NOBODY
) -> Run:
    """Measure the null target once, each load for `seconds`, by the protocol of a search."""
    workload = Workload(loads=tuple(loads), measure=seconds, measure_most=seconds)
    return launch(law, workload, folder, seed=seed, watcher=watcher)


def launch(law: Law, workload: Workload, folder: Path, *, seed: int = 0, watcher: Watcher = NOBODY) -> Run:
    """Measure the null target once."""
    target = law.target(folder / "record")
    placement = place(cores())
    protocol = Protocol(
        target=target,
        workload=workload,
        limits=Limits(),
        verifier=Verifier(target, folder / "answers", 1),
        machine=fingerprint(),
        placement=placement,
        watcher=watcher,
        seed=seed,
    )
    outcome = measure(protocol, target.space.configuration({"delay_ms": law.delay_ms}), folder)
    stored = folder / "samples.npy"
    samples = np.load(stored) if stored.exists() else np.empty(0, dtype=ROW)
    return Run(law=law, outcome=outcome, samples=samples, record=read_record(folder))


def believed(attempt: Callable[[int], Run]) -> tuple[Run, int]:
    """Measure, and once again where the measurement failed, as a search does; return how often that was."""
    first = attempt(0)
    if isinstance(first.outcome, Failure) and first.outcome.kind.ours:
        return attempt(1), 1
    return first, 0


def read_record(folder: Path) -> Numbers:
    """Read what the server wrote down."""
    path = folder / "record"
    return np.fromfile(path).reshape(-1, 3) if path.exists() else NO_RECORD


@contextmanager
def serving(law: Law, folder: Path) -> Iterator[str]:
    """Run the null target for somebody else's load generator; its record is written when it stops."""
    folder.mkdir(parents=True, exist_ok=True)
    target = law.target(folder / "record")
    configuration = target.space.configuration({"delay_ms": law.delay_ms})
    launch = render(target, configuration, port=free_port(), workdir=folder / "work", artifact=None)
    log = folder / "server.log"
    stop = target.timeouts.stop
    with SupervisedProcess(launch.argv, env=launch.env, workdir=target.folder, log=log, stop_seconds=stop) as server:
        ready.wait(target, launch, server)
        yield launch.url
        server.stop()


def milliseconds(values: Sequence[float]) -> str:
    """Write median, least and most."""
    if not values:
        return "–"
    return f"{median(values) * 1e3:.2f} ({min(values) * 1e3:.2f} to {max(values) * 1e3:.2f}) ms"


def per_cent(values: Sequence[float]) -> str:
    """Write median, least and most of shares."""
    if not values:
        return "–"
    return f"{median(values):.2%} ({min(values):.2%} to {max(values):.2%})"


def progress(text: str) -> None:
    """Tell whoever waits; the table alone goes to standard output."""
    print(text, file=sys.stderr, flush=True)
