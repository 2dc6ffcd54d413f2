"""The queue in Redis, shared by every server of an agent: each job is done at least once.

A consumer holds what it took by a lease that it renews; when its process dies, another one claims the job after the
lease. Of several outcomes of a job the first is the one that clients see.
"""

import asyncio
import contextlib
import dataclasses
import json
import time
from collections.abc import Sequence

from reference_agent.errors import RequestError, StartError
from reference_agent.jobs.backoff import pause
from reference_agent.jobs.connection import reason, shown
from reference_agent.jobs.ending import end
from reference_agent.jobs.job import Delivery, Document, Job, refuse_full, unfinished
from reference_agent.jobs.stream import START, Stream
from reference_agent.jobs.waiters import Waiters

LONGEST_BLOCK = 1.0
LONGEST_ROUND = 5.0
"""Seconds between two looks for jobs of the dead, where the lease does not ask for more."""
NEVER_MS = 10**12


class RedisBroker:
    """A Broker whose jobs live as long as Redis keeps them (see its persistence)."""

    outlives = True

    def __init__(self, url: str, *, agent: str, capacity: int, ttl: float, lease: float) -> None:
        self.ttl = ttl
        self.waiting = 0
        self._url = url
        self._capacity = capacity
        self._lease = lease
        self._stream = Stream(url, agent)
        self._round = min(lease / 3.0, LONGEST_ROUND)
        self._next_claim = 0.0
        self._has_group = False
        self._held: set[str] = set()
        self._waiters = Waiters()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Find Redis, and find it new enough; raise StartError when it is not."""
        try:
            await self._stream.create_group()
            await self._stream.claim(1, NEVER_MS, START)
        except RequestError as error:
            await self._stream.close()
            said = reason(error.__cause__)
            message = f"no jobs can be queued at {shown(self._url)} ({said}); start Redis 6.2 or newer there"
            raise StartError(message) from None
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._renew())]

    async def submit(self, job: Job) -> None:
        """Queue a job, or refuse it because too many are unfinished."""
        if not await self._stream.add(job, self._capacity):
            raise refuse_full(self._capacity)

    async def take(self, limit: int) -> Sequence[Delivery]:
        """Wait until there is a job, and hand out as many as there are, up to `limit`."""
        try:
            if not self._has_group:
                await self._stream.create_group()
                self._has_group = True
            deliveries: Sequence[Delivery] = ()
            while not deliveries:
                deliveries = await self._claim(limit) or await self._read(limit)
        except RequestError:
            self._has_group = False  # a Redis without persistence comes back without it
            raise
        self._held.update(delivery.token for delivery in deliveries)
        return deliveries

    async def finish(self, delivery: Delivery, document: Document, *, keep: bool) -> bool:
        """Make the outcome visible, unless there is one already; wake everyone who waits for it, here and elsewhere."""
        first = await self._stream.finish(delivery, json.dumps(document), _milliseconds(self.ttl), keep=keep)
        if not (first and keep):
            self._held.discard(delivery.token)
        return first

    async def acknowledge(self, delivery: Delivery) -> None:
        """Take a job off the queue that was kept there."""
        await self._stream.remove(delivery)
        self._held.discard(delivery.token)

    def let_go(self, delivery: Delivery) -> None:
        """Let the lease run out."""
        self._held.discard(delivery.token)

    async def find(self, name: str, seconds: float) -> Document | None:
        """Say how a job stands, after up to `seconds` if it is not finished before; None if there is none."""

        async def look() -> Document | None:
            return _document(name, await self._stream.look(name))

        return await self._waiters.find(name, look, seconds)

    async def leave(self) -> None:
        """Hand back what is in this process's hands, and let nobody wait any longer."""
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        await end(tasks)
        with contextlib.suppress(RequestError):  # then the lease runs out
            await self._stream.leave(_milliseconds(self._lease))
        self._waiters.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._stream.close()

    async def _read(self, limit: int) -> Sequence[Delivery]:
        seconds = min(self._next_claim - time.monotonic(), LONGEST_BLOCK)
        return await self._stream.read(limit, _milliseconds(seconds))

    async def _claim(self, limit: int) -> Sequence[Delivery]:
        """Take over what the dead have left, when it is time to look for that."""
        if time.monotonic() < self._next_claim:
            return ()
        cursor, first = START, True
        while first or cursor != START:
            cursor, claimed = await self._stream.claim(limit, _milliseconds(self._lease), cursor)
            # After a long silence of Redis our own leases have run out too, but we are not dead.
            claimed = [delivery for delivery in claimed if delivery.token not in self._held]
            if claimed:
                return [await self._with_outcome(delivery) for delivery in claimed]
            first = False
        self.waiting = await self._stream.waiting()
        self._next_claim = time.monotonic() + self._round
        return ()

    async def _with_outcome(self, delivery: Delivery) -> Delivery:
        document = _document(delivery.job.id, await self._stream.look(delivery.job.id))
        if document is None or "seconds" not in document:
            return delivery
        return dataclasses.replace(delivery, finished=document)

    async def _renew(self) -> None:
        """Renew the leases of all that is held, for as long as this process lives."""
        while True:
            await asyncio.sleep(self._lease / 3.0)
            with contextlib.suppress(RequestError):
                if self._held:
                    await self._stream.renew(self._held)

    async def _listen(self) -> None:
        """Wake those who wait for a job that finished, in whichever process."""
        failures = 0

        def heard(name: str) -> None:
            nonlocal failures
            failures = 0
            if name:
                self._waiters.wake(name)
            else:
                self._waiters.wake_all()

        while True:
            with contextlib.suppress(RequestError):
                await self._stream.listen(heard)
            failures += 1
            await asyncio.sleep(pause(failures))


def _document(name: str, known: str | None) -> Document | None:
    if known is None or not known.startswith("{"):
        return None if known is None else unfinished(name, known)
    document: Document = json.loads(known)
    return document


def _milliseconds(seconds: float) -> int:
    """Never 0, which Redis reads as without an end."""
    return max(int(seconds * 1000.0), 1)
