"""What a queue of jobs has to do, whether it lives in this process or in Redis."""

from collections.abc import Sequence
from typing import Protocol

from reference_agent.jobs.job import Delivery, Document, Job


class Broker(Protocol):
    """A queue with a store of results. Whatever it cannot do now is a RequestError with status 503."""

    @property
    def outlives(self) -> bool:
        """Whether its jobs outlive this process; otherwise they are lost unless they are finished."""

    @property
    def ttl(self) -> float:
        """Seconds that a result is kept."""

    @property
    def waiting(self) -> int:
        """How many jobs are in no one's hands, as far as is known."""

    async def start(self) -> None:
        """Make ready; raise StartError when that cannot be done."""

    async def submit(self, job: Job) -> None:
        """Queue a job, or refuse it because too many are unfinished."""

    async def take(self, limit: int) -> Sequence[Delivery]:
        """Wait until there is a job, and hand out as many as there are, up to `limit`."""

    async def finish(self, delivery: Delivery, document: Document, *, keep: bool) -> bool:
        """Make the outcome visible and take the job off the queue; to `keep` it there, acknowledge it later.

        Return False when the job had an outcome already: that one stays, and there is nothing more to do.
        """

    async def acknowledge(self, delivery: Delivery) -> None:
        """Take a job off the queue that was kept there."""

    def let_go(self, delivery: Delivery) -> None:
        """Answer no longer for a job that could not be brought to an end; whoever takes it next may."""

    async def find(self, name: str, seconds: float) -> Document | None:
        """Say how a job stands, after up to `seconds` if it is not finished before; None if there is none."""

    async def leave(self) -> None:
        """Hand back what is in this process's hands, and let nobody wait any longer."""

    async def close(self) -> None:
        """Close every connection."""
