"""One row that waits for its scores, and what it gets."""

import asyncio
import math
from dataclasses import dataclass, field
from typing import NamedTuple

from reference_agent.errors import RequestError


class Answer(NamedTuple):
    """The scores of one row, and where its time went; times in seconds."""

    scores: bytes
    queued: float
    """Until a worker was free for it."""
    held: float
    """While a free worker waited for a fuller batch."""
    computed: float
    batch_size: int


class Ticket(NamedTuple):
    """What a request says of itself beside its rows; moments are on the server's monotonic clock."""

    arrived: float
    tenant: str = ""
    deadline: float = math.inf


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """A row in the queue or in a worker."""

    row: bytes
    size: int
    """What its cost is estimated from: tokens."""
    ticket: Ticket
    answer: "asyncio.Future[Answer | RequestError]"
    """An error is a result too: nobody has to be listening for it."""
    queued: float
    """When it came into the queue, its request complete and read."""
    charged: float = 0.0
    """Seconds of compute that its tenant was charged for."""
    held_before: float = 0.0
    """Seconds that free workers had waited for fuller batches when it came."""
    retried: bool = False
    """Whether a worker has died of its batch already."""
    number: int = field(default=0)
    """Its place in the order of arrival."""
