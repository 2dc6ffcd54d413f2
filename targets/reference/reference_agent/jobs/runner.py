"""The consumer: takes jobs from a queue, has several done at once, and leaves nothing behind when it ends."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

from reference_agent.errors import RequestError
from reference_agent.jobs.backoff import pause
from reference_agent.jobs.broker import Broker
from reference_agent.jobs.callbacks import Callbacks
from reference_agent.jobs.ending import end
from reference_agent.jobs.job import Delivery, Document, Job
from reference_agent.jobs.metrics import JobMetrics
from reference_agent.jobs.work import Run, Work

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Runner:
    """One server's part in a queue. Between start() and drain() it takes jobs; close() ends it at any time."""

    def __init__(
        self,
        broker: Broker,
        run: Run,
        *,
        callbacks: Callbacks,
        metrics: JobMetrics,
        concurrency: int = 64,
        attempts: int = 5,
    ) -> None:
        self.broker = broker
        self._work = Work(run, attempts, metrics)
        self._callbacks = callbacks
        self._metrics = metrics
        self._concurrency = concurrency
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._taking: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._draining = self._ended = False
        metrics.watch(waiting=lambda: broker.waiting, running=lambda: self._running)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Begin to take jobs; raise StartError when there is no queue."""
        await self.broker.start()
        self._taking = asyncio.create_task(self._take())

    async def submit(self, job: Job) -> None:
        """Queue a job, unless the server is about to end."""
        if self._draining:
            raise RequestError(503, "the server is shutting down; ask another one", "draining")
        await self.broker.submit(job)
        self._metrics.submitted.inc()

    async def drain(self, seconds: float) -> bool:
        """Finish what has begun, and what would be lost with this process; return whether nothing was lost.

        What is not finished in time goes back to a queue that outlives this process. Whoever waits for a job is told
        how it stands. `run` must still answer meanwhile.
        """
        self._draining = True
        if self.broker.outlives:
            self._work.leave()
            await self._stop_taking()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._finish()
        lost = self._is_busy and not self.broker.outlives
        await self._stop()
        return not lost

    async def close(self) -> None:
        """End at once, where drain() has not; close every connection."""
        await self._stop()
        await self._callbacks.close()
        await self.broker.close()

    @property
    def _is_busy(self) -> bool:
        return bool(self._tasks) or (self.broker.waiting > 0 and not self.broker.outlives)

    async def _finish(self) -> None:
        while self._is_busy:
            self._changed.clear()
            await self._changed.wait()

    async def _stop(self) -> None:
        self._ended = True
        await self._stop_taking()
        await end(self._tasks)
        await self.broker.leave()

    async def _stop_taking(self) -> None:
        if self._taking is not None:
            await end([self._taking])

    async def _take(self) -> None:
        """Take as many jobs as there are hands for."""
        while True:
            while self._running >= self._concurrency:
                self._changed.clear()
                await self._changed.wait()
            for delivery in await self._insist(lambda: self.broker.take(self._concurrency - self._running)):
                self._running += 1
                task = asyncio.create_task(self._handle(delivery))
                self._tasks.add(task)
                task.add_done_callback(functools.partial(self._forget, delivery))

    def _forget(self, delivery: Delivery, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None and not self._ended:
            _log.error("job %s was dropped", delivery.job.id, exc_info=error)
            self.broker.let_go(delivery)

    async def _handle(self, delivery: Delivery) -> None:
        """Do a job, make its outcome visible, then post it to whoever wants that, in this order."""
        try:
            document = delivery.finished or await self._outcome(delivery)
        finally:
            self._running -= 1  # a slow callback holds up no other job
            self._changed.set()
        if document is not None and delivery.job.callback:
            arrived = await self._callbacks.send(delivery.job.callback, document)
            self._metrics.callbacks.labels("arrived" if arrived else "given_up").inc()
            await self._insist(lambda: self.broker.acknowledge(delivery))

    async def _outcome(self, delivery: Delivery) -> Document | None:
        """Return the outcome when it is ours to tell."""
        document = await self._work.do(delivery)
        if document is None:
            return None
        keep = bool(delivery.job.callback)
        if not await self._insist(lambda: self.broker.finish(delivery, document, keep=keep)):
            return None
        self._metrics.jobs.labels(document["status"]).inc()
        self._metrics.seconds.observe(document["seconds"])
        return document

    async def _insist(self, step: Callable[[], Awaitable[T]]) -> T:
        """Repeat a step until the queue answers."""
        failures = 0
        while True:
            try:
                return await step()
            except RequestError as error:
                failures += 1
                if failures == 1:
                    _log.warning("%s", error)
                await asyncio.sleep(pause(failures))
