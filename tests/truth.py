"""What a perfect measurement of the null target must report: its laws, written a second time from their description.

Nothing of the server is imported, so that each checks the other. Parameters are called as the target's options and are
in their units; everything else is in seconds.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
Sends = list[tuple[float, int]]
"""A heap of when the next requests are sent, and by whom."""
Served = list[tuple[float, int, float]]
"""Requests of which is known when they were sent, by whom, and when they were answered."""
Rule = Callable[[Sends], Served]
"""Takes the request that is served next, or the batch, from the heap."""


def latencies(law: str, arrivals: Times, **parameters: float) -> Times:
    """Every request's exact latency, in the order of the arrivals, which must rise."""
    rule = LAWS[law](**parameters)
    sends = [(float(arrival), number) for number, arrival in enumerate(arrivals)]
    found = np.empty(len(sends))
    while sends:
        for sent, number, answered in rule(sends):
            found[number] = answered - sent
    return found


def closed_loop(law: str, users: int, seconds: float, *, gap: float = 1e-4, **parameters: float) -> tuple[Times, Times]:
    """When users who never think sent their requests, and each one's latency; nobody begins one after `seconds`.

    `gap` is what a client needs between an answer and its next request. It is never nothing, and that matters: under
    `batching` a request that came back in no time would join the batch that starts at the moment of its answer.
    """
    rule = LAWS[law](**parameters)
    sends = [(user * gap, user) for user in range(users)]
    found: list[tuple[float, float]] = []
    while sends:
        for sent, user, answered in rule(sends):
            found.append((sent, answered - sent))
            if answered + gap < seconds:
                heapq.heappush(sends, (answered + gap, user))
    rows = np.array(found).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def poisson(rate: float, seconds: float, seed: int) -> Times:
    """Arrivals of a Poisson process: as many as it happens to have, at uniform moments."""
    random_numbers = np.random.default_rng(seed)
    return np.sort(random_numbers.uniform(0.0, seconds, random_numbers.poisson(rate * seconds)))


def lognormal_quantile(share: float, *, delay_ms: float = 10.0, sigma: float = 0.5) -> float:
    """The latency that a share of infinitely many requests stays below, under the law `lognormal`."""
    return delay_ms / 1000.0 * math.exp(sigma * NormalDist().inv_cdf(share))


def mean_wait(rate: float, *, delay_ms: float = 10.0) -> float:
    """The mean time in the queue of M/D/1, by Pollaczek and Khinchine."""
    load = rate * delay_ms / 1000.0
    return load * delay_ms / 1000.0 / (2.0 * (1.0 - load))


def _each(latency: Callable[[float], float]) -> Rule:
    """A law under which requests never wait for each other."""

    def rule(sends: Sends) -> Served:
        sent, who = heapq.heappop(sends)
        return [(sent, who, sent + latency(sent))]

    return rule


def _constant(*, delay_ms: float = 10.0) -> Rule:
    return _each(lambda _: delay_ms / 1000.0)


def _lognormal(*, delay_ms: float = 10.0, sigma: float = 0.5, law_seed: int = 0) -> Rule:
    draws = random.Random(law_seed)
    return _each(lambda _: delay_ms / 1000.0 * draws.lognormvariate(0.0, sigma))


def _stall(*, delay_ms: float = 10.0, stall_s: float = 1.0, stall_every_s: float = 10.0) -> Rule:
    """Time is counted from the first request; the last `stall_s` of every `stall_every_s` let no answer through."""
    first: float | None = None

    def latency(sent: float) -> float:
        nonlocal first
        first = sent if first is None else first
        into = (sent - first + delay_ms / 1000.0) % stall_every_s
        held = stall_every_s - into if into >= stall_every_s - stall_s else 0.0
        return delay_ms / 1000.0 + held

    return _each(latency)


def _mdc(*, delay_ms: float = 10.0, servers: int = 4) -> Rule:
    """As all services are equal, a request gets the server of the one that came `servers` before it."""
    answers: deque[float] = deque([-math.inf] * servers, maxlen=servers)

    def rule(sends: Sends) -> Served:
        sent, who = heapq.heappop(sends)
        answers.append(max(sent, answers[0]) + delay_ms / 1000.0)
        return [(sent, who, answers[-1])]

    return rule


def _batching(*, delay_ms: float = 10.0, max_batch: int = 8, per_item_ms: float = 0.5) -> Rule:
    free = -math.inf

    def rule(sends: Sends) -> Served:
        nonlocal free
        start = max(free, sends[0][0])
        batch = [heapq.heappop(sends)]
        while sends and sends[0][0] <= start and len(batch) < max_batch:
            batch.append(heapq.heappop(sends))
        free = start + (delay_ms + per_item_ms * len(batch)) / 1000.0
        return [(sent, who, free) for sent, who in batch]

    return rule


LAWS: dict[str, Callable[..., Rule]] = {
    "constant": _constant,
    "lognormal": _lognormal,
    "stall": _stall,
    "mdc": _mdc,
    "batching": _batching,
}
