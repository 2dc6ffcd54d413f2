"""One request and its answer on the path that carries the load: plain ASGI, without objects that nobody looks at."""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import orjson
from starlette.types import Message, Receive, Scope, Send

from reference_agent.clock import clock
from reference_agent.errors import RequestError
from reference_agent.http.body import BODY_LIMIT
from reference_agent.http.connection import GONE
from reference_agent.metrics import Metrics
from reference_agent.queueing.job import Answer, Ticket

LONGEST_TENANT = 64
_DECIMAL = re.compile(rb"[0-9]{1,15}(\.[0-9]{0,15})?")
JSON = b"application/json"
CLIENT_GONE = 499
"""As nginx counts requests whose client hung up; nobody gets to see this status."""

Headers = list[tuple[bytes, bytes]]


class Reply(NamedTuple):
    """What is sent back; `answers` say where its time went."""

    body: bytes
    content_type: bytes = JSON
    headers: Headers = []  # noqa: RUF012
    answers: list[Answer] = []  # noqa: RUF012


class Call:
    """A request: its headers by lower-cased name, its path's parameters, and its body."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.arrived = clock()
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.path: Mapping[str, str] = scope["path_params"]
        self._receive = receive

    async def body(self) -> bytes:
        """Read the body, but never more than the limit."""
        encoding = self.headers.get(b"content-encoding", b"identity")
        if encoding != b"identity":
            raise RequestError(415, "compressed bodies are not read; send it plain")
        _check_size(int(self.headers.get(b"content-length", 0)))
        message = await self._receive()
        body = _piece(message)
        while message.get("more_body"):
            _check_size(len(body))
            message = await self._receive()
            body += _piece(message)
        _check_size(len(body))
        return body

    def ticket(self, default_milliseconds: float, timeout_microseconds: float | None = None) -> Ticket:
        """Read who asks, and until when an answer is of use: from the headers, from the body, or by default."""
        tenant = self.headers.get(b"x-tenant", b"")
        if len(tenant) > LONGEST_TENANT:
            raise RequestError(400, f"X-Tenant is longer than {LONGEST_TENANT} bytes")
        allowed = default_milliseconds or math.inf
        if timeout_microseconds is not None:
            allowed = timeout_microseconds / 1000.0
        given = self.headers.get(b"x-deadline-ms")
        if given is not None:
            allowed = _milliseconds(given)
        return Ticket(self.arrived, tenant.decode("latin-1"), self.arrived + allowed / 1000.0)


def _piece(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise DisconnectedError
    piece: bytes = message.get("body", b"")
    return piece


def _check_size(size: int) -> None:
    if size > BODY_LIMIT:
        raise RequestError(413, f"the body is larger than {BODY_LIMIT} bytes")


def _milliseconds(text: bytes) -> float:
    # Narrower than what Python reads as a number: 1_000 is none to anybody else.
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not 0.0 < value < math.inf:
        raise RequestError(
            400, f"X-Deadline-Ms must be a number of milliseconds above 0, not {text.decode('latin-1')!r}"
        )
    return value


class DisconnectedError(Exception):
    """The client has gone before its request was complete."""


class Exchange:
    """An endpoint that is counted and timed, as an ASGI application."""

    def __init__(self, answer: Callable[[Call], Awaitable[Reply]], metrics: Metrics) -> None:
        self._answer = answer
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = Call(scope, receive)
        status, connection = 200, scope["connection"]
        connection.answering = asyncio.current_task()
        try:
            reply = await self._answer(call)
        except RequestError as error:
            if error.reason is not None:
                self._metrics.rejection(error.reason).inc()
            status = error.status
            reply = Reply(orjson.dumps({"error": str(error)}), headers=retry_after(error))
        except DisconnectedError:
            return
        except asyncio.CancelledError as error:
            if GONE in error.args:
                self._metrics.request(CLIENT_GONE).inc()
                return
            # The server ends and waits no longer.
            ended = RequestError(503, "the server ended before this was answered")
            status, reply = 503, Reply(orjson.dumps({"error": str(ended)}), headers=retry_after(ended))
        finally:
            connection.answering = None
        self._metrics.request(status).inc()
        headers: Headers = [
            (b"content-type", reply.content_type),
            (b"content-length", b"%d" % len(reply.body)),
            *timing(reply.answers, call.arrived),
            *reply.headers,
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})


def retry_after(error: RequestError) -> Headers:
    """Say when what was turned away for the moment may be tried again."""
    return [(b"retry-after", b"1")] if error.is_temporary else []


def timing(answers: list[Answer], arrived: float) -> Headers:
    """The headers that say where the time of a request went; of several rows, the slowest counts."""
    total = (clock() - arrived) * 1e3
    if not answers:
        return [(b"server-timing", b"total;dur=%.3f" % total)]
    one = answers[0] if len(answers) == 1 else _slowest(answers)
    spent = (one.queued * 1e3, one.held * 1e3, one.computed * 1e3, total)
    return [
        (b"server-timing", b"queue;dur=%.3f, batch;dur=%.3f, compute;dur=%.3f, total;dur=%.3f" % spent),
        (b"x-batch-size", b"%d" % one.batch_size),
    ]


def _slowest(answers: list[Answer]) -> Answer:
    return Answer(
        scores=b"",
        queued=max(answer.queued for answer in answers),
        held=max(answer.held for answer in answers),
        computed=max(answer.computed for answer in answers),
        batch_size=max(answer.batch_size for answer in answers),
    )
