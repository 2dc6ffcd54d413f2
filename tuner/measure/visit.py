"""From start to stop of one server: verified, driven level by level, and what that brought."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tuner.load.driver import Crew, LoadProcess, Recording, Window
from tuner.measure import conditions, level, ready
from tuner.measure.conditions import Snapshot
from tuner.measure.failed import LaunchError
from tuner.measure.protocol import Protocol, Repetition, Stopwatch
from tuner.study.space import Configuration
from tuner.study.trial import Accuracy, FailureKind, Measurement
from tuner.study.workload import Load, Loop, Workload
from tuner.target.launch import free_port, render
from tuner.target.prepare import artifact
from tuner.target.process import SupervisedProcess
from tuner.target.spec import Target

ARRIVALS = "arrivals"
"""Folder, in that of a launch, of the level in open loop that only confirming launches have."""


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


Conclude = Callable[[Visit], Measurement]
"""Judge what a visit brought: called while the server stops, which takes as long."""


def visit_launch(
    protocol: Protocol,
    configuration: Configuration,
    folder: Path,
    stopwatch: Stopwatch,
    conclude: Conclude,
    repetition: Repetition,
) -> Measurement:
    """Prepare, start, verify, drive, conclude, stop."""
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
        load = stack.enter_context(
            _load_process(protocol, workload.loop, launch.url, folder, _watch(server), protocol.seed + repetition.round)
        )
        extra = None
        if repetition.arrivals is not None and target.open_locustfile is not None:
            aside = folder / ARRIVALS
            aside.mkdir(exist_ok=True)
            extra = stack.enter_context(
                _load_process(protocol, Loop.OPEN, launch.url, aside, _watch(server), protocol.seed + repetition.round)
            )
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
            server.ask_to_stop()
            found = conclude(
                Visit(levels=levels, arrivals=arrivals, accuracy=accuracy, nonce_seen=nonce_seen, effective=said)
            )
            server.stop()
    return found


def visit_url(protocol: Protocol, url: str, folder: Path, stopwatch: Stopwatch, conclude: Conclude) -> Measurement:
    """Verify and drive a server that is not ours to start or stop."""
    workload = protocol.workload
    with stopwatch.phase("start"):
        ready.require_answer(url + protocol.target.ready)
    with _load_process(protocol, workload.loop, url, folder, lambda: None, protocol.seed) as load:
        with stopwatch.phase("verify"):
            accuracy = protocol.verifier.verify(url, protocol.target.space.default(), lambda: None)
        levels = _drive(workload, workload.loads, load, stopwatch, None, (protocol.seed, 0))
    return conclude(Visit(levels=levels, arrivals=None, accuracy=accuracy, nonce_seen=False))


def _watch(server: SupervisedProcess, when: str = "under load") -> Callable[[], None]:
    """Notice a crash; while the load runs, within a tenth of a second."""

    def check() -> None:
        if not server.running:
            raise LaunchError(FailureKind.CRASH, f"the server ended {when} ({server.ending()})")

    return check


def _load_process(
    protocol: Protocol, loop: Loop, url: str, folder: Path, watch: Callable[[], None], seed: int
) -> LoadProcess:
    """Start Locust for one server; it loads while the server starts. `seed` chooses the order of requests."""
    target, workload = protocol.target, protocol.workload
    return LoadProcess(
        target.open_locustfile if loop is Loop.OPEN and target.open_locustfile else target.locustfile,
        url,
        folder,
        env=request_environment(target, seed),
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
        load.wait_ready()
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
