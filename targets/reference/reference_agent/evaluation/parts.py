"""Rows in three parts that share none: to calibrate with, to choose by, and to judge the choice by at the end."""

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reference_agent.agents.signature import Signature
from reference_agent.errors import StartError
from reference_agent.evaluation.arrays import Array
from reference_agent.evaluation.data import Evaluation

FORMAT = 1
"""Of the files that are written; another one is another folder."""
LEAST_ROWS = 50
CALIBRATION_ROWS = 256
MEASURED_ROWS = 2000
"""The most in each of the two other parts: every variant answers all of them before it is driven."""
MEASURED_BYTES = 128 << 20
"""The most in each of these parts, which the load generator holds in memory."""
READABLE = 64
"""Numbers of a row that are written as such, for people; more are packed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Which rows are for what."""

    calibration: Sequence[int]
    selection: Sequence[int]
    test: Sequence[int]

    def __str__(self) -> str:
        return (
            f"{len(self.calibration)} to calibrate with, {len(self.selection)} to choose by, "
            f"{len(self.test)} for the final test"
        )


def parts_of(evaluation: Evaluation) -> Parts:
    """Split rows, the same rows in the same way: mixed, because files are often sorted by their labels."""
    count = len(evaluation.rows)
    if count < LEAST_ROWS:
        raise StartError(
            f"holds {count} rows, but at least {LEAST_ROWS} are needed to calibrate, to choose and to test"
        )
    order: list[int] = np.random.RandomState(0).permutation(count).tolist()
    first = min(CALIBRATION_ROWS, count // 5)
    largest = max(row.nbytes for row in evaluation.rows)
    each = min((count - first) // 2, MEASURED_ROWS, max(1, MEASURED_BYTES // largest))
    return Parts(
        calibration=order[:first],
        selection=order[first : first + each],
        test=order[first + each : first + 2 * each],
    )


def written(evaluation: Evaluation, parts: Parts, signature: Signature, data: Path, cache: Path) -> Path:
    """Return the folder of the three files, which is named by what is in them and written once."""
    content = [FORMAT, asdict(signature.input), signature.labels, hashlib.sha256(data.read_bytes()).hexdigest()]
    folder = cache / hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".writing-") as scratch:
        made = Path(scratch) / "parts"
        made.mkdir()
        name = signature.input.name
        rows: dict[str, Any] = {f"{name}/{number:05}": evaluation.rows[number] for number in parts.calibration}
        np.savez(made / "calibration.npz", **rows)
        for part in ("selection", "test"):
            lines = _lines(evaluation, getattr(parts, part))
            (made / f"{part}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        try:
            os.rename(made, folder)
        except OSError:
            if not folder.is_dir():  # else somebody else has just written the same
                raise
    return folder


def _lines(evaluation: Evaluation, numbers: Sequence[int]) -> Iterator[str]:
    for number in numbers:
        request: dict[str, Any] = {"request": {"input": _input(evaluation.rows[number])}}
        if evaluation.answers is not None:
            request["answer"] = evaluation.answers[number]
        yield json.dumps(request)


def _input(row: Array) -> Any:
    """A row as the agent reads it."""
    if row.size <= READABLE:
        return row.tolist()
    return base64.b64encode(row.astype(row.dtype.newbyteorder("<")).tobytes()).decode()
