"""From raw samples and a window to the summary of one level."""

import numpy as np
import numpy.typing as npt

from tuner.load.driver import Window
from tuner.load.samples import Samples, completed_in, started_in
from tuner.statistics.quantiles import quantile, quantile_interval, variance_inflation
from tuner.study.trial import Interval, LevelSummary

_P99 = 0.99


def summarise(samples: Samples, window: Window, unfinished: int, cpu_seconds: float | None) -> LevelSummary:
    """Summarise one level: latencies of what started in the window, throughput of what was answered in it.

    `unfinished` requests never ended and count as infinite; `cpu_seconds` is what the server used in the
    window, if that is known.
    """
    started = started_in(samples, window.opened, window.closed)
    completed = completed_in(samples, window.opened, window.closed)
    valid = completed[completed["ok"] == 1]
    latencies = np.concatenate([np.where(started["ok"] == 1, started["latency"], np.inf), np.full(unfinished, np.inf)])
    ordered = np.sort(latencies)
    return LevelSummary(
        users=window.users,
        seconds=window.seconds,
        requests=len(latencies),
        errors=int((started["ok"] != 1).sum()),
        unfinished=unfinished,
        throughput=len(valid) / window.seconds,
        mean=float(started["latency"][started["ok"] == 1].mean()) if (started["ok"] == 1).any() else np.inf,
        p50=quantile(ordered, 0.5),
        p90=quantile(ordered, 0.9),
        p95=quantile(ordered, 0.95),
        p99=_p99(latencies, ordered),
        little=_little(completed, window, unfinished),
        server_queue=_mean(valid, "queue"),
        server_compute=_mean(valid, "compute"),
        batch_size=_mean(valid, "batch_size"),
        cpu_per_request=cpu_seconds / len(completed) if cpu_seconds is not None and len(completed) else None,
    )


def _p99(latencies: npt.NDArray[np.float64], ordered: npt.NDArray[np.float64]) -> Interval:
    value = quantile(ordered, _P99)
    low, high = quantile_interval(ordered, _P99, inflation=variance_inflation(latencies, value))
    return Interval(value=value, low=low, high=high)


def _little(completed: Samples, window: Window, unfinished: int) -> float:
    """Return throughput × mean latency as a share of the concurrency: 1 when nobody was starved or forgotten.

    A request that never finished was in flight for the whole window, so it counts with its age.
    """
    busy = float(completed["latency"].sum()) + unfinished * window.seconds
    return busy / window.seconds / window.users


def _mean(samples: Samples, column: str) -> float | None:
    values = samples[column]
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else None
