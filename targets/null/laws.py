"""When answers are due: service and queueing laws whose truth is known.

A law reckons on a virtual clock: when an answer is due follows from when requests arrived and from nothing else, so
a timer that fires late delays one answer and never the next. All times are seconds of `time.perf_counter`.
"""

import heapq
import math
import random
from argparse import Namespace
from collections import deque
from collections.abc import Iterable
from typing import Any


class Request:
    """One request: when it arrived and the service time it asks for; its law sets `start`, `due` and `size`."""

    __slots__ = ("arrival", "connection", "due", "number", "service", "size", "start")

    def __init__(self, connection: Any, number: int, arrival: float, service: float) -> None:
        self.connection = connection
        self.number = number
        self.arrival = arrival
        self.service = service
        self.start = self.due = math.nan
        self.size = 0  # of the batch; 0: this law has none


class Law:
    """Constant: every request is served at once and takes its service time, however many there are."""

    def __init__(self, options: Namespace) -> None:
        pass

    def arrive(self, request: Request) -> Iterable[Request]:
        """Take a request, in order of arrival; return those whose due time has become known by this."""
        self.plan(request)
        return (request,)

    def plan(self, request: Request) -> None:
        """Set `start` and `due` of a request for which nothing later matters."""
        request.start = request.arrival
        request.due = request.arrival + request.service

    def until(self, now: float) -> Iterable[Request]:  # noqa: ARG002
        """Let time pass; return the requests whose due time has become known by this."""
        return ()


class Lognormal(Law):
    """Constant, times a lognormal factor of median 1, drawn in order of arrival."""

    def __init__(self, options: Namespace) -> None:
        self.sigma = options.sigma
        self.draws = random.Random(options.law_seed)

    def plan(self, request: Request) -> None:
        """Draw how much longer than the median it takes."""
        request.start = request.arrival
        request.due = request.arrival + request.service * self.draws.lognormvariate(0.0, self.sigma)


class Stall(Law):
    """Constant, but no answer leaves during a stall: one that is due in it is due at its end.

    Periods of `stall_every_s` begin with the first request, and each ends with a stall of `stall_s`. Only the answers
    are held: work goes on meanwhile. What was held is reported as time in the queue.
    """

    def __init__(self, options: Namespace) -> None:
        self.length = options.stall_s
        self.every = options.stall_every_s
        self.origin: float | None = None

    def plan(self, request: Request) -> None:
        """Hold the answer when it would leave during a stall."""
        if self.origin is None:
            self.origin = request.arrival
        due = request.arrival + request.service
        period = math.floor((due - self.origin) / self.every)
        end = self.origin + (period + 1) * self.every
        request.due = end if due >= end - self.length else due
        request.start = request.due - request.service


class Servers(Law):
    """M/D/c, where arrivals are Poisson's: one first-come first-served queue before `servers` equal servers."""

    def __init__(self, options: Namespace) -> None:
        self.free = [-math.inf] * options.servers

    def plan(self, request: Request) -> None:
        """Give it to the server that is free first."""
        request.start = max(request.arrival, self.free[0])
        request.due = request.start + request.service
        heapq.heapreplace(self.free, request.due)


class Batching(Law):
    """One server that takes up to `max_batch` waiting requests when it is free, and never waits for more.

    A batch takes the longest service time in it, and `per_item_ms` for each request.
    """

    def __init__(self, options: Namespace) -> None:
        self.most = options.max_batch
        self.per_item = options.per_item_ms / 1000.0
        self.queue: deque[Request] = deque()
        self.free = -math.inf

    def arrive(self, request: Request) -> Iterable[Request]:
        """Queue a request; return those whose batch has started by now."""
        self.queue.append(request)
        return self.until(request.arrival)

    def until(self, now: float) -> Iterable[Request]:
        """Start the batches that have to start by now, each of what had arrived when it started."""
        started: list[Request] = []
        while self.queue and (start := max(self.free, self.queue[0].arrival)) <= now:
            batch = []
            while self.queue and len(batch) < self.most and self.queue[0].arrival <= start:
                batch.append(self.queue.popleft())
            self.free = start + max(request.service for request in batch) + self.per_item * len(batch)
            for request in batch:
                request.start, request.due, request.size = start, self.free, len(batch)
            started += batch
        return started


LAWS: dict[str, type[Law]] = {
    "constant": Law,
    "lognormal": Lognormal,
    "stall": Stall,
    "mdc": Servers,
    "batching": Batching,
}
