"""Posting answers to whoever asked for that."""

import asyncio
import importlib
import logging
from typing import Any

from reference_agent.jobs.backoff import pause
from reference_agent.jobs.hosts import AllowedHosts
from reference_agent.jobs.job import Document

ATTEMPTS = 4
TIMEOUT_SECONDS = 5.0
CONNECTIONS = 64

_log = logging.getLogger(__name__)


class Callbacks:
    """Posts documents as JSON; only a status from 200 to 299 says that one has arrived."""

    def __init__(self, hosts: AllowedHosts) -> None:
        self._hosts = hosts
        self._client: Any = None
        self._turns = asyncio.Semaphore(CONNECTIONS)

    async def send(self, url: str, document: Document) -> bool:
        """Post a document, a few times if need be, and return whether it has arrived."""
        problem = "it was never tried"
        for failures in range(ATTEMPTS):
            if failures:
                await asyncio.sleep(pause(failures))
            async with self._turns:
                problem = await self._post(url, document)
            if not problem:
                return True
        _log.warning("the answer of job %s did not arrive at %s: %s", document["id"], url, problem)
        return False

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _post(self, url: str, document: Document) -> str:
        """Post once; return what is wrong, or nothing."""
        try:
            self._hosts.check(url)  # a job may have been queued by a server that allows more, or by hand
            return await self._exchange(url, document)
        except Exception as error:  # whatever it is, the job has its outcome and must not be held up
            return str(error) or type(error).__name__

    async def _exchange(self, url: str, document: Document) -> str:
        # Imported late, and in a thread: it takes longer than a request, and most servers never need it.
        httpx = await asyncio.to_thread(importlib.import_module, "httpx")
        if self._client is None:
            # Neither a redirect nor a proxy of the environment may lead to another host than the one allowed.
            self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=TIMEOUT_SECONDS)
        # The answer's body is not read: it may be endless.
        async with asyncio.timeout(TIMEOUT_SECONDS), self._client.stream("POST", url, json=document) as answer:
            return "" if answer.is_success else f"the answer was {answer.status_code}"
