"""Where requests meet workers: one central queue, and a batch is formed only when a worker is free."""

import asyncio
import time
from collections.abc import Sequence

from reference_agent.batcher import Answer, Batcher, Job
from reference_agent.description import Description
from reference_agent.errors import RequestError
from reference_agent.metrics import Metrics
from reference_agent.pool import Batch, Pool
from reference_agent.process import WorkerProcess
from reference_agent.settings import Settings
from reference_agent.wire import unpack_scores

TIMER_SECONDS = 0.001
"""What the event loop's timers resolve: a shorter wait would only spin."""

clock = time.perf_counter


class Scheduler:
    """Queues rows, hands them to workers in batches and gives each its scores."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.pool = Pool(settings, self)
        self._request_timeout = settings.request_timeout_ms / 1000.0
        self._metrics = metrics
        self._batcher = Batcher(
            max_batch_size=settings.max_batch_size,
            timeout=settings.batch_timeout_ms / 1000.0,
            capacity=settings.queue_capacity,
        )
        self._timer: asyncio.TimerHandle | None = None
        self._started = False
        self._draining = False
        metrics.watch(queue_depth=lambda: len(self._batcher), workers=lambda: len(self.pool))

    async def start(self, processes: Sequence[WorkerProcess]) -> None:
        """Wait until all workers have answered a rehearsal; raise StartError when one cannot."""
        await self.pool.start(processes)
        self._started = True

    def drain(self) -> None:
        """Take nothing more, and compute what waits without waiting for fuller batches."""
        self._draining = True
        self._batcher.timeout = 0.0
        self.dispatch()

    @property
    def accepts(self) -> bool:
        """Whether a request that came now would be queued."""
        return self._started and not self._draining

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being computed."""
        return not len(self._batcher) and not self.pool.has_busy

    @property
    def description(self) -> Description:
        """What the sessions say of themselves; a RequestError until all of them have."""
        if not self._started or self.pool.description is None:
            raise RequestError(503, "the model is still loading; try again", "not_ready")
        return self.pool.description

    async def compute(self, rows: Sequence[bytes], arrived: float) -> list[Answer]:
        """Queue `rows` and wait for the scores of all of them."""
        if self._draining:
            raise RequestError(503, "the server is shutting down; ask another one", "draining")
        loop = asyncio.get_running_loop()
        jobs = [Job(row=row, arrived=arrived, answer=loop.create_future()) for row in rows]
        self._batcher.put(jobs)
        self.dispatch()
        if not self._request_timeout:
            return [await _answer(job) for job in jobs]
        try:
            async with asyncio.timeout(self._request_timeout):
                return [await _answer(job) for job in jobs]
        except TimeoutError:
            message = f"no answer within {self._request_timeout * 1000.0:g} ms; try again later"
            raise RequestError(504, message, "timeout") from None
        finally:
            for job in jobs:
                self._batcher.discard(job)

    def dispatch(self) -> None:
        """Hand out every batch that may leave; for the next one set a timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self.pool.has_free:
            now = clock()
            wait = self._batcher.wait(now)
            if wait is None:
                return
            if wait > 0.0:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(max(wait, TIMER_SECONDS), self.dispatch)
                return
            self.pool.send(Batch(jobs=self._batcher.take(), dispatched=now))

    def finish(self, batch: Batch, result: bytes | RequestError) -> None:
        """Give every job of a batch its answer."""
        # The worker's next batch goes out first: it computes while the answers are written.
        self.dispatch()
        if isinstance(result, RequestError):
            for job in batch.jobs:
                _settle(job, result)
            return
        size = len(batch.jobs)
        seconds, scores = unpack_scores(result, size)
        self._metrics.batch_size.observe(size)
        self._metrics.compute_seconds.observe(seconds)
        for job, row in zip(batch.jobs, scores, strict=True):
            queued = batch.dispatched - job.arrived
            self._metrics.queue_seconds.observe(queued)
            _settle(job, Answer(scores=row, queued=queued, computed=seconds, batch_size=size))

    def replace(self) -> None:
        """Count a worker that died."""
        self._metrics.restarts.inc()


def _settle(job: Job, result: Answer | RequestError) -> None:
    if not job.answer.done():  # its client may have stopped waiting
        job.answer.set_result(result)


async def _answer(job: Job) -> Answer:
    result = await job.answer
    if isinstance(result, RequestError):
        raise result
    return result
