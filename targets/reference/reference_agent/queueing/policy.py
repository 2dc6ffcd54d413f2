"""How requests become batches, and in which order: what can be changed while the server runs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

LARGEST_BATCH = 1024
LONGEST_WAIT_MS = 60_000.0
MOST_BUCKETS = 64


class Batching(StrEnum):
    """When requests leave together."""

    NONE = "none"
    """Never: each is computed alone."""
    FIXED = "fixed"
    """As a full batch, or when the oldest has waited long enough; what lacks is padded, so that the model meets one
    shape only, as providers that compile a graph for each shape need it."""
    DYNAMIC = "dynamic"
    """Whatever waits when a worker is free, up to a full batch; a time-out lets the worker wait for more."""


class Discipline(StrEnum):
    """Who is next."""

    FIFO = "fifo"
    """First in, first out."""
    SJF = "sjf"
    """Shortest job first, with ageing."""
    LPT = "lpt"
    """Longest processing time first, with ageing."""
    FAIR = "fair"
    """Equal shares of computing time for all tenants that wait."""
    EDF = "edf"
    """Earliest deadline first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The hot knobs, checked together; a ValueError says in one sentence what does not fit."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    batching: Batching
    max_batch_size: int
    """Rows; matters unless `batching` is none."""
    batch_timeout_ms: float
    """Longest wait of the oldest row for a fuller batch."""
    length_buckets: int
    """Classes of length that rows are sorted into; a batch holds rows of one class. 1 for no classes."""
    scheduler: Discipline

    def __post_init__(self) -> None:
        _between("max_batch_size", self.max_batch_size, 1, LARGEST_BATCH)
        _between("batch_timeout_ms", self.batch_timeout_ms, 0, LONGEST_WAIT_MS)
        _between("length_buckets", self.length_buckets, 1, MOST_BUCKETS)
        if self.batching is Batching.FIXED and not self.batch_timeout_ms:
            raise ValueError(
                "fixed batching with a batch_timeout_ms of 0 would wait for ever when fewer requests come than fill "
                "a batch; give a batch_timeout_ms above 0, or use dynamic batching"
            )

    @property
    def most_rows(self) -> int:
        """Rows of a full batch."""
        return 1 if self.batching is Batching.NONE else self.max_batch_size

    @property
    def timeout(self) -> float:
        """Seconds that the oldest row waits at most for a fuller batch."""
        return 0.0 if self.batching is Batching.NONE else self.batch_timeout_ms / 1000.0


def _between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} must be between {low:g} and {high:g}, not {value:g}")
