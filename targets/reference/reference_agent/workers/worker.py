"""A worker as the front sees it, wherever it runs."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from reference_agent.clock import clock
from reference_agent.errors import RequestError
from reference_agent.inference.description import Description
from reference_agent.queueing.batching import Release
from reference_agent.workers.wire import Shape

LOAD_SECONDS = 60.0
"""A worker that has not loaded its model after so long is killed."""
STOP_SECONDS = 2.0
"""A worker that has not gone this long after it was told to is killed."""


class Scores(NamedTuple):
    """What a batch brought: seconds of compute, and the scores of each row."""

    seconds: float
    rows: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs that one worker computes."""

    release: Release
    dispatched: float
    held: float
    """Seconds that free workers had waited for fuller batches until then, since the server started."""
    wide: bool
    """Whether it may have all threads of the worker."""

    @property
    def shape(self) -> Shape:
        """How it is computed."""
        return Shape(self.release.rows, self.release.columns, self.wide)


class Employer(Protocol):
    """Who is told what becomes of a worker."""

    def release(self, worker: "Worker", batch: Batch, result: Scores | RequestError) -> None:
        """A worker is free again."""

    def lose(self, worker: "Worker") -> None:
        """A worker that was ready is gone."""


class Worker(ABC):
    """One worker: loading, free, busy with one batch, or gone."""

    def __init__(self, number: int, employer: Employer) -> None:
        self.number = number
        self.ready: asyncio.Future[Description] = asyncio.get_running_loop().create_future()
        self.batch: Batch | None = None
        self.started = clock()
        self._employer = employer
        self._busy = 0.0

    def send(self, batch: Batch) -> None:
        """Hand over a batch; the worker must be free."""
        assert self.batch is None, "only a free worker takes a batch"
        self.batch = batch
        self.write([job.row for job in batch.release.jobs], batch.shape)

    def finish(self, result: Scores | RequestError) -> None:
        """Take what the worker says of its batch."""
        batch, self.batch = self.batch, None
        assert batch is not None, "a worker answers only what it was sent"
        self._busy += clock() - batch.dispatched
        self._employer.release(self, batch, result)

    def busy_seconds(self, now: float) -> float:
        """Seconds in which it had a batch, until now."""
        return self._busy + (now - self.batch.dispatched if self.batch is not None else 0.0)

    @property
    def loaded(self) -> bool:
        """Whether it has been ready to compute, and lives as far as is known."""
        return self.ready.done() and not self.ready.cancelled() and self.ready.exception() is None

    @abstractmethod
    def write(self, rows: Sequence[bytes], shape: Shape) -> None:
        """Let the worker compute rows."""

    @abstractmethod
    def close(self) -> None:
        """Tell the worker to go; returns at once."""

    @abstractmethod
    def kill(self) -> None:
        """End the worker whatever it does."""

    @abstractmethod
    def is_gone(self) -> bool:
        """Whether nothing is left of it."""

    @abstractmethod
    def join(self, seconds: float) -> None:
        """Wait until it is gone, and end it when that takes longer."""
