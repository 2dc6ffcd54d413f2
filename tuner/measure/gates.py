"""What speaks against a measurement.

The configuration answers for errors and for a rate that it cannot carry; we answer for a load process that was late.
What may be told with a doubt yields one; what must not be told at all raises.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tuner.load.driver import Recording, Window
from tuner.load.samples import Samples, ended_in, intended_in
from tuner.measure.failed import LaunchError
from tuner.statistics.quantiles import quantile, smallest_sample
from tuner.study.trial import Doubt, DoubtKind, FailureKind, LevelSummary
from tuner.study.workload import Loop
from tuner.units import format_seconds, format_share

ENOUGH_FOR_P99 = 1_000
LITTLE_TOLERANCE = 0.05
STALL_MEDIANS = 10.0
STALL_FLOOR = 0.03
STARVED_P99S = 10.0
OUTSIDE_SHARE = 0.5
OTHER_PROGRAMS_SHARE = 0.05
STOLEN_SHARE = 0.01
PAUSE_SECONDS = 0.05
LATE_SHARE_OF_P99 = 0.1
LATE_FLOOR = 0.005
TOO_LATE_SHARE_OF_P50 = 0.5
TOO_LATE_FLOOR = 0.010
BACKLOG_SHARE = 0.05
BACKLOG_FLOOR = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one level is judged by; `steady` says whether its warm-up reached a steady state."""

    level: LevelSummary
    window: Window
    recording: Recording
    steady: bool

    @property
    def at(self) -> str:
        """Where a doubt was raised."""
        return f"at {self.level.load}"


def doubts(evidence: Evidence) -> Iterator[Doubt]:
    """Yield everything that speaks against the numbers of one level."""
    for judge in (_samples, _steadiness, _littles_law, _failures, _pauses, _load_process, _outside, _machine):
        yield from judge(evidence)


def _samples(evidence: Evidence) -> Iterator[Doubt]:
    requests, floor = evidence.level.requests, smallest_sample(0.99)
    if requests < floor:
        yield _doubt(DoubtKind.FEW_SAMPLES, f"{evidence.at}: {requests} requests; p99 needs at least {floor}")
    elif requests < ENOUGH_FOR_P99:
        message = f"{evidence.at}: p99 rests on {requests} requests, {ENOUGH_FOR_P99} are better"
        yield _doubt(DoubtKind.FEW_SAMPLES, message)


def _steadiness(evidence: Evidence) -> Iterator[Doubt]:
    if not evidence.steady:
        yield _doubt(DoubtKind.NOT_STEADY, f"{evidence.at}: latencies still changed while they were measured")


def _littles_law(evidence: Evidence) -> Iterator[Doubt]:
    little = evidence.level.little
    if little is not None and abs(little - 1.0) > LITTLE_TOLERANCE:
        message = f"{evidence.at}: throughput × latency is {format_share(little)} of the concurrency, not 100 %"
        yield _doubt(DoubtKind.LITTLE, message)


def _failures(evidence: Evidence) -> Iterator[Doubt]:
    level = evidence.level
    if level.errors:
        share = format_share(level.errors / level.requests)
        yield _doubt(DoubtKind.ERRORS, f"{evidence.at}: {level.errors} requests failed ({share})")
    if level.unfinished:
        yield _doubt(DoubtKind.UNFINISHED, f"{evidence.at}: {level.unfinished} requests never finished")


def _pauses(evidence: Evidence) -> Iterator[Doubt]:
    """Yield a stall, where nobody was answered, or else that one request waited while the others were answered."""
    level = evidence.level
    pause = _longest_pause(evidence.recording.samples, evidence.window)
    if evidence.window.lag_most > pause / 2.0:
        return  # The load process itself stood still: that is another doubt, and no fault of the server.
    if level.load.loop is Loop.CLOSED and pause > max(STALL_MEDIANS * level.p50, STALL_FLOOR):
        hidden = "a closed loop hides what users would feel then"
        yield _doubt(DoubtKind.STALL, f"{evidence.at}: no answer came for {format_seconds(pause)}; {hidden}")
        return
    oldest = _longest_wait(evidence.recording.samples, evidence.window)
    if oldest > max(STARVED_P99S * level.p99.value, STALL_FLOOR):
        message = f"{evidence.at}: a request waited {format_seconds(oldest)} while others were answered"
        yield _doubt(DoubtKind.STARVED, message)


