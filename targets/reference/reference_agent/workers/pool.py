"""The workers of a server: free, busy, replaced when they die or hang, more or fewer as it is wanted."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from reference_agent.clock import clock
from reference_agent.errors import DiedError, RequestError, StartError
from reference_agent.inference.description import Description
from reference_agent.workers.crew import Crew
from reference_agent.workers.worker import LOAD_SECONDS, STOP_SECONDS, Batch, Scores, Worker

MOST_DEATHS = 5
"""So many workers in a row that end while they load are no accident."""


class Client(Protocol):
    """Who gives the pool its batches."""

    def dispatch(self) -> None:
        """A worker is free."""

    def finish(self, batch: Batch, result: Scores | RequestError) -> None:
        """What a batch brought, or why it brought nothing; its worker is free or gone by now."""

    def replaced(self) -> None:
        """A worker died; another one is loading."""


class Pool:
    """All workers of a server, each with the lowest number that was free when it came."""

    def __init__(self, crew: Crew, client: Client) -> None:
        loop = asyncio.get_running_loop()
        self.description: Description | None = None
        self.first: asyncio.Future[None] = loop.create_future()
        """Done when the first worker has loaded."""
        self.broken: asyncio.Future[StartError] = loop.create_future()
        """Done when a worker could not be started after the server was."""
        self.wanted = 0
        """How many workers there are to be."""
        self._crew = crew
        self._client = client
        self._workers: dict[int, Worker] = {}
        self._free: list[Worker] = []
        self._leaving: dict[Worker, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy_of_those_gone: dict[int, float] = {}
        self._looked, self._busy_then = 0.0, 0.0
        self._deaths = 0
        """Workers in a row that ended while they loaded."""
        self._closing = False

    def __len__(self) -> int:
        """How many workers have loaded and live."""
        return sum(worker.loaded for worker in self._workers.values())

    @property
    def has_free(self) -> bool:
        """Whether a batch would be computed at once."""
        return bool(self._free)

    @property
    def has_busy(self) -> bool:
        """Whether a worker holds a batch."""
        return any(worker.batch is not None for worker in self._workers.values())

    async def start(self, count: int) -> None:
        """Wait until so many workers have loaded and rehearsed; raise StartError when one cannot."""
        self.wanted = count
        try:
            workers = [self._hire(number) for number in range(count)]
        except OSError as error:
            raise StartError(f"no worker can be started ({error.strerror})") from None
        await asyncio.gather(*map(self._admit, workers))

    def grow_to(self, count: int) -> None:
        """Start workers until there are so many, but never more than may be."""
        self.wanted = max(self.wanted, min(count, self._crew.most))
        free_numbers = (number for number in range(self._crew.most) if number not in self._workers)
        for number in list(free_numbers)[: max(0, self.wanted - len(self._workers))]:
            self._begin(number)

    def shrink_to(self, count: int) -> None:
        """Let free workers go until there are so many: those with the highest numbers; busy ones stay."""
        while self._free and self.wanted > max(1, count):
            worker = max(self._free, key=lambda one: one.number)
            self.wanted -= 1
            self._free.remove(worker)
            self._dismiss(worker)

    def send(self, batch: Batch) -> None:
        """Let a free worker compute a batch: the one that was busy last, its caches are warm."""
        self._free.pop().send(batch)

    def release(self, worker: Worker, batch: Batch, result: Scores | RequestError) -> None:
        """Take a worker back and pass on what it says."""
        self._free.append(worker)
        self._client.finish(batch, result)

    def lose(self, worker: Worker) -> None:
        """Replace a worker that died and say so of what it was computing."""
        if worker in self._free:
            self._free.remove(worker)
        self._dismiss(worker)
        batch, worker.batch = worker.batch, None
        if self._closing:
            return
        self._client.replaced()
        if batch is not None:
            self._client.finish(batch, RequestError(503, "the worker of this request died; try again", "worker_died"))
        self.grow_to(self.wanted)

    def look_after(self, now: float, longest: float) -> None:
        """Replace workers whose batch has taken longer than `longest` seconds, and collect those that have gone."""
        for worker in list(self._workers.values()):
            if worker.batch is not None and now - worker.batch.dispatched > longest:
                worker.kill()
                self.lose(worker)
            elif not worker.ready.done() and now - worker.started > LOAD_SECONDS:
                worker.kill()
        self.grow_to(self.wanted)  # as far as it failed before
        for worker, since in list(self._leaving.items()):
            if not worker.is_gone() and now - since > STOP_SECONDS:
                worker.kill()
            if worker.is_gone():
                del self._leaving[worker]

    def busy_seconds(self) -> Mapping[int, float]:
        """Seconds in which the worker of each number had a batch."""
        now = clock()
        busy = dict(self._busy_of_those_gone)
        for number, worker in self._workers.items():
            busy[number] = busy.get(number, 0.0) + worker.busy_seconds(now)
        return busy

    def busy_share(self, now: float) -> float:
        """How many workers were busy on average since this was asked last."""
        busy = sum(self.busy_seconds().values())
        share = (busy - self._busy_then) / (now - self._looked) if self._looked else 0.0
        self._looked, self._busy_then = now, busy
        return share

    def close(self) -> None:
        """End all workers and wait until they are gone."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        workers = [*self._workers.values(), *self._leaving]
        for worker in workers:
            worker.close()
        for worker in workers:
            worker.join(STOP_SECONDS)

    def _begin(self, number: int) -> None:
        """Start a worker beside those that run; where the machine refuses, the next look tries again."""
        try:
            worker = self._hire(number)
        except OSError:
            return
        task = asyncio.get_running_loop().create_task(self._admit_or_say_why_not(worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _hire(self, number: int) -> Worker:
        worker = self._workers[number] = self._crew.hire(number, self)
        return worker

    async def _admit_or_say_why_not(self, worker: Worker) -> None:
        try:
            await self._admit(worker)
        except DiedError as error:
            self._deaths += 1
            self._dismiss(worker)  # the next look starts another one
            if self._deaths >= MOST_DEATHS:
                self._break(error)
        except StartError as error:
            self._break(error)

    def _break(self, error: StartError) -> None:
        if not self.broken.done():
            self.broken.set_result(error)
        if not self.first.done():
            self.first.set_exception(RequestError(503, "no worker could be started; the server ends", "broken"))
            self.first.exception()  # nobody may be waiting for it

    async def _admit(self, worker: Worker) -> None:
        description = await worker.ready
        if self.description not in (None, description):
            raise StartError("the model file has changed since the server started; start the server again")
        self._deaths = 0
        self.description = description
        if not self.first.done():
            self.first.set_result(None)
        self._free.append(worker)
        self._client.dispatch()

    def _dismiss(self, worker: Worker) -> None:
        now = clock()
        gone = self._busy_of_those_gone
        gone[worker.number] = gone.get(worker.number, 0.0) + worker.busy_seconds(now)
        del self._workers[worker.number]
        worker.close()
        self._leaving[worker] = now
