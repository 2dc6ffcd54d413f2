"""One way to Redis: what it costs when it is gone, and how that is said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reference_agent.errors import RequestError, StartError

if TYPE_CHECKING:
    from redis.asyncio import Redis

SOCKET_SECONDS = 3.0
"""Longer than any command blocks; a Redis that is silent for longer is taken for gone."""
CONNECTIONS = 32
SCHEMES = ("redis", "rediss")


def connect(url: str) -> Redis:
    """Return a client for a Redis, which is not asked yet; raise StartError when there can be none."""
    if urlsplit(url).scheme not in SCHEMES:
        raise StartError(f"{shown(url)!r} is no queue of jobs: give redis://host:port/db, or nothing for this process")
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        raise StartError(
            "jobs in Redis need the package redis, which is missing: pip install 'agent-tuner[redis]'"
        ) from None
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=SOCKET_SECONDS,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
            retry=Retry(NoBackoff(), 1),  # once, and at once: what is left of a Redis that was started anew
            decode_responses=True,
            protocol=2,
        )
    except ValueError as error:
        raise StartError(f"{shown(url)!r} is no URL of a Redis ({error}); give redis://host:port/db") from None
    return Redis.from_pool(pool)


def shown(url: str) -> str:
    """Return a URL without its password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Turn what goes wrong between here and Redis into a RequestError: try again later."""
    from redis.exceptions import RedisError

    try:
        yield
    # A connection lost at an unlucky moment also shows as these two: uvloop's word for a closed transport, and a
    # cancellation that nobody asked for, which would end a task for good.
    except (RedisError, OSError, RuntimeError, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling()):
            raise
        message = f"the queue of jobs does not answer ({reason(error)}); try again later"
        raise RequestError(503, message, "jobs_unreachable") from error


def reason(error: BaseException | None) -> str:
    """Return what an error of Redis says, to stand within a sentence."""
    return str(error).strip().rstrip(".") or type(error).__name__
