"""The stream in Redis that holds an agent's jobs: every method is one step there."""

import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from reference_agent.jobs import scripts
from reference_agent.jobs.connection import answering, connect
from reference_agent.jobs.job import Delivery, Job

GROUP = "servers"
NOBODY = "handed-back"
"""Stands in the group for whoever comes next."""
START = "0-0"
LISTEN_SECONDS = 30.0


class Stream:
    """One consumer's view of the stream, of the group of all servers, and of the keys beside it."""

    def __init__(self, url: str, agent: str) -> None:
        self._prefix = f"reference_agent:jobs:{{{agent}}}:"
        self._stream, self._channel = f"{self._prefix}stream", f"{self._prefix}finished"
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._redis = connect(url)
        self._scripts = {text: self._redis.register_script(text) for text in scripts.ALL}

    async def create_group(self) -> None:
        """Make the stream and its group of consumers, unless they are there."""
        from redis.exceptions import ResponseError

        with answering():
            try:
                await self._redis.xgroup_create(self._stream, GROUP, id=START, mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def add(self, job: Job, capacity: int) -> bool:
        """Add a job, and return whether there was room."""
        fields = (job.id, job.request, job.callback, repr(job.submitted))
        return bool(await self._run(scripts.SUBMIT, job.id, capacity, *fields))

    async def read(self, limit: int, milliseconds: int) -> Sequence[Delivery]:
        """Take up to `limit` jobs that were never handed out, and wait for the first one."""
        with answering():
            answer: Any = await self._redis.xreadgroup(
                GROUP, self._consumer, {self._stream: ">"}, count=limit, block=milliseconds
            )
        return [_delivery(token, fields, 1) for _, entries in answer or () for token, fields in entries]

    async def claim(self, limit: int, milliseconds: int, cursor: str) -> tuple[str, Sequence[Delivery]]:
        """Take jobs over that nobody has renewed for so long, and return from where to look on."""
        cursor, entries = await self._run(scripts.CLAIM, "", GROUP, self._consumer, milliseconds, cursor, limit)
        return cursor, [_delivery(token, _pairs(flat), number) for token, flat, number in entries]

    async def renew(self, tokens: Iterable[str]) -> None:
        """Say that these entries are still worked at. One that someone else claimed meanwhile is taken back."""
        with answering():
            await self._redis.xclaim(self._stream, GROUP, self._consumer, 0, list(tokens), justid=True)

    async def finish(self, delivery: Delivery, document: str, milliseconds: int, *, keep: bool) -> bool:
        """Store an outcome, and return whether it was the first one of its job."""
        name = delivery.job.id
        arguments = (GROUP, delivery.token, document, milliseconds, self._channel, name, int(keep))
        return bool(await self._run(scripts.FINISH, name, *arguments))

    async def remove(self, delivery: Delivery) -> None:
        """Take an entry out of the stream."""
        await self._run(scripts.ACKNOWLEDGE, "", GROUP, delivery.token)

    async def look(self, name: str) -> str | None:
        """Return the document of a finished job, the status of an unfinished one, or None."""
        known: str | None = await self._run(scripts.LOOK, name, GROUP)
        return known

    async def waiting(self) -> int:
        """Count the jobs that nobody has taken."""
        return int(await self._run(scripts.WAITING, "", GROUP))

    async def leave(self, milliseconds: int) -> None:
        """Hand everything back, and be no consumer any longer."""
        await self._run(scripts.LEAVE, "", GROUP, self._consumer, NOBODY, milliseconds)

    async def listen(self, heard: Callable[[str], None]) -> None:
        """Tell the name of every job that finishes, and "" whenever some may have been missed; ends with an error."""
        with answering():
            async with self._redis.pubsub() as channel:
                await channel.subscribe(self._channel)
                while True:
                    message = await channel.get_message(timeout=LISTEN_SECONDS)
                    if message is not None:
                        # The word that the subscription stands comes again after every lost connection.
                        heard(message["data"] if message["type"] == "message" else "")

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _run(self, script: str, name: str, *arguments: str | int) -> Any:
        """Run a script on the stream and, where a job is named, on its key."""
        keys = [self._stream, f"{self._prefix}job:{name}"] if name else [self._stream]
        with answering():
            return await self._scripts[script](keys=keys, args=list(arguments))


def _delivery(token: str, fields: Mapping[str, str], number: int) -> Delivery:
    job = Job(
        id=fields["id"],
        request=fields["request"],
        callback=fields["callback"],
        submitted=float(fields["submitted"]),
    )
    return Delivery(job=job, token=token, number=number)


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    """Return the fields of an entry, which a script sees as names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
