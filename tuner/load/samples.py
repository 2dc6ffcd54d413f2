"""The raw samples of one launch: one row per request, nothing rounded, nothing left out."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

COLUMNS = ("start", "latency", "ok", "queue", "compute", "batch_size")
"""Seconds of the monotonic clock, seconds, 1 or 0, seconds or NaN, seconds or NaN, requests or NaN."""

ROW = np.dtype([(name, "f8") for name in COLUMNS])

Samples = npt.NDArray[np.void]
"""A structured array of `ROW`; `pandas.DataFrame(numpy.load("samples.npy"))` reads a stored one."""


def read_raw(path: Path) -> Samples:
    """Read the doubles that the recorder wrote, in order of start."""
    rows: Samples = np.fromfile(path, dtype=ROW)
    return np.sort(rows, order="start")


def started_in(samples: Samples, opened: float, closed: float) -> Samples:
    """Return the requests that started inside a window."""
    inside: Samples = samples[(samples["start"] >= opened) & (samples["start"] < closed)]
    return inside


def completed_in(samples: Samples, opened: float, closed: float) -> Samples:
    """Return the requests whose answer arrived inside a window."""
    ends = samples["start"] + samples["latency"]
    inside: Samples = samples[(ends >= opened) & (ends < closed)]
    return inside
