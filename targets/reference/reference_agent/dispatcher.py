"""Where requests meet workers: one central queue, and a batch is formed only when a worker is free."""

import asyncio
import math
from collections.abc import Sequence

from reference_agent.clock import clock
from reference_agent.errors import RequestError
from reference_agent.inference.description import Description
from reference_agent.metrics import Metrics
from reference_agent.queueing.batching import Batcher
from reference_agent.queueing.cost import CostModel
from reference_agent.queueing.job import Answer, Job, Ticket
from reference_agent.queueing.policy import Policy
from reference_agent.settings import Settings
from reference_agent.workers.crew import Crew
from reference_agent.workers.pool import Pool
from reference_agent.workers.scaler import Scaler, Signs
from reference_agent.workers.worker import LOAD_SECONDS, Batch, Scores

TIMER_SECONDS = 0.001
"""What the event loop's timers resolve: a shorter wait would only spin."""
TICK_SECONDS = 0.1
"""Between two looks at workers that hang, at those that go, and at how many there should be."""


class Dispatcher:
    """Queues rows, hands them to workers in batches and gives each its scores."""

    def __init__(self, settings: Settings, crew: Crew, metrics: Metrics) -> None:
        self.pool = Pool(crew, self)
        self._settings = settings
        self._policy = settings.policy
        self._metrics = metrics
        self._cost = CostModel()
        self._batcher: Batcher | None = None  # made once a session has said how long rows may be
        self._element = 1
        self._scaler = Scaler(settings.min_workers, settings.workers) if settings.scales_workers else None
        self._widens = settings.widens
        self._timer: asyncio.TimerHandle | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._held = 0.0
        self._holding_since: float | None = None
        self._expectant = 0
        self._longest_wait = 0.0
        self._started = False
        self._draining = False
        metrics.watch(queue_depth=lambda: self.waiting, workers=lambda: len(self.pool), busy=self.pool.busy_seconds)

    async def start(self) -> None:
        """Wait until all workers that are to stand ready do; raise StartError when one cannot."""
        await self.pool.start(self._settings.workers_at_start)
        self._started = True
        self._ticker = asyncio.get_running_loop().create_task(self._tick())

    def drain(self) -> None:
        """Compute what waits without waiting for fuller batches; whoever brings requests must bring no more."""
        self._draining = True
        if self._batcher is not None:
            self._batcher.draining = True
            self.dispatch()

    def close(self) -> None:
        """End everything that runs."""
        if self._ticker is not None:
            self._ticker.cancel()
        self.pool.close()

    @property
    def accepts(self) -> bool:
        """Whether a request that came now would be queued."""
        return self._started and not self._draining and (len(self.pool) > 0 or self._settings.hires_on_demand)

    def require_open(self) -> None:
        """Refuse a client who comes while the server shuts down; jobs that were taken before are still computed."""
        if self._draining:
            raise RequestError(503, "the server is shutting down; ask another one", "draining")

    @property
    def waiting(self) -> int:
        """Rows in the queue."""
        return len(self._batcher) if self._batcher is not None else 0

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being computed."""
        return not self.waiting and not self.pool.has_busy

    @property
    def policy(self) -> Policy:
        """How requests become batches now."""
        return self._policy

    def apply(self, policy: Policy) -> None:
        """Follow another policy from now on, also for what waits already."""
        self._policy = policy
        if self._batcher is not None:
            self._batcher.apply(policy)
            self.dispatch()
        if self._scaler is not None:
            # What the load under the old policy had called for says nothing about the new one.
            self.pool.shrink_to(self._settings.min_workers)

    def known_description(self) -> Description | None:
        """What the sessions say of themselves; None until one of them has."""
        return self.pool.description if self._started else None

    async def described(self) -> Description:
        """What the sessions say of themselves; starts the first worker where none is to stand ready."""
        if not self._started:
            raise RequestError(503, "the model is still loading; try again", "not_ready")
        if self.pool.description is None:
            await self._first_worker()
        assert self.pool.description is not None
        return self.pool.description

    async def _first_worker(self) -> None:
        """Wait for the first worker with others, but not for ever, and not in numbers that the queue would refuse."""
        if self._expectant >= self._settings.queue_capacity:
            raise RequestError(503, "the model is still loading, and too many wait for it; try again", "queue_full")
        self.pool.grow_to(self._settings.min_workers if self._settings.scales_workers else 1)
        self._expectant += 1
        try:
            async with asyncio.timeout(self._settings.request_timeout_ms / 1000.0 or LOAD_SECONDS):
                await asyncio.shield(self.pool.first)
        except TimeoutError:
            raise RequestError(503, "the model is still loading; try again", "not_ready") from None
        finally:
            self._expectant -= 1

    async def compute(self, rows: Sequence[bytes], ticket: Ticket) -> list[Answer]:
        """Queue `rows` and wait for the scores of all of them."""
        batcher = self._queue()
        now = clock()
        if ticket.deadline <= now:
            raise _late(ticket)
        held = self._held_until(now)
        new = asyncio.get_running_loop().create_future
        jobs = [
            Job(row=row, size=len(row) // self._element, ticket=ticket, queued=now, answer=new(), held_before=held)
            for row in rows
        ]
        batcher.put(jobs)
        self.dispatch()
        try:
            if ticket.deadline == math.inf:
                return [await _answer(job) for job in jobs]
            async with asyncio.timeout(ticket.deadline - now):
                return [await _answer(job) for job in jobs]
        except BaseException as error:  # also when the client has gone: nobody wants what still waits
            for job in jobs:
                batcher.discard(job)
            if isinstance(error, TimeoutError):
                raise _late(ticket) from None
            raise

    def dispatch(self) -> None:
        """Hand out every batch that may leave; for the next one set a timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batcher = self._queue()
        self._held, self._holding_since = self._held_until(clock()), None
        while self.pool.has_free:
            now = clock()
            wait = batcher.wait(now)
            if wait is None:
                return
            if wait > 0.0:
                self._holding_since = now
                self._timer = asyncio.get_running_loop().call_later(max(wait, TIMER_SECONDS), self.dispatch)
                return
            self._send(batcher, now)
        if self._settings.hires_all_on_demand and len(batcher):
            self.pool.grow_to(self.pool.wanted + 1)

    def finish(self, batch: Batch, result: Scores | RequestError) -> None:
        """Give every job of a batch its answer."""
        if isinstance(result, RequestError):
            self._fail(batch.release.jobs, result)
            return
        # The worker's next batch goes out first: it computes while the answers are written.
        self.dispatch()
        jobs = batch.release.jobs
        self._cost.learn(batch.release.units, result.seconds)
        self._metrics.computed(batch.release, result.seconds)
        for job, scores in zip(jobs, result.rows, strict=True):
            waited = batch.dispatched - job.queued
            held = min(waited, batch.held - job.held_before)
            self._metrics.queue_seconds.observe(waited)
            self._longest_wait = max(self._longest_wait, waited - held)
            _settle(job, Answer(scores, waited - held, held, result.seconds, len(jobs)))

    def replaced(self) -> None:
        """Count a worker that died."""
        self._metrics.restarts.inc()

    def _send(self, batcher: Batcher, now: float) -> None:
        release, late = batcher.take(now)
        for job in late:
            _settle(job, _late(job.ticket))
        if release is None:
            return
        # Alone on the machine, a batch may have all threads; beside others one each is better.
        wide = self._widens and not self.pool.has_busy and not len(batcher)
        self.pool.send(Batch(release=release, dispatched=now, held=self._held, wide=wide))

    def _fail(self, jobs: Sequence[Job], error: RequestError) -> None:
        """Try once more what a dead worker took with it; a job that kills a second one is not tried again."""
        again = [job for job in jobs if error.reason == "worker_died" and not job.retried and not job.answer.done()]
        for job in again:
            job.retried = True
        if again:
            self._metrics.retries.inc(len(again))
            self._queue().put_back(again)
        for job in jobs:
            if job not in again:
                _settle(job, error)
        self.dispatch()

    def _queue(self) -> Batcher:
        if self._batcher is None:
            description = self.pool.description
            if not self._started and description is None:
                raise RequestError(503, "the model is still loading; try again", "not_ready")
            assert description is not None, "rows are read with what a session says of itself"
            capacity = self._settings.queue_capacity
            self._batcher = Batcher(
                self._policy,
                self._cost,
                longest=description.signature.longest,
                capacity=capacity,
                tenant_capacity=max(1, round(self._settings.tenant_share * capacity)),
            )
            self._batcher.draining = self._draining
            self._element = description.signature.element_bytes
        return self._batcher

    def _held_until(self, now: float) -> float:
        """Seconds that free workers have waited for fuller batches."""
        return self._held + (now - self._holding_since if self._holding_since is not None else 0.0)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = clock()
            self.pool.look_after(now, self._settings.worker_timeout)
            if self._scaler is not None and not self._draining:
                self._scale(self._scaler, now)

    def _scale(self, scaler: Scaler, now: float) -> None:
        # While a worker is free, what waits does so on purpose.
        oldest = 0.0 if self._batcher is None or self.pool.has_free else self._batcher.oldest_wait(now)
        signs = Signs(wait=max(self._longest_wait, oldest), busy=self.pool.busy_share(now), running=self.pool.wanted)
        self._longest_wait = 0.0
        step = scaler.decide(now, signs)
        if step > 0:
            self.pool.grow_to(self.pool.wanted + 1)
        elif step < 0:
            self.pool.shrink_to(self.pool.wanted - 1)


def _late(ticket: Ticket) -> RequestError:
    allowed = (ticket.deadline - ticket.arrived) * 1000.0
    return RequestError(504, f"no answer within the {allowed:g} ms that were given; try again later", "deadline")


def _settle(job: Job, result: Answer | RequestError) -> None:
    if not job.answer.done():  # its client may have stopped waiting
        job.answer.set_result(result)


async def _answer(job: Job) -> Answer:
    result = await job.answer
    if isinstance(result, RequestError):
        raise result
    return result
