"""Where the time of a request goes, from what the client measured and what the server says of itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tuner.load.samples import Samples
from tuner.report.finalists.launches import Runs

Columns = dict[str, npt.NDArray[np.float64]]

PARTS = {
    "late": "late start",
    "client": "client and network",
    "queue": "queue",
    "batch": "batch wait",
    "compute": "compute",
    "rest": "read, serialise and the rest of the server",
    "server": "server, not split",
    "unknown": "not reported by the server",
}
"""What a reader calls the parts, in the order in which a request meets them."""

TIMES = {"queue": "queue", "batch": "batch wait", "compute": "compute", "total": "its total time"}
"""What a server may tell of a request, by the names of the samples' columns."""

_SERVER = ("queue", "batch", "compute")
_MOST = 0.5
_SLACK = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the mean latency, in seconds and as a share of it."""

    name: str
    seconds: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The mean latency of the valid requests under one load, cut into parts that add up to it.

    Of the `valid` requests those `requests` count of which the server told all that it usually tells. `untold` names
    what it usually does not tell, by the columns of the samples; it is in `rest` or in `client`. `overlap` is by how
    many seconds the parts together exceed the mean: a server may tell of several rows the slowest of each part.
    """

    requests: int
    valid: int
    mean: float
    parts: tuple[Part, ...]
    untold: tuple[str, ...]
    overlap: float

    @property
    def drawn(self) -> float:
        """All parts together, in seconds: the mean, and by how much they overlap."""
        return self.mean + self.overlap

    def share(self, name: str) -> float:
        """Return a part's share of the mean latency, zero when it is not told."""
        return sum(part.share for part in self.parts if part.name == name)


def breakdown(one: Runs, level: int) -> Breakdown | None:
    """Cut up the latency of one finalist under one load, over all of its launches; None without valid samples."""
    windows = [launch.window(level) for launch in one.sampled]
    return of_samples(windows)


def of_samples(windows: Sequence[Samples]) -> Breakdown | None:
    """Cut up the mean latency of the valid requests of some windows."""
    # Samples of an earlier version lack a column: only what all of them have is told.
    names = set.intersection(*(set(window.dtype.names or ()) for window in windows)) if windows else set()
    valid = {name: np.concatenate([window[name][window["ok"] == 1] for window in windows]) for name in names}
    if not valid or len(valid["ok"]) == 0:
        return None
    told, columns = _told(valid)
    mean = float(np.mean(columns["end"] - columns["intended"]))
    seconds = {name: value for name, value in _parts(columns, told).items() if value > 0.0}
    overlap = sum(seconds.values()) - mean
    return Breakdown(
        requests=len(columns["ok"]),
        valid=len(valid["ok"]),
        mean=mean,
        parts=tuple(
            Part(name=name, seconds=seconds[name], share=seconds[name] / mean if mean else 0.0)
            for name in PARTS
            if name in seconds
        ),
        untold=tuple(name for name in TIMES if name not in told),
        overlap=overlap if overlap > _SLACK * mean else 0.0,
    )


def _told(valid: Columns) -> tuple[tuple[str, ...], Columns]:
    """Return what the server tells of most requests, and those requests of which it told all of that.

    An answer without its times must not hide those of all others, nor a few with one more time be all that counts.
    """
    known = {name: ~np.isnan(valid[name]) for name in TIMES if name in valid}
    told = tuple(name for name, values in known.items() if values.mean() >= _MOST)
    whole = np.logical_and.reduce([known[name] for name in told], dtype=bool) if told else None
    if whole is None or not whole.any():
        return (), valid
    return told, {name: values[whole] for name, values in valid.items()}


def _parts(columns: Columns, told: Sequence[str]) -> dict[str, float]:
    """Return the mean seconds of each part, which are below zero where the server tells more than there was."""
    means = {name: float(np.mean(columns[name])) for name in told}
    split = {name: means[name] for name in _SERVER if name in means}
    took = float(np.mean(columns["end"] - columns["sent"]))
    late = float(np.mean(columns["sent"] - columns["intended"]))
    if not means:
        return {"late": late, "unknown": took}
    server = means.get("total", sum(split.values()))
    rest = {"rest" if any(split.values()) else "server": server - sum(split.values())}
    return {"late": late, "client": took - server, **split, **rest}
