"""What a body may be: bounded in size, and JSON."""

from typing import Any

import orjson

from reference_agent.errors import RequestError

BODY_LIMIT = 1 << 20
"""Bytes of the largest body that is read."""


def parse_json(body: bytes) -> Any:
    """Return the document that `body` holds."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is not JSON: {error}") from None
