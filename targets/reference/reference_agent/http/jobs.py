"""The paths under which jobs are submitted and asked after."""

import math
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reference_agent.errors import RequestError
from reference_agent.jobs.hosts import AllowedHosts
from reference_agent.jobs.job import Document, Job, unfinished
from reference_agent.jobs.runner import Runner

PATH = "/v1/jobs"
LONGEST_WAIT_MS = 30_000.0
MOST_BYTES = 1 << 16
"""Of a request that is queued: with the capacity it bounds what the queue holds."""

Endpoint = Callable[[Request], Awaitable[Response]]
Read = Callable[[Request], Awaitable[Any]]
"""Reads the body of a request as JSON, or raises RequestError."""
Check = Callable[[Any], None]
"""Raises RequestError for a document that could never be answered."""


class JobEndpoints:
    """One method for each thing that can be asked. RequestErrors are for the application to answer."""

    def __init__(self, runner: Runner, *, read: Read, check: Check, hosts: AllowedHosts) -> None:
        self._runner = runner
        self._read = read
        self._check = check
        self._hosts = hosts

    async def submit(self, request: Request) -> Response:
        """Queue a job."""
        job = self._job(await self._read(request))
        await self._runner.submit(job)
        href = f"{PATH}/{job.id}"
        return JSONResponse(unfinished(job.id, "queued") | {"href": href}, 202, {"location": href})

    async def find(self, request: Request) -> Response:
        """Say how a job stands, at once or when it is finished."""
        name, broker = request.path_params["id"], self._runner.broker
        document = await broker.find(name, _wait_ms(request) / 1000.0)
        if document is None:
            raise RequestError(404, f"no job {name} is known; a result is kept for {broker.ttl:g} s, then submit again")
        return JSONResponse(document, headers={"cache-control": "no-store"} | _timing(document))

    def _job(self, document: Any) -> Job:
        """Check what was sent as strictly as if it were answered now."""
        if not isinstance(document, dict) or "request" not in document or document.keys() - {"request", "callback"}:
            raise RequestError(400, 'the body must be a JSON object like {"request": {...}, "callback": "http://..."}')
        callback = document.get("callback")
        if callback is not None:
            self._hosts.check(callback)
        self._check(document["request"])
        text = _plain(document["request"])
        if len(text) > MOST_BYTES:
            raise RequestError(413, f"the request of a job has more than {MOST_BYTES} bytes; ask without a job")
        return Job(id=secrets.token_hex(16), request=text, callback=callback or "", submitted=time.time())


def job_routes(
    runner: Runner,
    *,
    read: Read,
    check: Check,
    hosts: AllowedHosts,
    wrap: Callable[[Endpoint], Endpoint] = lambda endpoint: endpoint,
) -> list[Route]:
    """Put the endpoints under their paths, each of them in what `wrap` makes of it."""
    has = JobEndpoints(runner, read=read, check=check, hosts=hosts)
    return [
        Route(PATH, wrap(has.submit), methods=["POST"]),
        Route(f"{PATH}/{{id}}", wrap(has.find), methods=["GET"]),
    ]


def _plain(request: Any) -> str:
    """Write a request as the queue keeps it."""
    try:
        return orjson.dumps(request).decode()
    except orjson.JSONEncodeError:  # a body is read deeper than it can be written
        raise RequestError(400, "the request of a job is nested too deeply") from None


def _wait_ms(request: Request) -> float:
    """Return how long to wait at most; whoever asks for more than the longest wait asks again."""
    text = request.query_params.get("wait_ms", "0")
    try:
        wait = float(text)
    except ValueError:
        wait = math.nan
    if not wait >= 0.0:
        raise RequestError(400, f"wait_ms={text!r} is not a number of milliseconds from 0 to {LONGEST_WAIT_MS:g}")
    return min(wait, LONGEST_WAIT_MS)


def _timing(document: Document) -> dict[str, str]:
    """Return the header that says where the time of a job went, as synchronous answers have it."""
    timing = document.get("timing")
    if timing is None:
        return {}
    entries = [
        f"{name};dur={seconds * 1000.0:.3f}" for name, seconds in (timing | {"total": document["seconds"]}).items()
    ]
    return {"server-timing": ", ".join(entries)}
