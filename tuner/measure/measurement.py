"""The protocol of one launch: prepare, start, verify, drive level by level, judge, stop."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tuner.errors import StorageError
from tuner.files import write_atomically
from tuner.load.driver import READY_SECONDS, Crew, LoadError, LoadProcess, Recording, Window
from tuner.load.samples import intended_in, latencies
from tuner.machine import Machine, Placement
from tuner.measure import conditions, gates, level, ready
from tuner.measure.conditions import Snapshot
from tuner.measure.failed import LaunchError
from tuner.measure.summary import lateness, summarise
from tuner.measure.verify import Verifier
from tuner.statistics.steady import is_transient
from tuner.study.objectives import Limits
from tuner.study.space import Configuration
from tuner.study.trial import (
    Accuracy,
    Conditions,
    Doubt,
    DoubtKind,
    Failure,
    FailureKind,
    LevelSummary,
    Measurement,
    Outcome,
    dump_outcome,
)
from tuner.study.workload import Load, Loop, Workload
from tuner.target.launch import free_port, render
from tuner.target.prepare import PrepareError, artifact
from tuner.target.process import SupervisedProcess, log_tail
from tuner.target.spec import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who watches a launch: told of each phase as it begins, and of throughput and p99 twice a second."""

    on_phase: Callable[[str], None] = lambda _: None
    on_tick: Callable[[float, float | None], None] = lambda *_: None


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

    `machine` is what this one was when the study began.
    """

    target: Target
    workload: Workload
    limits: Limits
    verifier: Verifier
    machine: Machine
    placement: Placement
    watcher: Watcher = field(default_factory=Watcher)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """What differs between launches of one configuration: `round` chooses the arrivals of open loops.

    `arrivals` adds a level in open loop after the others, at a rate that all configurations to be compared share.
    """

    round: int = 0
    arrivals: Load | None = None


ONCE = Repetition()
_CREW_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One level as it was driven, with what the machine did before and after."""

    window: Window
    steady: bool
    before: Snapshot
    after: Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """What one Locust brought: its samples, and a stage for each level that it drove."""

    recording: Recording
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Everything that one server was asked for while it ran."""

    levels: Driven
    arrivals: Driven | None
    accuracy: Accuracy | None
    nonce_seen: bool
    effective: Mapping[str, str] = field(default_factory=dict)


def measure(protocol: Protocol, configuration: Configuration, folder: Path, repetition: Repetition = ONCE) -> Outcome:
    """Launch `configuration` once and measure it; everything it leaves behind lies in `folder`."""
    return _measured(
        protocol, folder, lambda stopwatch: _visit_launch(protocol, configuration, folder, stopwatch, repetition)
    )


def measure_url(protocol: Protocol, url: str, folder: Path) -> Outcome:
    """Measure a server that somebody else started, by the same protocol."""
    return _measured(protocol, folder, lambda stopwatch: _visit_url(protocol, url, folder, stopwatch))


def _measured(protocol: Protocol, folder: Path, visit: Callable[[Stopwatch], Visit]) -> Outcome:
    """Turn whatever happens while a server is visited into an outcome, and keep it."""
    stopwatch = Stopwatch(protocol.watcher)
    outcome: Outcome
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            outcome = _judge(protocol, visit(stopwatch), folder, stopwatch)
        except (LaunchError, PrepareError, LoadError) as error:
            tail = log_tail(folder / "server.log")
            outcome = Failure(kind=_kind(error), reason=str(error), log_tail=tail, phases=stopwatch.seconds)
        write_atomically(folder / "measurement.json", dump_outcome(outcome))
    except OSError as error:
        raise StorageError(f"{error.filename or folder}: {error.strerror}; a disk full or not writable?") from error
    return outcome


def _kind(error: LaunchError | PrepareError | LoadError) -> FailureKind:
    if isinstance(error, LaunchError):
        return error.kind
    return FailureKind.PREPARE if isinstance(error, PrepareError) else FailureKind.INVALID


def _visit_launch(
    protocol: Protocol, configuration: Configuration, folder: Path, stopwatch: Stopwatch, repetition: Repetition
) -> Visit:
    """Prepare, start, verify, drive, stop."""
    target, workload = protocol.target, protocol.workload
    with stopwatch.phase("prepare"):
        made = artifact(target, configuration)
        launch = render(target, configuration, port=free_port(), workdir=folder / "work", artifact=made)
    with ExitStack() as stack:
        server = stack.enter_context(
            SupervisedProcess(
                launch.argv,
                env=launch.env,
                workdir=target.folder,
                log=folder / "server.log",
                stop_seconds=target.timeouts.stop,
                cores=protocol.placement.server,
            )
        )
        load = stack.enter_context(_load_process(protocol, workload.loop, launch.url, folder, _watch(server)))
        extra = None
        if repetition.arrivals is not None:
            aside = folder / "arrivals"
            aside.mkdir(exist_ok=True)
            extra = stack.enter_context(_load_process(protocol, Loop.OPEN, launch.url, aside, _watch(server)))
        with stopwatch.phase("start"):
            nonce_seen = ready.wait(target, launch, server)
            said = ready.effective(target, launch.url, configuration)
        with stopwatch.phase("verify"):
            accuracy = protocol.verifier.verify(launch.url, configuration, _watch(server, "while it was verified"))
        seed = (protocol.seed, repetition.round)
        levels = _drive(workload, workload.loads, load, stopwatch, server, seed)
        arrivals = None
        if extra is not None and repetition.arrivals is not None:
            arrivals = _drive(workload, (repetition.arrivals,), extra, stopwatch, server, seed)
        with stopwatch.phase("stop"):
            server.stop()
    return Visit(levels=levels, arrivals=arrivals, accuracy=accuracy, nonce_seen=nonce_seen, effective=said)


def _visit_url(protocol: Protocol, url: str, folder: Path, stopwatch: Stopwatch) -> Visit:
    """Verify and drive a server that is not ours to start or stop."""
    workload = protocol.workload
    with stopwatch.phase("start"):
        ready.require_answer(url + protocol.target.ready)
    with _load_process(protocol, workload.loop, url, folder, lambda: None) as load:
        with stopwatch.phase("verify"):
            accuracy = protocol.verifier.verify(url, protocol.target.space.default(), lambda: None)
        levels = _drive(workload, workload.loads, load, stopwatch, None, (protocol.seed, 0))
    return Visit(levels=levels, arrivals=None, accuracy=accuracy, nonce_seen=False)


def _watch(server: SupervisedProcess, when: str = "under load") -> Callable[[], None]:
    """Notice a crash; while the load runs, within a tenth of a second."""

    def check() -> None:
        if not server.running:
            raise LaunchError(FailureKind.CRASH, f"the server ended {when} ({server.ending()})")

    return check


def _load_process(protocol: Protocol, loop: Loop, url: str, folder: Path, watch: Callable[[], None]) -> LoadProcess:
    """Start Locust for one server; it loads while the server starts."""
    target, workload = protocol.target, protocol.workload
    return LoadProcess(
        target.locustfile if loop is Loop.CLOSED else target.open_locustfile,
        url,
        folder,
        env=request_environment(target, protocol.seed),
        watch=watch,
        on_tick=protocol.watcher.on_tick,
        crew=Crew(processes=workload.processes, cores=protocol.placement.load or None, master=workload.master),
    )


def request_environment(target: Target, seed: int) -> dict[str, str]:
    """Tell the bundled locustfiles what to send to a target, and to wait for our word before they send it."""
    answers = target.answers
    return {
        "AGENT_PATH": answers.path,
        "AGENT_REQUESTS": str(answers.requests or ""),
        "AGENT_FIELD": answers.field or "",
        "AGENT_SEED": str(seed),
        "AGENT_TIMEOUT": str(target.timeouts.request),
        "AGENT_WAITS": "1",
    }


def _drive(
    workload: Workload,
    loads: Sequence[Load],
    load: LoadProcess,
    stopwatch: Stopwatch,
    server: SupervisedProcess | None,
    seed: tuple[int, int],
) -> Driven:
    """Drive one level after the other."""
    with stopwatch.phase("load generator"):
        load.wait_ready(_CREW_SECONDS if workload.master else READY_SECONDS)
    stages = []
    for index, one in enumerate(loads):
        with stopwatch.phase(f"warm-up at {one}"):
            steady = level.warm_up(load, workload, one, (*seed, index))
        with stopwatch.phase(f"measure at {one}"):
            before = conditions.snapshot(server, load.processes)
            window = level.measure(load, workload, one, (*seed, index))
            after = conditions.snapshot(server, load.processes)
        stages.append(Stage(window=window, steady=steady, before=before, after=after))
    with stopwatch.phase("drain"):
        recording = load.finish(workload.drain)
    return Driven(recording=recording, stages=tuple(stages))


def _judge(protocol: Protocol, visit: Visit, folder: Path, stopwatch: Stopwatch) -> Measurement:
    """Summarise every level and collect its doubts; raises when nothing here can be told as a number."""
    np.save(folder / "samples.npy", visit.levels.recording.samples)
    doubts = list(gates.unavailable(visit.levels.recording, visit.nonce_seen))
    levels = [_judge_level(protocol, visit.levels.recording, stage, doubts) for stage in visit.levels.stages]
    stages, arrivals = visit.levels.stages, None
    if visit.arrivals is not None:
        np.save(folder / "arrivals" / "samples.npy", visit.arrivals.recording.samples)
        stages = (*stages, *visit.arrivals.stages)
        arrivals = _judge_level(protocol, visit.arrivals.recording, visit.arrivals.stages[0], doubts)
    doubts.extend(_doubts_of_launch(protocol, stages))
    memory = [stage.after.server.memory for stage in stages if stage.after.server is not None]
    return Measurement(
        levels=tuple(levels),
        arrivals=arrivals,
        accuracy=visit.accuracy,
        peak_memory=max(memory, default=None),
        phases=stopwatch.seconds,
        effective=visit.effective,
        doubts=tuple(doubts),
    )


def _judge_level(protocol: Protocol, recording: Recording, stage: Stage, doubts: list[Doubt]) -> LevelSummary:
    """Summarise one level and add its doubts."""
    window, before, after = stage.window, stage.before, stage.after
    found = Conditions(
        lag_p99=window.lag_p99,
        lag_most=window.lag_most,
        lateness_p99=lateness(recording, window),
        load_cpu=(after.load - before.load) / (after.taken - before.taken),
        other_programs=conditions.other_programs(before, after),
        stolen=conditions.stolen(before, after),
        throttled=conditions.throttled(before, after),
    )
    cpu = after.server.cpu - before.server.cpu if before.server and after.server else None
    summary = summarise(recording, window, protocol.limits.slo, cpu, found)
    # Ours first: a load process that is late makes requests pile up and fail that a server would have answered.
    gates.require_punctual(summary, recording, window)
    gates.require_all_sent(window, recording)
    gates.require_carried(window, recording)
    gates.require_answers(summary, recording, protocol.limits.max_error_rate)
    steady = stage.steady and not is_transient(latencies(intended_in(recording.samples, window.opened, window.closed)))
    evidence = gates.Evidence(level=summary, window=window, recording=recording, steady=steady)
    doubts.extend(gates.doubts(evidence))
    return summary


def _doubts_of_launch(protocol: Protocol, stages: Sequence[Stage]) -> Iterator[Doubt]:
    """Yield what changed between the beginning and the end of a launch."""
    first, last = stages[0].before, stages[-1].after
    if lost := conditions.processes_lost(first, last):
        yield Doubt(kind=DoubtKind.PROCESS_LOST, message=f"{lost} processes of the server ended under load")
    for change in conditions.changes(protocol.machine, first, last):
        yield Doubt(kind=DoubtKind.MACHINE_CHANGED, message=change)
