"""The protocol of one launch: prepare, start, verify, drive level by level, judge, stop."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tuner.errors import StorageError
from tuner.files import write_atomically
from tuner.load.driver import LoadError, LoadProcess, Recording, Window
from tuner.measure import gates, ready
from tuner.measure.failed import LaunchError
from tuner.measure.summary import summarise
from tuner.measure.verify import Verifier
from tuner.study.objectives import Limits
from tuner.study.space import Configuration
from tuner.study.trial import Accuracy, Failure, FailureKind, Measurement, Outcome, dump_outcome
from tuner.study.workload import Workload
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
    """What stays the same from launch to launch of one study."""

    target: Target
    workload: Workload
    limits: Limits
    verifier: Verifier
    watcher: Watcher = field(default_factory=Watcher)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """What driving a server brought; CPU seconds per level and peak memory are None for a server that is not ours."""

    recording: Recording
    windows: tuple[Window, ...]
    cpu: tuple[float | None, ...]
    peak_memory: int | None
    accuracy: Accuracy | None
    nonce_seen: bool
    effective: Mapping[str, str] = field(default_factory=dict)


def measure(protocol: Protocol, configuration: Configuration, folder: Path) -> Outcome:
    """Launch `configuration` once and measure it; everything it leaves behind lies in `folder`."""
    return _measured(protocol, folder, lambda stopwatch: _drive_launch(protocol, configuration, folder, stopwatch))


def measure_url(protocol: Protocol, url: str, folder: Path) -> Outcome:
    """Measure a server that somebody else started, by the same protocol."""
    return _measured(protocol, folder, lambda stopwatch: _drive_url(protocol, url, folder, stopwatch))


def _measured(protocol: Protocol, folder: Path, drive: Callable[[Stopwatch], Driven]) -> Outcome:
    """Turn whatever happens while driving into an outcome, and keep it."""
    stopwatch = Stopwatch(protocol.watcher)
    outcome: Outcome
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            outcome = _judge(protocol, drive(stopwatch), folder, stopwatch)
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


def _drive_launch(protocol: Protocol, configuration: Configuration, folder: Path, stopwatch: Stopwatch) -> Driven:
    """Prepare, start, verify, drive, stop."""
    target = protocol.target
    with stopwatch.phase("prepare"):
        made = artifact(target, configuration)
        launch = render(target, configuration, port=free_port(), workdir=folder / "work", artifact=made)
    log, grace = folder / "server.log", target.timeouts.stop
    with SupervisedProcess(launch.argv, env=launch.env, workdir=target.folder, log=log, stop_seconds=grace) as server:
        with _load_process(protocol, launch.url, folder, _watch(server)) as load:
            with stopwatch.phase("start"):
                nonce_seen = ready.wait(target, launch, server)
                said = ready.effective(target, launch.url, configuration)
            with stopwatch.phase("verify"):
                accuracy = protocol.verifier.verify(launch.url, configuration, _watch(server, "while it was verified"))
            driven = _drive(protocol.workload, load, stopwatch, server)
        with stopwatch.phase("stop"):
            server.stop()
    return replace(driven, accuracy=accuracy, nonce_seen=nonce_seen, effective=said)


def _drive_url(protocol: Protocol, url: str, folder: Path, stopwatch: Stopwatch) -> Driven:
    """Verify and drive a server that is not ours to start or stop."""
    with stopwatch.phase("start"):
        ready.require_answer(url + protocol.target.ready)
    with _load_process(protocol, url, folder, lambda: None) as load:
        with stopwatch.phase("verify"):
            accuracy = protocol.verifier.verify(url, protocol.target.space.default(), lambda: None)
        return replace(_drive(protocol.workload, load, stopwatch, None), accuracy=accuracy)


def _watch(server: SupervisedProcess, when: str = "under load") -> Callable[[], None]:
    """Notice a crash; while the load runs, within a tenth of a second."""

    def check() -> None:
        if not server.running:
            raise LaunchError(FailureKind.CRASH, f"the server ended {when} ({server.ending()})")

    return check


def _load_process(protocol: Protocol, url: str, folder: Path, watch: Callable[[], None]) -> LoadProcess:
    """Start Locust for one server; it loads while the server starts."""
    answers = protocol.target.answers
    env = {
        "AGENT_PATH": answers.path,
        "AGENT_REQUESTS": str(answers.requests or ""),
        "AGENT_FIELD": answers.field or "",
        "AGENT_SEED": str(protocol.seed),
        "AGENT_TIMEOUT": str(protocol.target.timeouts.request),
    }
    locustfile = protocol.target.locustfile
    return LoadProcess(locustfile, url, folder, env=env, watch=watch, on_tick=protocol.watcher.on_tick)


def _drive(workload: Workload, load: LoadProcess, stopwatch: Stopwatch, server: SupervisedProcess | None) -> Driven:
    """Drive every level of the ladder."""
    with stopwatch.phase("load generator"):
        load.wait_ready()
    windows: list[Window] = []
    cpu: list[float | None] = []
    peak: int | None = None
    for users in workload.users:
        with stopwatch.phase(f"warm-up {users}"):
            load.users(users)
            load.run_for(workload.warm_up)
        with stopwatch.phase(f"measure {users}"):
            before = server.usage() if server else None
            windows.append(load.window(users, workload.measure))
            after = server.usage() if server else None
        cpu.append(after.cpu - before.cpu if before and after else None)
        peak = max(peak or 0, after.memory) if after else None
    with stopwatch.phase("drain"):
        recording = load.finish(workload.drain)
    return Driven(
        recording=recording, windows=tuple(windows), cpu=tuple(cpu), peak_memory=peak, accuracy=None, nonce_seen=False
    )


def _judge(protocol: Protocol, driven: Driven, folder: Path, stopwatch: Stopwatch) -> Measurement:
    """Summarise every level and collect its doubts; raises when nothing here can be told as a number."""
    np.save(folder / "samples.npy", driven.recording.samples)
    levels, doubts = [], list(gates.unavailable(driven.recording, driven.nonce_seen))
    for window, cpu in zip(driven.windows, driven.cpu, strict=True):
        last = window is driven.windows[-1]
        level = summarise(driven.recording.samples, window, driven.recording.unfinished if last else 0, cpu)
        gates.require_answers(level, driven.recording, protocol.limits.max_error_rate)
        gates.require_punctual(level, window)
        levels.append(level)
        doubts.extend(gates.doubts(level, window, driven.recording))
    return Measurement(
        levels=tuple(levels),
        accuracy=driven.accuracy,
        peak_memory=driven.peak_memory,
        phases=stopwatch.seconds,
        effective=driven.effective,
        doubts=tuple(doubts),
    )
