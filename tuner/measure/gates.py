"""What makes a measurement invalid, what makes it doubtful, and what is the configuration's own failure.

The configuration answers for errors; we answer for a load process that was late. What may be told with
a doubt yields one; what must not be told at all raises.
"""

from collections.abc import Iterator

import numpy as np

from tuner.load.driver import Recording, Window
from tuner.load.samples import completed_in
from tuner.measure.failed import LaunchError
from tuner.statistics.quantiles import smallest_sample
from tuner.study.trial import Doubt, DoubtKind, FailureKind, LevelSummary
from tuner.units import format_seconds, format_share

ENOUGH_FOR_P99 = 1_000
LITTLE_TOLERANCE = 0.05
STALL_MEDIANS = 10.0
STALL_FLOOR = 0.1
LAG_SHARE_OF_P50 = 0.5
LAG_FLOOR = 0.010


def doubts(level: LevelSummary, window: Window, recording: Recording) -> Iterator[Doubt]:
    """Yield everything that speaks against the numbers of one level."""
    at = f"at {level.users} users"
    floor = smallest_sample(0.99)
    if level.requests < floor:
        yield Doubt(kind=DoubtKind.FEW_SAMPLES, message=f"{at}: {level.requests} requests; p99 needs at least {floor}")
    elif level.requests < ENOUGH_FOR_P99:
        message = f"{at}: p99 rests on {level.requests} requests, {ENOUGH_FOR_P99} are better"
        yield Doubt(kind=DoubtKind.FEW_SAMPLES, message=message)
    if not recording.thinks and abs(level.little - 1.0) > LITTLE_TOLERANCE:
        message = f"{at}: throughput × latency is {format_share(level.little)} of the concurrency, not 100 %"
        yield Doubt(kind=DoubtKind.LITTLE, message=message)
    if level.errors:
        share = format_share(level.errors / level.requests)
        yield Doubt(kind=DoubtKind.ERRORS, message=f"{at}: {level.errors} requests failed ({share})")
    if level.unfinished:
        yield Doubt(kind=DoubtKind.UNFINISHED, message=f"{at}: {level.unfinished} requests never finished")
    pause = _longest_pause(recording, window)
    if pause > max(STALL_MEDIANS * level.p50, STALL_FLOOR):
        message = f"{at}: no answer came for {format_seconds(pause)}; a closed loop hides what users would feel then"
        yield Doubt(kind=DoubtKind.STALL, message=message)


def require_answers(level: LevelSummary, recording: Recording, most: float) -> None:
    """Raise when more than a share of `most` requests failed: that is the configuration's own failure."""
    if not level.requests:
        reason = f"at {level.users} users no request started within {format_seconds(level.seconds)}: each takes longer"
        raise LaunchError(FailureKind.INVALID, f"{reason} than this protocol measures")
    if level.error_rate <= most:
        return
    failed = f"{level.errors + level.unfinished} of {level.requests} requests failed"
    commonest = f"; most often: {recording.errors[0][0]}" if recording.errors else ""
    limit = f"{format_share(level.error_rate)}, more than {format_share(most)}"
    raise LaunchError(FailureKind.ERRORS, f"at {level.users} users {failed} ({limit}){commonest}")


def require_punctual(level: LevelSummary, window: Window) -> None:
    """Raise when the load process was too late to be believed: that makes the measurement invalid."""
    limit = max(LAG_FLOOR, LAG_SHARE_OF_P50 * level.p50)
    if window.lag_p99 > limit:
        late = f"at {level.users} users the load process itself was {format_seconds(window.lag_p99)} late (p99)"
        raise LaunchError(FailureKind.INVALID, f"{late}, more than {format_seconds(limit)}: its core was busy")


def _longest_pause(recording: Recording, window: Window) -> float:
    """Return the longest time between two answers in the window, in seconds."""
    completed = completed_in(recording.samples, window.opened, window.closed)
    ends = np.sort(completed["start"] + completed["latency"])
    edges = np.concatenate([[window.opened], ends, [window.closed]])
    return float(np.diff(edges).max())


def unavailable(recording: Recording, nonce_seen: bool) -> Iterator[Doubt]:
    """Yield the gates that this server gives no data for."""
    if not nonce_seen:
        message = "the server sends no X-Launch-Nonce: that the right process answered was not checked"
        yield Doubt(kind=DoubtKind.NOT_AVAILABLE, message=message)
    if len(recording.samples) and np.isnan(recording.samples["compute"]).all():
        message = "the server sends no Server-Timing: where the time goes is not known"
        yield Doubt(kind=DoubtKind.NOT_AVAILABLE, message=message)
