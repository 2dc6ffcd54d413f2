"""Those who wait for jobs to finish: they sleep until they are told, and ask nothing meanwhile."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator

from reference_agent.jobs.job import UNFINISHED, Document


class Waiters:
    """The waiting polls of this process, by the job they wait for."""

    def __init__(self) -> None:
        self._events: dict[str, set[asyncio.Event]] = {}
        self._closed = False

    async def find(self, name: str, look: Callable[[], Awaitable[Document | None]], seconds: float) -> Document | None:
        """Look, and unless the job is finished, look again whenever there is word of it and when `seconds` are over."""
        deadline = time.monotonic() + seconds
        with self._expect(name) as woken:
            while True:
                woken.clear()  # before the look: what happens after it is not missed
                document = await look()
                left = deadline - time.monotonic()
                if document is None or document["status"] not in UNFINISHED or left <= 0.0 or self._closed:
                    return document
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await woken.wait()

    def wake(self, name: str) -> None:
        """Tell those who wait for a job."""
        for event in self._events.get(name, ()):
            event.set()

    def wake_all(self) -> None:
        """Tell everyone, because something may have been missed."""
        for name in self._events:
            self.wake(name)

    def close(self) -> None:
        """Let nobody wait from now on."""
        self._closed = True
        self.wake_all()

    @contextlib.contextmanager
    def _expect(self, name: str) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        events = self._events.setdefault(name, set())
        events.add(event)
        try:
            yield event
        finally:
            events.discard(event)
            if not events:
                self._events.pop(name, None)
