"""Run an ONNX file on one core, as a server with one worker would, and time it."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

BATCHES = (1, 8, 32)
RUNS, FIRST_RUNS = 40, 5
Rows = NDArray[Any]


class Session:
    """A model of one input and one output, on one thread."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def run(self, rows: Rows) -> NDArray[np.float32]:
        """Score a batch."""
        found: NDArray[np.float32] = self._session.run(None, {self._input: rows})[0]
        return found


def milliseconds(paths: Sequence[Path], rows: Rows) -> dict[str, dict[str, float]]:
    """The median CPU time of one call at each batch size, for every file; the files take turns, call by call.

    CPU time and not time on the wall: with one thread they are the same on an idle machine, and on one that is not
    the other programs' share is left out.
    """
    sessions = {path.name: Session(path) for path in paths}
    found: dict[str, dict[str, float]] = {name: {} for name in sessions}
    for size in BATCHES:
        batch = rows[np.arange(size) % len(rows)]
        spent: dict[str, list[float]] = {name: [] for name in sessions}
        for _ in range(FIRST_RUNS + RUNS):
            for name, session in sessions.items():
                started = time.process_time()
                session.run(batch)
                spent[name].append(time.process_time() - started)
        for name, times in spent.items():
            found[name][str(size)] = round(statistics.median(times[FIRST_RUNS:]) * 1e3, 3)
    return found
