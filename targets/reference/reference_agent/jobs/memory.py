"""The queue in this process: nothing to install, and gone with the process."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from reference_agent.jobs.job import Delivery, Document, Job, refuse_full, unfinished
from reference_agent.jobs.waiters import Waiters

RESULTS_PER_JOB = 10
"""How many results are kept for every job that may be unfinished; above that the oldest go before their time."""


class MemoryBroker:
    """A Broker of one process and one event loop."""

    outlives = False

    def __init__(self, *, capacity: int, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.ttl = ttl
        self._capacity = capacity
        self._clock = clock
        self._queue: deque[Job] = deque()
        self._unfinished: dict[str, str] = {}
        self._results: dict[str, tuple[float, str]] = {}
        self._arrived = asyncio.Event()
        self._waiters = Waiters()

    @property
    def waiting(self) -> int:
        """How many jobs are in no one's hands."""
        return len(self._queue)

    async def start(self) -> None:
        """There is nothing to make ready."""

    async def submit(self, job: Job) -> None:
        """Queue a job, or refuse it because too many are unfinished."""
        if len(self._unfinished) >= self._capacity:
            raise refuse_full(self._capacity)
        self._unfinished[job.id] = "queued"
        self._queue.append(job)
        self._arrived.set()

    async def take(self, limit: int) -> Sequence[Delivery]:
        """Wait until there is a job, and hand out as many as there are, up to `limit`."""
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        jobs = [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
        self._unfinished.update((job.id, "running") for job in jobs)
        return [Delivery(job=job) for job in jobs]

    async def finish(self, delivery: Delivery, document: Document, *, keep: bool) -> bool:
        """Make the outcome visible; each job is handed out once, so it is always the first one."""
        name = delivery.job.id
        self._purge()
        self._results[name] = (self._clock() + self.ttl, json.dumps(document))
        if not keep:
            await self.acknowledge(delivery)
        self._waiters.wake(name)
        return True

    async def acknowledge(self, delivery: Delivery) -> None:
        """Make room for another job."""
        self._unfinished.pop(delivery.job.id, None)

    def let_go(self, delivery: Delivery) -> None:
        """Forget the job: there is nobody else."""
        self._unfinished.pop(delivery.job.id, None)

    async def find(self, name: str, seconds: float) -> Document | None:
        """Say how a job stands, after up to `seconds` if it is not finished before; None if there is none."""

        async def look() -> Document | None:
            return self._look(name)

        return await self._waiters.find(name, look, seconds)

    async def leave(self) -> None:
        """Let nobody wait any longer; there is no one to hand anything to."""
        self._waiters.close()

    async def close(self) -> None:
        """There is no connection to close."""

    def _look(self, name: str) -> Document | None:
        expiry, text = self._results.get(name, (0.0, ""))
        if text:
            document: dict[str, Any] | None = json.loads(text) if self._clock() < expiry else None
            return document
        status = self._unfinished.get(name)
        return None if status is None else unfinished(name, status)

    def _purge(self) -> None:
        """Drop what has expired, and the oldest results when there are too many; they lie in the order of time."""
        now, most = self._clock(), self._capacity * RESULTS_PER_JOB
        while self._results:
            oldest = next(iter(self._results))
            if len(self._results) < most and now < self._results[oldest][0]:
                return
            del self._results[oldest]
