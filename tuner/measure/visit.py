"""One visit to a server: started or reconfigured, verified, driven level by level, and what that brought."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tuner.measure import ready
from tuner.measure.drive import Driven, Loads, drive, load_process, load_processes
from tuner.measure.failed import LaunchError
from tuner.measure.kept import Keeper, Server, copied, is_healthy
from tuner.measure.protocol import Protocol, Repetition, Stopwatch
from tuner.study.quality import Quality
from tuner.study.space import Configuration
from tuner.study.trial import FailureKind, Measurement
from tuner.target.launch import Launch, free_port, render
from tuner.target.prepare import Artifact, artifact
from tuner.target.process import SupervisedProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Everything that one server was asked for while it ran; `server_of` is as in `Measurement`."""

    configuration: Configuration
    levels: Driven
    arrivals: Driven | None
    quality: Quality | None
    nonce_seen: bool
    effective: Mapping[str, str] = field(default_factory=dict)
    server_of: int | None = None


Conclude = Callable[[Visit], Measurement]
"""Judge what a visit brought: called while the server stops, which takes as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a visit is for: the configuration to measure, where its raw material goes, and what is done with it."""

    protocol: Protocol
    configuration: Configuration
    folder: Path
    repetition: Repetition
    stopwatch: Stopwatch
    conclude: Conclude

    @property
    def log(self) -> Path:
        """What the server wrote during this visit."""
        return self.folder / "server.log"

    @property
    def may_keep(self) -> bool:
        """Whether the next trial may go on with the server of this one."""
        return self.protocol.target.hot is not None and self.repetition.trial is not None


def visit_server(task: Task, keeper: Keeper) -> Measurement:
    """Visit the server that was kept, if it takes this configuration while it runs, or else one of a new launch."""
    kept = keeper.take(task.protocol.target, task.configuration) if task.may_keep else None
    if kept is not None:
        try:
            return _visit_kept(task, kept, keeper)
        except LaunchError as error:
            if error.kind.ours:
                raise
            # What failed here may be due to an earlier trial; only a launch of its own speaks against a configuration.
            task.protocol.watcher.on_note(f"launched afresh, not with the server of trial {kept.trial}: {error.reason}")
    return _visit_launch(task, keeper)


def _visit_launch(task: Task, keeper: Keeper) -> Measurement:
    """Prepare, start, verify, drive, conclude, stop; a server that was kept stops while the new one starts."""
    target, stopwatch = task.protocol.target, task.stopwatch
    keeper.dismiss()
    with ExitStack() as owned:
        with ExitStack() as until_started:
            with stopwatch.phase("prepare"):
                made = until_started.enter_context(artifact(target, task.configuration))
                workdir = task.folder / "work"
                launch = render(target, task.configuration, port=free_port(), workdir=workdir, artifact=made.folder)
            process = owned.enter_context(_started(task, launch, made))
        with _load_processes(task, launch.url, process) as loads:
            with stopwatch.phase("start"):
                nonce_seen = ready.wait(target, launch, process)
                # Two servers would share the machine from here on; the other one has had all this time to stop.
                keeper.wait()
                said = ready.effective(target, launch.url, task.configuration)
            server = Server(
                process=process,
                launch=launch,
                log=task.log,
                configuration=task.configuration,
                trial=task.repetition.trial,
                nonce_seen=nonce_seen,
            )
            return _finish(task, server, _asked(task, server, loads, said), keeper, owned)


def _started(task: Task, launch: Launch, made: Artifact) -> SupervisedProcess:
    """Start a server, which then holds what was prepared for it as long as it runs."""
    target = task.protocol.target
    return SupervisedProcess(
        launch.argv,
        env=launch.env,
        workdir=target.folder,
        log=task.log,
        stop_seconds=target.timeouts.stop,
        descriptors=made.descriptors,
        cores=task.protocol.placement.server,
    )


