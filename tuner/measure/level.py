"""One level of a launch: put the load on, warm up until it is steady, measure until p99 is known well enough."""

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tuner.load.driver import LoadProcess, Window
from tuner.load.samples import Samples, ended_in, intended_in, latencies
from tuner.measure.summary import p99_of
from tuner.statistics.quantiles import relative_half_width, smallest_sample
from tuner.statistics.steady import is_steady
from tuner.study.workload import Load, Loop, Workload

# Arrivals come in bursts: fewer of them see too few to tell how rare those are.
_ENOUGH_ARRIVALS = 1_000
_BLOCKS = 3
_BLOCK_ANSWERS = 10
_CHECK_SECONDS = 0.2
# Blocks this short scatter by themselves; a slow approach that they hide is found looking back on the window.
_TOLERANCE = 0.2
_SHORTEST_SECONDS = 0.02
_LEAD_SECONDS = 1.0


def warm_up(process: LoadProcess, workload: Workload, load: Load, seed: Sequence[int]) -> bool:
    """Put a load on and wait until latencies no longer change; return whether they came to rest in time."""
    began = time.monotonic()
    process.drive(load, workload.warm_up_most + workload.patience, (*seed, 0))
    process.run_for(workload.warm_up)
    while True:
        passed = time.monotonic() - began
        recent = ended_in(process.samples(), began, np.inf)
        if is_steady(_blocks(recent, workload.warm_up), _TOLERANCE):
            return True
        enough = len(recent) >= _BLOCKS * _BLOCK_ANSWERS
        if passed >= (workload.warm_up_most if enough else workload.patience):
            return False
        process.run_for(_CHECK_SECONDS)


def _blocks(ended: Samples, seconds: float) -> list[npt.NDArray[np.float64]]:
    """Cut the end of a warm-up into blocks of latencies: its last `seconds`, or more where answers are few."""
    by_end = np.sort(ended, order="end")
    if len(by_end) < _BLOCKS * _BLOCK_ANSWERS:
        return []
    recent = int((by_end["end"] > by_end["end"][-1] - seconds).sum())
    last = by_end[-max(recent, _BLOCKS * _BLOCK_ANSWERS) :]
    return np.array_split(latencies(last), _BLOCKS)


def measure(process: LoadProcess, workload: Workload, load: Load, seed: Sequence[int]) -> Window:
    """Open a window, and close it when the interval of p99 is narrow enough or time is up.

    In open loop a new schedule begins with the window, so that every configuration meets the same arrivals.
    """
    if load.loop is Loop.OPEN:
        longest = max(workload.patience, workload.measure_most)
        process.drive(load, longest + _LEAD_SECONDS, (*seed, 1))
    opened = process.open()
    wait = workload.measure
    while wait > 0.0:
        process.run_for(wait)
        wait = _wait(process.samples(), opened, workload)
    return process.close(load, opened)


def _wait(samples: Samples, opened: float, workload: Workload) -> float:
    """Return for how long to measure on before p99 is looked at again, in seconds; not at all when that is enough.

    Looks grow rarer, because each of them reads all samples on cores that the server may need.
    """
    passed = time.monotonic() - opened
    done = latencies(intended_in(samples, opened, np.inf))
    enough = len(done) >= (smallest_sample(0.99) if workload.loop is Loop.CLOSED else _ENOUGH_ARRIVALS)
    left = (workload.measure_most if enough else workload.patience) - passed
    if left <= _SHORTEST_SECONDS or (enough and _known(done, workload.interval)):
        return 0.0
    return min(left, max(_CHECK_SECONDS, passed / 10.0))


def _known(done: npt.NDArray[np.float64], interval: float) -> bool:
    p99 = p99_of(done)
    return relative_half_width(p99.value, p99.low, p99.high) <= interval
