"""A server that answers by a known law: what a perfect measurement must report.

Standard library only. Answers leave at the due time that the law (`laws.py`) reckons from the arrivals, to about 0.1 ms
while a core is free, and say what they took; `--record` writes down what happened. `--error-every` and `--crash-after`
plant known faults. Requests on one connection are taken one after the other, and bodies need a Content-Length.
"""

import argparse
import asyncio
import gc
import heapq
import os
import re
import select
import selectors
import signal
from array import array
from contextlib import suppress
from math import nan
from pathlib import Path
from time import perf_counter

from laws import LAWS, Request

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
TIMING = b"Server-Timing: queue;dur=%.4f, compute;dur=%.4f, total;dur=%.4f\r\n"
BACKLOG = 4096


class FineSelector(selectors.EpollSelector):
    """Epoll that waits in select(), because epoll itself rounds a timeout up to whole milliseconds.

    Only epoll's own descriptor is in the select(), so that any number of connections costs the same.
    """

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, at the latest after the timeout."""
        if timeout is None or timeout > 0:
            select.select([self.fileno()], [], [], timeout)
        return super().select(0)


class Null:
    """The behaviour that was asked for, the answers that are due later, and the timer for the first of them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.law = LAWS[options.law](options)
        self.delay = options.delay_ms / 1000.0
        self.slow_delay = options.slow_delay_ms / 1000.0
        self.slow_every = options.slow_every
        self.crash_after = options.crash_after
        self.error_every = options.error_every
        self.record = array("d") if options.record else None
        self.count = 0
        self.due: list[tuple[float, int, Request]] = []
        self.timer: asyncio.TimerHandle | None = None
        nonce = os.environ.get("LAUNCH_NONCE")
        named = f"X-Launch-Nonce: {nonce}\r\n".encode() if nonce else b""
        self.right = _parts("200 OK", b'{"answer": "null"}', named)
        self.wrong = _parts("500 Internal Server Error", b'{"error": "planted"}', named)

    def take(self, connection: "Connection") -> None:
        """Let a request in, and answer it where it is due at once."""
        arrival = perf_counter()
        self.count += 1
        if self.crash_after and self.count > self.crash_after:
            os.kill(os.getpid(), signal.SIGKILL)
        slow = self.slow_every and self.count % self.slow_every == 0
        request = Request(connection, self.count, arrival, self.slow_delay if slow else self.delay)
        if self.record is not None:
            self.record.extend((arrival, nan, nan))
        for known in self.law.arrive(request):
            if known is request and known.due <= arrival:
                self.answer(known)
            else:
                heapq.heappush(self.due, (known.due, known.number, known))
        self.arm()

    def arm(self) -> None:
        """Set the timer to the first answer that is due."""
        if self.due and (self.timer is None or self.due[0][0] < self.timer.when()):
            if self.timer is not None:
                self.timer.cancel()
            # The loop's clock is monotonic(), which on Linux is the clock of perf_counter().
            self.timer = asyncio.get_running_loop().call_at(self.due[0][0], self.deliver)

    def deliver(self) -> None:
        """Send every answer that is due, and let each connection go on."""
        self.timer = None
        for known in self.law.until(perf_counter()):
            heapq.heappush(self.due, (known.due, known.number, known))
        while self.due and self.due[0][0] <= perf_counter():
            request = heapq.heappop(self.due)[2]
            self.answer(request)
            request.connection.read()
        self.arm()

    def answer(self, request: Request) -> None:
        """Send one answer, and write down when."""
        if request.connection.lost:
            return
        now = perf_counter()
        if self.record is not None:
            place = 3 * (request.number - 1)
            self.record[place + 1] = request.due
            self.record[place + 2] = now
        failing = self.error_every and request.number % self.error_every == 0
        head, body = self.wrong if failing else self.right
        queue, compute, total = request.start - request.arrival, request.due - request.start, now - request.arrival
        timing = TIMING % (queue * 1000.0, compute * 1000.0, total * 1000.0)
        size = b"X-Batch-Size: %d\r\n" % request.size if request.size else b""
        request.connection.send(head + size + timing + body)

    def ready(self, connection: "Connection") -> None:
        """Answer that it is ready; that is no request."""
        head, body = self.right
        connection.send(head + TIMING % (0.0, 0.0, 0.0) + body)


