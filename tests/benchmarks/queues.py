"""Simulated queues: latencies in seconds, one row a run, in order of arrival.

All runs advance together, so that a step in Python is paid once for hundreds of them. Each starts empty and leaves
out its first requests.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Queue = Callable[[np.random.Generator, float, int, int], Numbers]
"""(generator, load, runs, requests): latencies of so many runs at a load below 1."""

BATCH = 8
FIXED, EACH, SPREAD = 0.004, 0.001, 0.05
"""A batch takes 4 ms and 1 ms a request, with a standard deviation of 5 %: 667 requests/s with full batches."""
_SETTLE = 3000


def deterministic(generator: np.random.Generator, load: float, runs: int, requests: int) -> Numbers:
    """M/D/1: Poisson arrivals, one server, each request takes 1 ms."""
    return _one_server(generator, load, np.full((runs, requests + _SETTLE), 0.001))


def variable(generator: np.random.Generator, load: float, runs: int, requests: int) -> Numbers:
    """M/G/1: Poisson arrivals, one server, service of 1 ms on average from a gamma distribution of shape 2."""
    return _one_server(generator, load, generator.gamma(2.0, 0.0005, (runs, requests + _SETTLE)))


def _one_server(generator: np.random.Generator, load: float, services: Numbers) -> Numbers:
    """Solve Lindley's recursion: the wait is a random walk less its running minimum (Asmussen 2003, III.6)."""
    gaps = generator.exponential(services.mean() / load, services.shape)
    walk = np.zeros_like(services)
    np.cumsum(services[:, :-1] - gaps[:, 1:], axis=1, out=walk[:, 1:])
    return (walk - np.minimum.accumulate(walk, axis=1) + services)[:, _SETTLE:]


def batching(generator: np.random.Generator, load: float, runs: int, requests: int) -> Numbers:
    """Return a server that takes all that wait, at most eight, as soon as it is free (M/G/1 with bulk service)."""
    total = requests + _SETTLE
    gaps = generator.exponential((FIXED + BATCH * EACH) / BATCH / load, (runs, total))
    arrivals = np.concatenate([np.cumsum(gaps, axis=1), np.full((runs, BATCH), np.inf)], axis=1)
    latencies = np.empty_like(arrivals)
    rows, columns = np.arange(runs)[:, None], np.arange(BATCH)
    served, free = np.zeros(runs, dtype=np.int64), np.zeros(runs)
    while served.min() < total:
        places = served[:, None] + columns
        waiting = arrivals[rows, np.minimum(places, total)]
        start = np.maximum(free, waiting[:, 0])
        taken = (waiting <= start[:, None]) & (places < total)
        size = taken.sum(axis=1)
        noise = np.maximum(1.0 + SPREAD * generator.standard_normal(runs), 0.1)
        free = np.where(size > 0, start + (FIXED + EACH * size) * noise, free)
        row, column = np.nonzero(taken)
        latencies[row, places[row, column]] = free[row] - waiting[row, column]
        served += size
    return latencies[:, _SETTLE:total]
