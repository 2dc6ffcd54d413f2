"""Where the time of a request goes, from what the client measured and what the server says of itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tuner.load.samples import Samples
from tuner.report.finalists.launches import Runs

PARTS = {
    "late": "late start",
    "client": "client and network",
    "queue": "queue",
    "batch": "batch wait",
    "compute": "compute",
    "rest": "read, serialise and the rest of the server",
    "server": "server, not split",
    "unknown": "not told by the server",
}
"""What a reader calls the parts, in the order in which a request meets them."""

_SERVER = ("queue", "batch", "compute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the mean latency, in seconds and as a share of it."""

    name: str
    seconds: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The mean latency of the valid requests under one load, cut into parts that add up to it.

    `untold` names the parts of the server's time that it does not tell, or that were not recorded: they are in `rest`.
    """

    requests: int
    mean: float
    parts: tuple[Part, ...]
    untold: tuple[str, ...]

    def share(self, name: str) -> float:
        """Return a part's share of the mean latency, zero when it is not told."""
        return sum(part.share for part in self.parts if part.name == name)

    def seconds(self, name: str) -> float:
        """Return a part's seconds, zero when it is not told."""
        return sum(part.seconds for part in self.parts if part.name == name)


def breakdown(one: Runs, level: int) -> Breakdown | None:
    """Cut up the latency of one finalist under one load, over all of its launches; None without valid samples."""
    windows = [launch.window(level) for launch in one.sampled]
    return of_samples(windows)


def of_samples(windows: Sequence[Samples]) -> Breakdown | None:
    """Cut up the mean latency of all valid requests of some windows."""
    # Samples of an earlier version lack a column: only what all of them have is told.
    names = set.intersection(*(set(window.dtype.names or ()) for window in windows)) if windows else set()
    columns = {name: np.concatenate([window[name][window["ok"] == 1] for window in windows]) for name in names}
    if not columns or len(columns["ok"]) == 0:
        return None
    seconds = _parts(columns)
    mean = float(np.mean(columns["end"] - columns["intended"]))
    parts = tuple(
        Part(name=name, seconds=seconds[name], share=seconds[name] / mean if mean else 0.0)
        for name in PARTS
        if seconds.get(name)
    )
    told = _server(columns) is not None
    untold = tuple(name for name in _SERVER if told and _told(columns, name) is None)
    return Breakdown(requests=len(columns["ok"]), mean=mean, parts=parts, untold=untold)


def _parts(columns: dict[str, npt.NDArray[np.float64]]) -> dict[str, float]:
    """Return the mean seconds of each part."""
    took = columns["end"] - columns["sent"]
    server, split = _server(columns), {name: _told(columns, name) for name in _SERVER}
    found = {"late": float(np.mean(columns["sent"] - columns["intended"]))}
    if server is None:
        return {**found, "unknown": float(np.mean(took))}
    found["client"] = float(np.mean(took - server))
    found |= {name: float(np.mean(values)) for name, values in split.items() if values is not None}
    rest = float(np.mean(server)) - sum(found.get(name, 0.0) for name in _SERVER)
    # Of a request with several rows the server tells the slowest of each part, and those may overlap.
    return {**found, "rest" if any(found.get(name) for name in _SERVER) else "server": max(rest, 0.0)}


def _server(columns: dict[str, npt.NDArray[np.float64]]) -> npt.NDArray[np.float64] | None:
    """Return what the server took in all: as it says, or else what its parts add up to."""
    total = _told(columns, "total")
    if total is not None:
        return total
    parts = [found for name in _SERVER if (found := _told(columns, name)) is not None]
    return np.sum(parts, axis=0) if parts else None


def _told(columns: dict[str, npt.NDArray[np.float64]], name: str) -> npt.NDArray[np.float64] | None:
    """Return a column in which the server told every value; a few gaps would make the parts those of other requests."""
    found = columns.get(name)
    return None if found is None or np.isnan(found).any() else found