def _parts(status: str, body: bytes, named: bytes) -> tuple[bytes, bytes]:
    """An answer without its own headers: what is before them and what is after."""
    kind = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return kind.encode() + named, b"\r\n" + body


class Connection(asyncio.Protocol):
    """One connection: requests that come while one is served wait in `received`, and arrive when it is answered."""

    def __init__(self, null: Null) -> None:
        self.null = null
        self.received = b""
        self.busy = self.closing = self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are sent by."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the answers that nobody waits for; the law serves their requests all the same."""
        self.lost = True

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self.received += data
        self.read()

    def read(self) -> None:
        """Take the next whole request, and the next as long as each is answered at once."""
        while self.received and not (self.busy or self.closing):
            end = self.received.find(b"\r\n\r\n") + 4
            if end < 4:
                return
            head = self.received[:end]
            length = LENGTH.search(head)
            whole = end + int(length[1]) if length else end
            if len(self.received) < whole:
                return
            self.received = self.received[whole:]
            self.busy = True
            self.closing = CLOSE.search(head) is not None
            if head.split(b" ", 2)[1] == b"/ready":
                self.null.ready(self)
            else:
                self.null.take(self)

    def send(self, data: bytes) -> None:
        """Send an answer, the last one where the client asked for that."""
        self.busy = False
        self.transport.write(data)
        if self.closing:
            self.transport.close()


def _seed(text: str) -> int | None:
    """Read a seed; none, for `random`, lets every server draw other delays."""
    return None if text == "random" else int(text)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--law", choices=list(LAWS), default="constant", help="when answers are due; see laws.py")
    parser.add_argument("--delay-ms", type=float, default=10.0, help="service time; lognormal: its median")
    parser.add_argument("--sigma", type=float, default=0.5, help="lognormal: of the logarithm")
    parser.add_argument("--law-seed", type=_seed, default=0, help="lognormal: of the draws; random: others each time")
    parser.add_argument("--stall-s", type=float, default=1.0, help="stall: how long no answer leaves")
    parser.add_argument("--stall-every-s", type=float, default=10.0, help="stall: from one's end to the next one's")
    parser.add_argument("--servers", type=int, default=4, help="mdc: how many there are")
    parser.add_argument("--max-batch", type=int, default=8, help="batching: most requests in a batch")
    parser.add_argument("--per-item-ms", type=float, default=0.5, help="batching: added for each request in a batch")
    parser.add_argument("--slow-every", type=int, default=0, help="every N-th request takes --slow-delay-ms; 0: none")
    parser.add_argument("--slow-delay-ms", type=float, default=0.0)
    parser.add_argument("--error-every", type=int, default=0, help="every N-th request is answered 500; 0: none")
    parser.add_argument("--crash-after", type=int, default=0, help="die by SIGKILL after N requests; 0: never")
    parser.add_argument("--record", default="", help="file for arrival, due, answered of every request, as float64")
    chosen = parser.parse_args()
    if not 0 <= chosen.stall_s < chosen.stall_every_s:
        parser.error("--stall-s must be less than --stall-every-s")
    if min(chosen.servers, chosen.max_batch) < 1:
        parser.error("--servers and --max-batch must be at least 1")
    return chosen


async def main(chosen: argparse.Namespace) -> None:
    """Listen until SIGTERM, then write the record: rows in order of arrival, NaN where no answer was sent."""
    null = Null(chosen)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(null), "127.0.0.1", chosen.port, backlog=BACKLOG)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    # Nothing here makes cycles worth collecting, and a collection is a pause.
    gc.freeze()
    gc.disable()
    # Linux may fire a timer 50 µs late to save power, unless asked not to.
    with suppress(OSError):
        Path("/proc/self/timerslack_ns").write_text("1")
    await stopped.wait()
    server.close()
    if null.record is not None:
        with Path(chosen.record).open("wb") as file:
            null.record.tofile(file)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(FineSelector())) as runner:
        runner.run(main(options()))
