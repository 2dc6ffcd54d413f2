"""The queue of waiting requests and the one rule that says when its head leaves as a batch."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from reference_agent.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The scores of one row, and where its time went; times in seconds."""

    scores: bytes
    queued: float
    computed: float
    batch_size: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """One row that waits for its scores."""

    row: bytes
    arrived: float
    """On the same monotonic clock as every `now` below, in seconds."""
    answer: asyncio.Future[Answer | RequestError]
    """An error is a result too: nobody has to be listening for it."""


class Batcher:
    """A bounded first-in, first-out queue.

    A batch may leave when the queue holds `max_batch_size` jobs, or when the oldest has waited `timeout` seconds.
    It knows no workers: the scheduler asks it only when one is free, so a batch is as full as it can be by then.
    """

    def __init__(self, *, max_batch_size: int, timeout: float, capacity: int) -> None:
        self.max_batch_size = max_batch_size
        self.timeout = timeout
        self.capacity = capacity
        self._jobs: deque[Job] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, jobs: Sequence[Job]) -> None:
        """Queue all of `jobs` or, when there is no room for all, none."""
        if len(self._jobs) + len(jobs) > self.capacity:
            raise RequestError(503, f"the queue is full ({self.capacity} requests wait); try again", "queue_full")
        self._jobs.extend(jobs)

    def discard(self, job: Job) -> None:
        """Take out a job that nobody waits for any more; one that has left already is past discarding."""
        if job in self._jobs:
            self._jobs.remove(job)

    def wait(self, now: float) -> float | None:
        """Seconds until a batch may leave: 0 for now, None when nothing waits."""
        if not self._jobs:
            return None
        if len(self._jobs) >= self.max_batch_size:
            return 0.0
        return max(0.0, self._jobs[0].arrived + self.timeout - now)

    def take(self) -> list[Job]:
        """Remove and return the oldest jobs, as many as fit into a batch."""
        return [self._jobs.popleft() for _ in range(min(self.max_batch_size, len(self._jobs)))]
