"""What one connection may do: send a request in bounded time and size, and not be one too many."""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reference_agent.clock import clock

HEAD_LIMIT = 64 << 10
"""Bytes of a request beside its body."""
CHUNK_FRAMING = 6
"""Bytes that may come with each byte of a body: as many as a chunk of one byte needs, and one more."""

GONE = "the client has gone"


class Gathering:
    """A transport that sends what one turn of the event loop writes as one piece.

    Uvicorn writes the head and the body of an answer apart, and uvloop sends each at once: twice the system calls, and
    a client that is woken for half an answer.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._call_soon = asyncio.get_running_loop().call_soon
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send data at the end of this turn."""
        if not self._pieces:
            self._call_soon(self._flush)
        self._pieces.append(data)

    def close(self) -> None:
        """Close once everything is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces))


class Connection(HttpToolsProtocol):
    """Uvicorn's protocol, which bounds neither the head of a request nor the time that it takes to arrive."""

    max_connections = 4096

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.receiving_since: float | None = None
        """When the request began that has not come whole yet."""
        self.silent_since: float | None = clock()
        """When the last answer was given, or the connection opened; None while a request is under way."""
        self.answering: asyncio.Task[None] | None = None
        """The task that may be given up when the client is gone."""
        self._refusal: tuple[HTTPStatus, str] | None = None
        """What will be said once the request before has its answer."""
        self._in_head = False
        self._begun = 0
        """Requests that began to arrive."""
        self._framing = 0
        """Bytes of a request beside its body: its head, sizes of chunks, trailers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it when there are too many."""
        super().connection_made(Gathering(transport))  # type: ignore[arg-type]
        if len(self.connections) > self.max_connections:
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"{self.max_connections} connections are open; try again")

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what nobody waits for any more; who closes only its half looks the same as who has gone."""
        super().connection_lost(exc)
        if self.answering is not None:
            self.answering.cancel(GONE)

    def data_received(self, data: bytes) -> None:
        """Parse what came, as long as the head of the request stays within bounds."""
        waited, begun = self.receiving_since is None, self._begun
        super().data_received(data)
        began = self._begun - begun
        # Of a piece that ends one request and begins another it is not known how much belongs to which.
        if self.receiving_since is not None and began <= waited:
            self._framing += len(data)
            if self._framing > HEAD_LIMIT:
                status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                self.refuse(status, f"the head of the request is larger than {HEAD_LIMIT} bytes")

    def on_message_begin(self) -> None:
        """Take the time: a request has begun to arrive."""
        super().on_message_begin()
        self.silent_since = None
        self.receiving_since = clock()
        self._in_head, self._framing = True, 0
        self._begun += 1
        self.scope["connection"] = self  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        """Take note that only the body is missing."""
        self._in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass on a piece of the body; it may be a chunk of its own."""
        self._framing -= CHUNK_FRAMING * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take note that the request has come whole."""
        self.receiving_since = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Take the time: an answer was given."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self.silent_since = clock()
        if self._refusal is not None and not self._owes_earlier():
            self.refuse(*self._refusal)

    def send_400_response(self, _msg: str) -> None:
        """Refuse what is not HTTP, in JSON as everything else."""
        self.refuse(HTTPStatus.BAD_REQUEST, "this is not a request in HTTP/1.1; the connection is closed")

    def refuse(self, status: HTTPStatus, sentence: str) -> None:
        """Answer without having heard the whole request, and hang up."""
        if self.transport.is_closing():
            return
        if self._owes_earlier():
            # Answers come in the order of their requests: this one would be taken for that of the request before.
            self._refusal = (status, sentence)
            self.flow.pause_reading()
            return
        body = json.dumps({"error": sentence}).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n"
            + ("retry-after: 1\r\n" if status is HTTPStatus.SERVICE_UNAVAILABLE else "")
        )
        headers = b"".join(b"%s: %s\r\n" % header for header in self.server_state.default_headers)
        self.transport.write(head.encode() + headers + b"\r\n" + body)
        self.transport.close()

    def give_up(self, sentence: str) -> None:
        """Wait no longer for the rest of a request; it may have been answered without it, as when it is too large."""
        if self._owes_earlier():
            self.receiving_since = clock()  # nothing more of it is read until then
        elif not self._in_head and self.cycle is not None and self.cycle.response_started:
            self.transport.close()
        else:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT, sentence)

    def _owes_earlier(self) -> bool:
        """Whether a request that came before the one that arrives now still waits for its answer."""
        if self._in_head:
            return self.cycle is not None and not self.cycle.response_complete
        return bool(self.pipeline)


def hang_up_on_the_slow(connections: set[Any], now: float, longest: float, longest_silence: float) -> None:
    """End connections whose request takes too long to arrive, and those that send none."""
    for connection in list(connections):
        since, silent = connection.receiving_since, connection.silent_since
        if since is not None and now - since > longest:
            connection.give_up(f"the request did not come whole within {longest:g} s")
        elif silent is not None and now - silent > longest_silence:
            connection.transport.close()
