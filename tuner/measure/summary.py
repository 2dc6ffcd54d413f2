"""From raw samples and a window to the summary of one level."""

import numpy as np
import numpy.typing as npt

from tuner.load.driver import Recording, Window
from tuner.load.samples import Samples, ended_in, intended_in, latencies, overlap
from tuner.statistics.quantiles import dependent_interval, quantile
from tuner.study.objectives import Slo
from tuner.study.trial import Conditions, Interval, LevelSummary
from tuner.study.workload import Loop

_P99 = 0.99


def p99_of(values: npt.NDArray[np.float64]) -> Interval:
    """Return p99 of latencies in order of time, with its interval widened by how much they depend on each other."""
    value = quantile(np.sort(values), _P99)
    low, high = dependent_interval(values, _P99)
    return Interval(value=value, low=low, high=high)


def summarise(
    recording: Recording, window: Window, slo: Slo | None, cpu_seconds: float | None, conditions: Conditions | None
) -> LevelSummary:
    """Summarise one level: latencies of what was to start in the window, throughput of what was answered in it.

    `cpu_seconds` is what the server used in the window, if that is known.
    """
    started = intended_in(recording.samples, window.opened, window.closed)
    ended = ended_in(recording.samples, window.opened, window.closed)
    valid = ended[ended["ok"] == 1]
    good = started["ok"] == 1
    values = latencies(started)
    ordered = np.sort(values)
    unfinished = int(np.isinf(started["end"]).sum())
    return LevelSummary(
        load=window.load,
        opened=window.opened,
        seconds=window.seconds,
        requests=len(started),
        errors=len(started) - int(good.sum()) - unfinished,
        unfinished=unfinished,
        throughput=len(valid) / window.seconds,
        goodput=int((latencies(valid) <= slo.limit).sum()) / window.seconds if slo else None,
        mean=float(values[good].mean()) if good.any() else np.inf,
        p50=quantile(ordered, 0.5),
        p90=quantile(ordered, 0.9),
        p95=quantile(ordered, 0.95),
        p99=p99_of(values),
        little=_little(recording, window) if window.load.loop is Loop.CLOSED else None,
        session_p99=_session_p99(recording.sessions, window),
        server_queue=_mean(valid["queue"]),
        server_compute=_mean(valid["compute"]),
        outside=_outside(valid),
        batch_size=_mean(valid["batch_size"]),
        cpu_per_request=cpu_seconds / len(ended) if cpu_seconds is not None and len(ended) else None,
        conditions=conditions,
    )


def lateness(recording: Recording, window: Window) -> float | None:
    """Return the p99 of how late the arrivals of an open loop were sent, in seconds."""
    if window.load.loop is Loop.CLOSED:
        return None
    started = intended_in(recording.samples, window.opened, window.closed)
    late = started["sent"] - started["intended"]
    return quantile(np.sort(late[np.isfinite(late)]), _P99)


def _little(recording: Recording, window: Window) -> float:
    """Return the share of the concurrency that is accounted for: 1 when nobody was forgotten (Little 1961).

    The mean number in the system is the time that all requests were in flight in the window, over its length: for
    those that began or ended outside of it, and for those that never ended, only the part inside counts.
    """
    samples, thinks = recording.samples, recording.thinks
    busy = overlap(samples["sent"], samples["end"], window.opened, window.closed)
    thought = overlap(thinks["start"], thinks["start"] + thinks["seconds"], window.opened, window.closed)
    return (busy + thought) / window.seconds / window.load.users


def _session_p99(sessions: Samples, window: Window) -> Interval | None:
    inside = ended_in(sessions, window.opened, window.closed)
    return p99_of(np.where(inside["ok"] == 1, inside["latency"], np.inf)) if len(inside) else None


def _outside(valid: Samples) -> float | None:
    """Return the median of what a request took beyond what the server says, in seconds."""
    parts = valid["queue"] + np.nan_to_num(valid["batch"]) + valid["compute"]
    server = np.where(np.isnan(valid["total"]), parts, valid["total"])
    rest = (valid["end"] - valid["sent"] - server)[~np.isnan(server)]
    return float(np.median(rest)) if len(rest) else None


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else None
