"""The raw samples of one launch: one row per request, nothing rounded, nothing left out."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

COLUMNS = ("intended", "sent", "end", "ok", "queue", "batch", "compute", "total", "batch_size")
"""Three moments in seconds of the monotonic clock, 1 or 0, what the server says in seconds or NaN, requests or NaN.

Of the server's times, `queue` is until a worker was free, `batch` while it waited for a fuller batch, and `total` holds
them all.

In closed loop a request is sent when it is intended. One that never ended has an infinite end. In open loop one that
was left out was sent at infinity when too many were in flight, and at minus infinity when the load process never came
to it.
"""

ROW = np.dtype([(name, "f8") for name in COLUMNS])
SESSION = np.dtype([(name, "f8") for name in ("end", "latency", "ok")])
THINK = np.dtype([(name, "f8") for name in ("start", "seconds")])

Samples = npt.NDArray[np.void]
"""A structured array of `ROW`, or of one of the others; `pandas.DataFrame(numpy.load("samples.npy"))` reads one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer that was kept under load: to which line of the requests' file, from what batch, and its text.

    A batch size that the server does not tell is NaN.
    """

    row: int
    batch_size: float
    content: str


def read_answered(path: Path) -> tuple[Answered, ...]:
    """Read the answers that the recorder wrote, the first one to each request."""
    found: dict[int, Answered] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            row, batch_size, content = json.loads(line)
            found.setdefault(row, Answered(row=row, batch_size=batch_size, content=content))
    return tuple(found.values())


def read_raw(path: Path, row: np.dtype[np.void] = ROW) -> Samples:
    """Read the doubles that the recorder wrote, in order of their first column; none at all are no rows."""
    rows: Samples = np.fromfile(path, dtype=row) if path.exists() else np.empty(0, dtype=row)
    assert row.names is not None
    return np.sort(rows, order=row.names[0], kind="stable")


def latencies(samples: Samples) -> npt.NDArray[np.float64]:
    """Return the seconds from the intended start to the end, infinite for what failed or never ended."""
    found: npt.NDArray[np.float64] = np.where(samples["ok"] == 1, samples["end"] - samples["intended"], np.inf)
    return found


def intended_in(samples: Samples, opened: float, closed: float) -> Samples:
    """Return the requests that were to start inside a window."""
    inside: Samples = samples[(samples["intended"] >= opened) & (samples["intended"] < closed)]
    return inside


def ended_in(samples: Samples, opened: float, closed: float) -> Samples:
    """Return the requests whose answer arrived inside a window."""
    inside: Samples = samples[(samples["end"] >= opened) & (samples["end"] < closed)]
    return inside


def overlap(starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], opened: float, closed: float) -> float:
    """Return how many seconds of a window stretches of time cover, all together."""
    return float(np.clip(np.minimum(ends, closed) - np.maximum(starts, opened), 0.0, None).sum())
