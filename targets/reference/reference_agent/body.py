"""The body of a request: bounded in size, then JSON."""

import json
from typing import Any

from starlette.requests import Request

from reference_agent.errors import RequestError

LIMIT = 1 << 20
"""Bytes of the largest body that is read."""


async def read_body(request: Request) -> bytes:
    """Read the body, but never more than the limit."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise RequestError(415, "compressed bodies are not read; send it plain")
    _check_size(int(request.headers.get("content-length", 0)))
    body = bytearray()
    async for piece in request.stream():
        body += piece
        _check_size(len(body))
    return bytes(body)


def _check_size(size: int) -> None:
    if size > LIMIT:
        raise RequestError(413, f"the body is larger than {LIMIT} bytes")


def parse_json(body: bytes) -> Any:
    """Return the document that `body` holds."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise RequestError(400, f"the body is not JSON: {error}") from None
    except RecursionError:
        raise RequestError(400, "the body is not JSON that can be read: it is nested too deeply") from None
