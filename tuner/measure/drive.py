"""What makes the load of one visit: started while the server starts, and driven level by level."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tuner.load.driver import Crew, LoadProcess, Recording, Window
from tuner.measure import conditions, level
from tuner.measure.conditions import Snapshot
from tuner.measure.protocol import Protocol, Repetition, Stopwatch
from tuner.study.workload import Load, Loop, Workload
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
class Loads:
    """The load processes of one visit: one for the levels, and one for the extra level of a confirming launch."""

    levels: LoadProcess
    arrivals: LoadProcess | None


@contextmanager
def load_processes(
    protocol: Protocol, repetition: Repetition, url: str, folder: Path, watch: Callable[[], None]
) -> Iterator[Loads]:
    """Start what makes the load of a visit; `watch` raises when the server is gone."""
    seed = protocol.seed + repetition.round
    with ExitStack() as stack:
        levels = load_process(protocol, protocol.workload.loop, url, folder, watch, seed)
        loads = Loads(levels=stack.enter_context(levels), arrivals=None)
        if repetition.arrivals is not None and protocol.target.open_locustfile is not None:
            aside = folder / ARRIVALS
            aside.mkdir(exist_ok=True)
            extra = load_process(protocol, Loop.OPEN, url, aside, watch, seed)
            loads = replace(loads, arrivals=stack.enter_context(extra))
        yield loads


def load_process(
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


def drive(
    workload: Workload,
    loads: Sequence[Load],
    load: LoadProcess,
    *,
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
