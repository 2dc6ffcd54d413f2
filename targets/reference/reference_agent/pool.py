"""The workers as the front sees them: loading, free, busy, replaced when they die."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from reference_agent.batcher import Job
from reference_agent.description import Description
from reference_agent.errors import RequestError, StartError
from reference_agent.process import WorkerProcess, start_worker
from reference_agent.settings import Settings
from reference_agent.wire import FrameBuffer, Kind, frame, pack_batch

STOP_SECONDS = 2.0
"""A worker that has not gone this long after its link was closed is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs that one worker computes, and when they were handed to it."""

    jobs: Sequence[Job]
    dispatched: float


class Client(Protocol):
    """Who gives the pool its batches."""

    def dispatch(self) -> None:
        """A worker is free."""

    def finish(self, batch: Batch, result: bytes | RequestError) -> None:
        """The payload of a batch's scores, or why there are none; its worker is free or gone by now."""

    def replace(self) -> None:
        """A worker died; another one is loading."""


class Worker(asyncio.Protocol):
    """The front's side of one worker's link."""

    def __init__(self, pool: "Pool", process: WorkerProcess) -> None:
        self.process = process
        self.ready: asyncio.Future[Description] = asyncio.get_running_loop().create_future()
        self.loaded = False
        self._pool = pool
        self._frames = FrameBuffer()
        self._batch: Batch | None = None
        self._transport: asyncio.WriteTransport | None = None

    def send(self, batch: Batch) -> None:
        """Hand over a batch; the worker must be free."""
        assert self._transport is not None, "a worker takes batches once it is connected"
        assert self._batch is None, "only a free worker takes a batch"
        self._batch = batch
        self._transport.write(frame(Kind.BATCH, pack_batch([job.row for job in batch.jobs])))

    def close(self) -> None:
        """Close the link, which ends the worker after the batch it has."""
        # The transport alone would tell the worker only after the event loop's next turn.
        with contextlib.suppress(OSError):
            self.process.link.shutdown(socket.SHUT_RDWR)
        if self._transport is not None:
            self._transport.abort()
        self.process.link.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write to."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Handle what the worker says."""
        for kind, payload in self._frames.feed(data):
            if self.loaded:
                batch, self._batch = self._batch, None
                assert batch is not None, "a worker answers only what it was sent"
                failed = RequestError(500, payload.decode()) if kind is Kind.FAILED else None
                self._pool.release(self, batch, failed or payload)
            elif kind is Kind.READY:
                self.loaded = True
                facts = json.loads(payload)
                self.ready.set_result(Description(**facts | {"labels": tuple(facts["labels"])}))
            else:
                self.ready.set_exception(StartError(payload.decode()))

    def connection_lost(self, _exc: Exception | None) -> None:
        """Handle the worker's end, expected or not."""
        if self.loaded:
            self._pool.lose(self, self._batch)
        elif not self.ready.done():
            code = self.process.end(STOP_SECONDS)
            self.ready.set_exception(StartError(f"a worker ended with code {code} while it loaded the model"))


class Pool:
    """All workers of a server."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self.description: Description | None = None
        self.broken: asyncio.Future[StartError] = asyncio.get_running_loop().create_future()
        """Done when a worker that died could not be replaced."""
        self._settings = settings
        self._client = client
        self._workers: set[Worker] = set()
        self._free: list[Worker] = []
        self._repairs: set[asyncio.Task[None]] = set()
        self._closing = False

    def __len__(self) -> int:
        """How many workers have loaded and live."""
        return sum(worker.loaded for worker in self._workers)

    @property
    def has_free(self) -> bool:
        """Whether a batch would be computed at once."""
        return bool(self._free)

    @property
    def has_busy(self) -> bool:
        """Whether a worker holds a batch."""
        return len(self._free) < len(self)

    async def start(self, processes: Sequence[WorkerProcess]) -> None:
        """Wait until all workers have loaded and rehearsed; raise StartError when one cannot."""
        await asyncio.gather(*map(self._admit, processes))

    def send(self, batch: Batch) -> None:
        """Let a free worker compute a batch: the one that was busy last, its caches are warm."""
        self._free.pop().send(batch)

    def release(self, worker: Worker, batch: Batch, result: bytes | RequestError) -> None:
        """Take a worker back and pass on what it says."""
        self._free.append(worker)
        self._client.finish(batch, result)

    def lose(self, worker: Worker, batch: Batch | None) -> None:
        """Replace a worker that died and fail what it was computing."""
        self._workers.discard(worker)
        if self._closing:
            return
        if worker in self._free:
            self._free.remove(worker)
        worker.close()
        worker.process.end(STOP_SECONDS)
        self._client.replace()
        repair = asyncio.get_running_loop().create_task(self._repair())
        self._repairs.add(repair)
        repair.add_done_callback(self._repairs.discard)
        if batch is not None:
            self._client.finish(batch, RequestError(503, "the worker of this request died; try again", "worker_died"))

    def close(self) -> None:
        """End all workers and wait until they are gone."""
        self._closing = True
        for repair in self._repairs:
            repair.cancel()
        workers = list(self._workers)
        for worker in workers:
            worker.close()
        for worker in workers:
            worker.process.end(STOP_SECONDS)

    async def _admit(self, process: WorkerProcess) -> None:
        worker = Worker(self, process)
        self._workers.add(worker)
        await asyncio.get_running_loop().create_connection(lambda: worker, sock=process.link)
        description = await worker.ready
        if self.description not in (None, description):
            raise StartError(f"{self._settings.model} has changed since the server started; start the server again")
        self.description = description
        self._free.append(worker)
        self._client.dispatch()

    async def _repair(self) -> None:
        try:
            await self._admit(start_worker(self._settings))
        except StartError as error:
            if not self.broken.done():
                self.broken.set_result(error)
