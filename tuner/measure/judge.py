"""From what a visit brought to a measurement: summarised, doubted, or refused."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tuner.load.driver import Recording
from tuner.load.samples import intended_in, latencies
from tuner.measure import answers, conditions, gates
from tuner.measure.drive import ARRIVALS, Driven, Stage
from tuner.measure.failed import LaunchError
from tuner.measure.protocol import Protocol, Stopwatch
from tuner.measure.summary import lateness, summarise
from tuner.measure.visit import Visit
from tuner.statistics.steady import is_transient
from tuner.study.trial import Conditions, Doubt, DoubtKind, FailureKind, LevelSummary, Measurement


def judge(protocol: Protocol, visit: Visit, folder: Path, stopwatch: Stopwatch) -> Measurement:
    """Summarise every level and collect its doubts; raises when nothing here can be told as a number."""
    np.save(folder / "samples.npy", visit.levels.recording.samples)
    if visit.arrivals is not None:
        np.save(folder / ARRIVALS / "samples.npy", visit.arrivals.recording.samples)
    judged = [_judge_level(protocol, visit.levels.recording, stage) for stage in visit.levels.stages]
    quality = protocol.verifier.with_load(visit.quality, visit.configuration, visit.levels.recording.answered)
    answers.require_right(quality, protocol.limits)
    arrivals, more = _judge_arrivals(protocol, visit.arrivals)
    stages = (*visit.levels.stages, *(visit.arrivals.stages if visit.arrivals else ()))
    doubts = [
        *gates.unavailable(visit.levels.recording, visit.nonce_seen),
        *(doubt for _, found in judged for doubt in found),
        *more,
        *answers.doubts(quality, protocol.limits),
        *_doubts_of_launch(protocol, stages),
    ]
    memory = [stage.after.server.memory for stage in stages if stage.after.server is not None]
    return Measurement(
        levels=tuple(level for level, _ in judged),
        arrivals=arrivals,
        quality=quality,
        peak_memory=max(memory, default=None),
        phases=stopwatch.seconds,
        effective=visit.effective,
        doubts=tuple(doubts),
        server_of=visit.server_of,
    )


def _judge_level(protocol: Protocol, recording: Recording, stage: Stage) -> tuple[LevelSummary, list[Doubt]]:
    """Summarise one level, and say what speaks against it."""
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
    gates.require_any_answer(window, recording)
    # Ours first: a load process that is late makes requests pile up and fail that a server would have answered.
    gates.require_punctual(summary, recording, window)
    gates.require_all_sent(window, recording)
    gates.require_carried(window, recording)
    gates.require_answers(summary, recording, protocol.limits.max_error_rate)
    steady = stage.steady and not is_transient(latencies(intended_in(recording.samples, window.opened, window.closed)))
    evidence = gates.Evidence(level=summary, window=window, recording=recording, steady=steady)
    return summary, list(gates.doubts(evidence))


def _judge_arrivals(protocol: Protocol, driven: Driven | None) -> tuple[LevelSummary | None, list[Doubt]]:
    """Summarise the extra level in open loop; where it gives no number, the other levels are as good as before."""
    if driven is None:
        return None, []
    try:
        return _judge_level(protocol, driven.recording, driven.stages[0])
    except LaunchError as error:
        kind = {FailureKind.OVERLOADED: DoubtKind.OVERLOADED, FailureKind.ERRORS: DoubtKind.ERRORS}.get(
            error.kind, DoubtKind.LATE
        )
        return None, [Doubt(kind=kind, message=f"{error.reason}; so the open loop of this launch has no figures")]


def _doubts_of_launch(protocol: Protocol, stages: Sequence[Stage]) -> Iterator[Doubt]:
    """Yield what changed between the beginning and the end of a launch."""
    first, last = stages[0].before, stages[-1].after
    if lost := conditions.processes_lost(first, last):
        yield Doubt(kind=DoubtKind.PROCESS_LOST, message=f"{lost} processes of the server ended under load")
    for change in conditions.changes(protocol.machine, first, last):
        yield Doubt(kind=DoubtKind.MACHINE_CHANGED, message=change)
