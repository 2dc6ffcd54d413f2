"""A worker in a process of its own: what it does to itself, it does to nobody else."""

import asyncio
import contextlib
import json
import socket
import subprocess
from collections.abc import Sequence
from typing import cast

from reference_agent.errors import DiedError, RequestError, StartError
from reference_agent.inference.description import read_description
from reference_agent.workers.process import WorkerProcess
from reference_agent.workers.wire import FrameBuffer, Kind, Shape, frame, pack_batch, unpack_scores
from reference_agent.workers.worker import STOP_SECONDS, Employer, Scores, Worker


class ProcessWorker(Worker, asyncio.Protocol):
    """The front's side of one worker process."""

    def __init__(self, number: int, employer: Employer, process: WorkerProcess) -> None:
        super().__init__(number, employer)
        self._process = process
        self._frames = FrameBuffer()
        self._transport: asyncio.WriteTransport | None = None
        self._closing = False
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, sock=self._process.link)

    def write(self, rows: Sequence[bytes], shape: Shape) -> None:
        """Let the worker compute rows."""
        assert self._transport is not None, "a worker takes batches once it is connected"
        self._transport.write(frame(Kind.BATCH, pack_batch(rows, shape)))

    def close(self) -> None:
        """Close the link, which ends the worker after the batch it has."""
        self._closing = True
        # The transport alone would tell the worker only after the event loop's next turn.
        with contextlib.suppress(OSError):
            self._process.link.shutdown(socket.SHUT_RDWR)
        if self._transport is not None:
            self._transport.abort()
        self._process.link.close()

    def kill(self) -> None:
        """End the process whatever it does."""
        self._process.process.kill()

    def is_gone(self) -> bool:
        """Whether the process has ended and was collected."""
        return self._process.process.poll() is not None

    def join(self, seconds: float) -> None:
        """Wait until the process has ended, and kill it when that takes longer."""
        try:
            self._process.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.process.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write to."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Handle what the worker says."""
        for kind, payload in self._frames.feed(data):
            if self.batch is not None:
                self.finish(self._result(kind, payload, len(self.batch.release.jobs)))
            elif kind is Kind.READY:
                self.ready.set_result(read_description(json.loads(payload)))
            else:
                self.ready.set_exception(StartError(payload.decode()))

    def connection_lost(self, _exc: Exception | None) -> None:
        """Handle the worker's end, expected or not."""
        if self._closing:
            return
        if self.loaded:
            self._employer.lose(self)
        elif not self.ready.done():
            self.join(STOP_SECONDS)
            code = self._process.process.returncode
            self.ready.set_exception(DiedError(f"a worker ended with code {code} while it loaded the model"))

    @staticmethod
    def _result(kind: Kind, payload: bytes, rows: int) -> Scores | RequestError:
        if kind is Kind.FAILED:
            return RequestError(500, payload.decode())
        return Scores(*unpack_scores(payload, rows))
