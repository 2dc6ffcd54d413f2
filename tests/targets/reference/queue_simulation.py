"""The server's own queue under a known load in virtual time: no clock, no thread, the same result on every machine.

Arrivals are Poisson, workers take what `Batcher` gives them, and a batch takes as long as its padded units say.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from reference_agent.queueing.batching import Batcher
from reference_agent.queueing.cost import CostModel
from reference_agent.queueing.job import Job, Ticket
from reference_agent.queueing.policy import Batching, Discipline, Policy

LENGTHS, SHARES = (16, 64, 256), (0.50, 0.35, 0.15)
START, A_UNIT = 0.3e-3, 45e-6
"""Seconds of a batch, and of each of its padded units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request of the load."""

    moment: float
    size: int
    tenant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Latencies in seconds, in the order of arrival; what never left has none."""

    arrivals: Sequence[Arrival]
    latencies: NDArray[np.float64]

    def of(self, *, size: int | None = None, tenant: str | None = None) -> NDArray[np.float64]:
        """The latencies of one length, or of one tenant."""
        chosen = [
            (size is None or one.size == size) and (tenant is None or one.tenant == tenant) for one in self.arrivals
        ]
        return self.latencies[np.array(chosen)]


def poisson(count: int, load: float, workers: int, seed: int, *, light_tenants: float = 0.0) -> list[Arrival]:
    """Requests that ask for `load` of what the workers can do one by one; a share of them from the tenant "light"."""
    random = np.random.default_rng(seed)
    sizes = random.choice(LENGTHS, count, p=SHARES)
    mean_seconds = float(np.mean(START + A_UNIT * sizes))
    moments = np.cumsum(random.exponential(mean_seconds / (workers * load), count))
    light = random.random(count) < light_tenants
    return [
        Arrival(moment=float(moment), size=int(size), tenant="light" if is_light else "heavy")
        for moment, size, is_light in zip(moments, sizes, light, strict=True)
    ]


def policy(discipline: Discipline = Discipline.FIFO, *, most_rows: int = 1, buckets: int = 1) -> Policy:
    """A policy without deliberate waiting."""
    batching = Batching.NONE if most_rows == 1 else Batching.DYNAMIC
    return Policy(
        batching=batching,
        max_batch_size=most_rows,
        batch_timeout_ms=0.0,
        length_buckets=buckets,
        scheduler=discipline,
    )


def serve(arrivals: Sequence[Arrival], policy: Policy, workers: int) -> Served:
    """Serve all arrivals, and return how long each took."""
    cost = CostModel()
    batcher = Batcher(policy, cost, longest=max(LENGTHS), capacity=len(arrivals))
    latencies = np.full(len(arrivals), np.nan)
    events: list[tuple[float, int, Any]] = [(one.moment, place, None) for place, one in enumerate(arrivals)]
    heapq.heapify(events)
    free = workers
    while events:
        now, place, release = heapq.heappop(events)
        if release is None:
            one = arrivals[place]
            job = Job(
                row=b"",
                size=one.size,
                ticket=Ticket(one.moment, one.tenant),
                queued=one.moment,
                answer=cast(Any, place),
            )
            batcher.put([job])
        else:
            free += 1
            for job in release.jobs:
                latencies[cast(Any, job.answer)] = now - job.ticket.arrived
        while free and batcher.wait(now) == 0.0:
            leaving, _ = batcher.take(now)
            assert leaving is not None
            seconds = START + A_UNIT * leaving.units
            cost.learn(leaving.units, seconds)
            free -= 1
            heapq.heappush(events, (now + seconds, len(arrivals), Released(leaving)))
    return Served(arrivals=arrivals, latencies=latencies)


class Released:
    """A release among events; events of the same moment are never compared further."""

    def __init__(self, release: Any) -> None:
        self.jobs = release.jobs

    def __lt__(self, _other: object) -> bool:
        return False


def p99(values: NDArray[np.float64]) -> float:
    """The value that 99 % do not exceed."""
    return float(np.quantile(values, 0.99, method="inverted_cdf"))