def _load_processes(task: Task, url: str, server: SupervisedProcess) -> AbstractContextManager[Loads]:
    """Start what makes the load: it loads while the server starts, or is told its knobs."""
    return load_processes(task.protocol, task.repetition, url, task.folder, _watch(server))


def _visit_kept(task: Task, kept: Server, keeper: Keeper) -> Measurement:
    """Reconfigure the server of an earlier trial, verify, drive, conclude; it stops when any of this fails."""
    with copied(kept.log, task.log), ExitStack() as owned:
        owned.enter_context(kept.process)
        with _load_processes(task, kept.launch.url, kept.process) as loads:
            with task.stopwatch.phase("reconfigure"):
                said = _reconfigured(task, kept)
            server = replace(kept, configuration=task.configuration)
            return _finish(task, server, _asked(task, server, loads, said), keeper, owned)


def _reconfigured(task: Task, kept: Server) -> Mapping[str, str]:
    """Tell a running server its hot knobs, and return what it then says of itself."""
    target = task.protocol.target
    assert target.hot is not None
    ready.reconfigure(target.hot, kept.launch, task.configuration, target.timeouts.request)
    ready.wait(target, kept.launch, kept.process)
    said = ready.effective(target, kept.launch.url, task.configuration)
    ready.require_told(target.hot, target, said)
    return said


def _asked(task: Task, server: Server, loads: Loads, said: Mapping[str, str]) -> Visit:
    """Verify a server that is ready, and drive it level by level."""
    protocol, repetition, url = task.protocol, task.repetition, server.launch.url
    with task.stopwatch.phase("verify"):
        watch = _watch(server.process, "while it was verified")
        verifier = protocol.verifier
        quality = verifier.verify(url, task.configuration, watch, confirming=repetition.confirming)
    one = partial(drive, protocol.workload, stopwatch=task.stopwatch, server=server.process)
    seed = (protocol.seed, repetition.round)
    levels, arrivals = one(protocol.workload.loads, loads.levels, seed=seed), None
    if loads.arrivals is not None and repetition.arrivals is not None:
        arrivals = one((repetition.arrivals,), loads.arrivals, seed=seed)
    return Visit(
        configuration=task.configuration,
        levels=levels,
        arrivals=arrivals,
        quality=quality,
        nonce_seen=server.nonce_seen,
        effective=said,
        server_of=server.trial if server.trial != repetition.trial else None,
    )


def _finish(task: Task, server: Server, visit: Visit, keeper: Keeper, owned: ExitStack) -> Measurement:
    """Conclude while the server stops, or leave it to the next trial."""
    if not task.may_keep:
        with task.stopwatch.phase("stop"):
            server.process.ask_to_stop()
            found = task.conclude(visit)
            server.process.stop()
        return found
    with task.stopwatch.phase("conclude"):
        found = task.conclude(visit)
    if is_healthy(found):
        keeper.keep(server)
        owned.pop_all()
    return found


def visit_url(protocol: Protocol, url: str, folder: Path, stopwatch: Stopwatch, conclude: Conclude) -> Measurement:
    """Verify and drive a server that is not ours to start or stop."""
    workload, default = protocol.workload, protocol.target.space.default()
    with stopwatch.phase("start"):
        ready.require_answer(url + protocol.target.ready)
    with load_process(protocol, workload.loop, url, folder, lambda: None, protocol.seed) as load:
        with stopwatch.phase("verify"):
            quality = protocol.verifier.verify(url, default, lambda: None)
        levels = drive(workload, workload.loads, load, stopwatch=stopwatch, server=None, seed=(protocol.seed, 0))
    visit = Visit(configuration=default, levels=levels, arrivals=None, quality=quality, nonce_seen=False)
    return conclude(visit)


def _watch(server: SupervisedProcess, when: str = "under load") -> Callable[[], None]:
    """Notice a crash; while the load runs, within a tenth of a second."""

    def check() -> None:
        if not server.running:
            raise LaunchError(FailureKind.CRASH, f"the server ended {when} ({server.ending()})")

    return check