def _load_process(evidence: Evidence) -> Iterator[Doubt]:
    level, window = evidence.level, evidence.window
    limit = max(LATE_FLOOR, LATE_SHARE_OF_P99 * level.p99.value)
    for late, what in _lateness(level):
        if late > limit:
            message = f"{evidence.at}: {what} {format_seconds(late)} late (p99), more than {format_seconds(limit)}"
            yield _doubt(DoubtKind.LATE, message)
    if window.lag_most > PAUSE_SECONDS:
        message = f"{evidence.at}: the load process itself paused for {format_seconds(window.lag_most)}"
        yield _doubt(DoubtKind.LOAD_PAUSE, message)
    if window.collected:
        yield _doubt(DoubtKind.LOAD_PAUSE, f"{evidence.at}: the load process had to collect garbage")


def _lateness(level: LevelSummary) -> Iterator[tuple[float, str]]:
    """Yield each lateness of the load: in open loop that of the arrivals is exact, the event loop's is a sample."""
    conditions = level.conditions
    if conditions is None:
        return
    if conditions.lateness_p99 is not None:
        yield conditions.lateness_p99, "arrivals were sent"
    else:
        yield conditions.lag_p99, "the load process woke"


def _outside(evidence: Evidence) -> Iterator[Doubt]:
    level = evidence.level
    if level.outside is not None and level.outside > OUTSIDE_SHARE * level.p50:
        message = f"{evidence.at}: {format_seconds(level.outside)} of the median {format_seconds(level.p50)}"
        yield _doubt(DoubtKind.OUTSIDE, f"{message} were not spent in the server")


def _machine(evidence: Evidence) -> Iterator[Doubt]:
    conditions = evidence.level.conditions
    if conditions is None:
        return
    if conditions.other_programs is not None and conditions.other_programs > OTHER_PROGRAMS_SHARE:
        message = f"{evidence.at}: other programs used {format_share(conditions.other_programs)} of our cores"
        yield _doubt(DoubtKind.OTHER_PROGRAMS, message)
    if conditions.stolen is not None and conditions.stolen > STOLEN_SHARE:
        message = f"{evidence.at}: other virtual machines took {format_share(conditions.stolen)} of our cores"
        yield _doubt(DoubtKind.STOLEN, message)
    if conditions.throttled:
        message = f"{evidence.at}: a CPU quota stopped us in {conditions.throttled} periods"
        yield _doubt(DoubtKind.THROTTLED, message)


def _doubt(kind: DoubtKind, message: str) -> Doubt:
    return Doubt(kind=kind, message=message)


def require_any_answer(window: Window, recording: Recording) -> None:
    """Raise when no request began, as those in flight were not answered all through the window: a server that hangs.

    That the load process woke late explains no such silence, unless it slept for most of the window.
    """
    samples, opened, closed = recording.samples, window.opened, window.closed
    if len(intended_in(samples, opened, closed)) or len(ended_in(samples, opened, closed)):
        return
    waiting = int((np.isfinite(samples["sent"]) & (samples["sent"] < opened) & (samples["end"] >= closed)).sum())
    if waiting and window.lag_most < window.seconds / 2.0:
        reason = f"at {window.load} none of the {waiting} requests in flight was answered in"
        advice = "if each may take longer than that, give --measure-at-most more, or less load"
        raise LaunchError(FailureKind.ERRORS, f"{reason} {format_seconds(window.seconds)}; {advice}")


def require_answers(level: LevelSummary, recording: Recording, most: float) -> None:
    """Raise when more than a share of `most` requests failed: that is the configuration's own failure."""
    if not level.requests:
        reason = f"at {level.load} no request was sent within {format_seconds(level.seconds)}"
        raise LaunchError(FailureKind.INVALID, f"{reason}; measure for longer, with --measure-at-most")
    if level.error_rate <= most:
        return
    failed = f"{level.errors + level.unfinished} of {level.requests} requests failed"
    commonest = f"; most often in this launch: {recording.errors[0][0]}" if recording.errors else ""
    limit = f"{format_share(level.error_rate)}, more than {format_share(most)}"
    raise LaunchError(FailureKind.ERRORS, f"at {level.load} {failed} ({limit}){commonest}")


