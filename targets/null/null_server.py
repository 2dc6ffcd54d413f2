"""A server that answers every request after a known delay: what a perfect measurement must report.

The delay is exact to the timer of the event loop, requests never wait for each other, and the answer says how long
it took. Standard library only. `--error-every` and `--crash-after` plant known faults.
"""

import argparse
import asyncio
import os
import signal
import time
from contextlib import closing, suppress

HEAD = (
    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
    "{nonce}Server-Timing: compute;dur={took:.4f}\r\n\r\n"
)


class Null:
    """The behaviour that was asked for, and how many requests came so far."""

    def __init__(self, options):
        self.delay = options.delay_ms / 1000.0
        self.slow_delay = options.slow_delay_ms / 1000.0
        self.slow_every = options.slow_every
        self.crash_after = options.crash_after
        self.error_every = options.error_every
        self.count = 0
        nonce = os.environ.get("LAUNCH_NONCE")
        self.nonce = f"X-Launch-Nonce: {nonce}\r\n" if nonce else ""

    async def answer(self, target):
        """Return the bytes of the answer to one request."""
        started = time.perf_counter()
        status, body = "200 OK", b'{"answer": "null"}'
        if target != "/ready":
            self.count += 1
            number = self.count
            if self.crash_after and number > self.crash_after:
                os.kill(os.getpid(), signal.SIGKILL)
            slow = self.slow_every and number % self.slow_every == 0
            await asyncio.sleep(self.slow_delay if slow else self.delay)
            if self.error_every and number % self.error_every == 0:
                status, body = "500 Internal Server Error", b'{"error": "planted"}'
        took = (time.perf_counter() - started) * 1000.0
        head = HEAD.format(status=status, length=len(body), nonce=self.nonce, took=took)
        return head.encode() + body

    async def serve(self, reader, writer):
        """Answer the requests of one connection, one after the other."""
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                await reader.readexactly(length)
                writer.write(await self.answer(head.split(b" ", 2)[1].decode()))
                await writer.drain()


async def main():
    """Listen until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay-ms", type=float, default=5.0, help="delay of every request")
    parser.add_argument("--slow-every", type=int, default=0, help="every N-th request takes --slow-delay-ms; 0: none")
    parser.add_argument("--slow-delay-ms", type=float, default=0.0)
    parser.add_argument("--error-every", type=int, default=0, help="every N-th request is answered 500; 0: none")
    parser.add_argument("--crash-after", type=int, default=0, help="die by SIGKILL after N requests; 0: never")
    server = await asyncio.start_server(Null(parser.parse_args()).serve, "127.0.0.1", parser.parse_args().port)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
