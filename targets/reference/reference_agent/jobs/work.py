"""Doing one job: as many attempts as it takes and as it may have."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from reference_agent.errors import RequestError
from reference_agent.jobs.backoff import pause
from reference_agent.jobs.job import Delivery, Document, Job, done, failed
from reference_agent.jobs.metrics import JobMetrics

Run = Callable[[Any], Awaitable[dict[str, Any]]]
"""Answers the document of a request. A RequestError that is temporary asks to be tried again later."""

NOT_BEGUN = frozenset({"queue_full", "tenant_full", "not_ready", "draining"})
"""Reasons of a refusal that say nothing of the job: a queue is there to outlast them, so they cost no attempt."""

_log = logging.getLogger(__name__)


class Work:
    """Turns jobs into their outcomes."""

    def __init__(self, run: Run, attempts: int, metrics: JobMetrics) -> None:
        self._run = run
        self._attempts = attempts
        self._metrics = metrics
        self._left = asyncio.Event()

    def leave(self) -> None:
        """Begin no attempt any more: others will."""
        self._left.set()

    async def do(self, delivery: Delivery) -> Document | None:
        """Return the outcome of a job; None when it is left to others."""
        job = delivery.job
        if delivery.number > self._attempts:
            return failed(job, f"given up: its server ended each of the {self._attempts} times that it was begun")
        attempts = failures = 0
        while True:
            outcome = await self._attempt(job)
            if not isinstance(outcome, RequestError):
                return outcome
            failures += 1
            attempts += outcome.reason not in NOT_BEGUN
            if attempts >= self._attempts:
                return failed(job, f"given up after {attempts} attempts: {outcome}")
            self._metrics.retries.inc()
            if await self._is_left(pause(failures)):
                return None

    async def _attempt(self, job: Job) -> Document | RequestError:
        """Try once; return an outcome, or why to try again."""
        begun = time.time()
        try:
            return done(job, await self._run(json.loads(job.request)), begun)
        except RequestError as error:
            return error if error.is_temporary else failed(job, str(error))
        except Exception:
            _log.exception("job %s", job.id)
            return failed(job, "the server made a mistake; its log has the details")

    async def _is_left(self, seconds: float) -> bool:
        """Wait, but not when the job is left to others."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._left.wait()
        return self._left.is_set()