def require_carried(window: Window, recording: Recording) -> None:
    """Raise when requests of an open loop pile up: a latency would only say how long we measured."""
    if window.load.loop is Loop.CLOSED:
        return
    edges = np.linspace(window.opened, window.closed, 5)
    samples = recording.samples
    waiting = [int(((samples["sent"] < edge) & (samples["end"] >= edge)).sum()) for edge in edges]
    arrivals = len(intended_in(samples, window.opened, window.closed))
    grown = np.diff(waiting)
    # Each quarter adds to it: a stall, however long, adds to one or two.
    if waiting[-1] - waiting[0] > max(BACKLOG_FLOOR, BACKLOG_SHARE * arrivals) and (grown > 0.01 * arrivals / 4).all():
        answered = int((ended_in(samples, window.opened, window.closed)["ok"] == 1).sum()) / window.seconds
        piled = f"requests pile up: {waiting[0]} waited at the beginning and {waiting[-1]} at the end"
        reason = f"at {window.load} {piled}; it answers about {answered:.0f} a second"
        raise LaunchError(FailureKind.OVERLOADED, reason)


def require_all_sent(window: Window, recording: Recording) -> None:
    """Raise when arrivals were left out: the rest is not what was asked for.

    Those that found as many requests in flight as are allowed are the server's, which had not answered them; those that
    the load process never came to are ours.
    """
    started = intended_in(recording.samples, window.opened, window.closed)
    left_out = started[np.isinf(started["sent"])]
    lost = int(np.isneginf(left_out["sent"]).sum())
    if lost:
        reason = f"at {window.load} the load process did not come to send {lost} arrivals: its core was busy"
        raise LaunchError(FailureKind.INVALID, f"{reason}; lower the rate, or spread it with --load-processes")
    if len(left_out):
        reason = f"at {window.load} {len(left_out)} arrivals found as many requests in flight as are allowed"
        raise LaunchError(FailureKind.OVERLOADED, f"{reason} (AGENT_MAX_IN_FLIGHT): it does not keep up with the rate")


def require_punctual(level: LevelSummary, recording: Recording, window: Window) -> None:
    """Raise when the load process was too late to be believed: that makes the measurement invalid."""
    started = intended_in(recording.samples, window.opened, window.closed)
    # From when they were sent: a median of what was late would excuse its lateness.
    taken = np.sort((started["end"] - started["sent"])[np.isfinite(started["sent"])])
    limit = max(TOO_LATE_FLOOR, TOO_LATE_SHARE_OF_P50 * quantile(taken, 0.5)) if len(taken) else TOO_LATE_FLOOR
    for late, what in _lateness(level):
        if late > limit:
            reason = f"at {level.load} {what} {format_seconds(late)} late (p99), more than {format_seconds(limit)}"
            raise LaunchError(FailureKind.INVALID, f"{reason}: the core of the load process was busy")


def _longest_pause(samples: Samples, window: Window) -> float:
    """Return the longest time between two answers in the window, in seconds."""
    ends = np.sort(ended_in(samples, window.opened, window.closed)["end"])
    edges = np.concatenate([[window.opened], ends, [window.closed]])
    return float(np.diff(edges).max())


def _longest_wait(samples: Samples, window: Window) -> float:
    """Return the longest time that a request had waited in the window, answered or not, in seconds."""
    present = samples[(samples["intended"] < window.closed) & (samples["end"] >= window.opened)]
    waits = np.minimum(present["end"], window.closed) - present["intended"]
    return float(waits.max()) if len(waits) else 0.0


def unavailable(recording: Recording, nonce_seen: bool) -> Iterator[Doubt]:
    """Yield the gates that this server gives no data for."""
    if not nonce_seen:
        message = "the server sends no X-Launch-Nonce: that the right process answered was not checked"
        yield _doubt(DoubtKind.NOT_AVAILABLE, message)
    samples = recording.samples
    if len(samples) and np.isnan(samples["compute"]).all() and np.isnan(samples["total"]).all():
        message = "the server sends no Server-Timing: where the time goes is not known"
        yield _doubt(DoubtKind.NOT_AVAILABLE, message)
