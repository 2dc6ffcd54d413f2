"""A worker in a thread of the front: less memory and a shorter way, but a crash takes the server with it.

All threads share one session, its weights and its pool of threads.
"""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from queue import SimpleQueue

from reference_agent.errors import RequestError, StartError
from reference_agent.inference.description import Description
from reference_agent.workers.computer import Computer
from reference_agent.workers.spec import WorkerSpec
from reference_agent.workers.wire import Shape
from reference_agent.workers.worker import Employer, Scores, Worker

Work = tuple[Sequence[bytes], Shape]


def load_in_thread(spec: WorkerSpec) -> "Future[Computer]":
    """Start to load the sessions that all thread workers share."""
    future: Future[Computer] = Future()

    def load() -> None:
        try:
            future.set_result(Computer.load(spec))
        except StartError as error:
            future.set_exception(error)
        except Exception as error:  # nobody else would hear of it
            future.set_exception(StartError(f"the model cannot be loaded: {error!r}"))

    threading.Thread(target=load, daemon=True, name="load").start()
    return future


class ThreadWorker(Worker):
    """One thread; daemonic, because a thread that hangs cannot be ended, only left behind."""

    def __init__(self, number: int, employer: Employer, loading: "Future[Computer]") -> None:
        super().__init__(number, employer)
        self._loop = asyncio.get_running_loop()
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._loading = loading
        self._left = False
        self._thread = threading.Thread(target=self._serve, daemon=True, name=f"worker-{number}")
        self._thread.start()

    def write(self, rows: Sequence[bytes], shape: Shape) -> None:
        """Let the thread compute rows."""
        self._work.put((rows, shape))

    def close(self) -> None:
        """Let the thread end after the batch it has."""
        self._left = True
        self._work.put(None)

    def kill(self) -> None:
        """Leave the thread behind: it ends when its batch does."""
        self.close()

    def is_gone(self) -> bool:
        """Whether the thread has ended, or nobody waits for it any more."""
        return self._left or not self._thread.is_alive()

    def join(self, seconds: float) -> None:
        """Wait until the thread has ended, and leave it behind when that takes longer."""
        self._thread.join(seconds)

    def _serve(self) -> None:
        try:
            computer = self._loading.result()
        except StartError as error:
            self._tell(self._admit, error)
            return
        self._tell(self._admit, computer.description)
        while (work := self._work.get()) is not None:
            self._tell(self._take, self._compute(computer, *work))

    @staticmethod
    def _compute(computer: Computer, rows: Sequence[bytes], shape: Shape) -> Scores | RequestError:
        try:
            seconds, scores = computer.compute(rows, shape)
        except Exception as error:  # whatever one batch does, the next one is answered
            return RequestError(500, f"the model cannot compute this: {error}")
        size = len(scores) // len(rows)
        return Scores(seconds, [scores[start : start + size] for start in range(0, len(scores), size)])

    def _tell(self, receive: object, what: object) -> None:
        try:
            self._loop.call_soon_threadsafe(receive, what)  # type: ignore[arg-type]
        except RuntimeError:
            return  # the loop is closed: the server has ended

    def _admit(self, said: Description | StartError) -> None:
        if isinstance(said, StartError):
            self.ready.set_exception(said)
        else:
            self.ready.set_result(said)

    def _take(self, result: Scores | RequestError) -> None:
        if not self._left:
            self.finish(result)
