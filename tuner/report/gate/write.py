"""The files of a gate, and what its verdict means for whoever waits for an exit code."""

import os
from pathlib import Path

from tuner.errors import InvalidMeasurementError, RegressionError, StorageError
from tuner.files import write_atomically
from tuner.gate.effect import Ruling
from tuner.gate.result import Gate, dump_gate
from tuner.report.gate import words
from tuner.report.gate.benchmark import benchmarks
from tuner.report.gate.junit import junit
from tuner.report.gate.markdown import markdown
from tuner.report.gate.page import page

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def write_gate(gate: Gate, folder: Path) -> Path:
    """Write the files into `folder`; returns the path of the page."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in gate_files(gate).items():
            write_atomically(folder / name, text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"the report cannot be written to {error.filename or folder}: {reason}") from error
    return folder / "index.html"


def write_step_summary(gate: Gate) -> str | None:
    """Add the summary to where GitHub wants it; says so if that cannot be done, which takes nothing from a verdict."""
    place = os.environ.get(STEP_SUMMARY)
    if not place:
        return None
    try:
        with Path(place).open("a", encoding="utf-8") as file:
            # What another step left may have no end of line, and a heading needs one before it.
            file.write(f"\n{markdown(gate)}" if file.tell() else markdown(gate))
    except OSError as error:
        return f"the summary cannot be added to {place} ({STEP_SUMMARY}): {error.strerror or error}"
    return None


def gate_files(gate: Gate) -> dict[str, str]:
    """Make the texts of all files; one without figures is left out, as github-action-benchmark would fail on it."""
    figures = {
        "benchmark-smaller-is-better.json": benchmarks(gate, smaller_is_better=True),
        "benchmark-bigger-is-better.json": benchmarks(gate, smaller_is_better=False),
    }
    return {
        "gate.json": dump_gate(gate),
        "junit.xml": junit(gate),
        "summary.md": markdown(gate),
        **{name: text for name, text in figures.items() if text is not None},
        "index.html": page(gate),
    }


def require_kept(gate: Gate) -> None:
    """Raise what the exit code says, unless there is no regression."""
    if gate.ruling is Ruling.REGRESSION:
        tail = gate.failure.log_tail if gate.failure is not None else ()
        raise RegressionError("\n  ".join([words.short(gate), *tail]))
    if gate.ruling is Ruling.INCONCLUSIVE:
        raise InvalidMeasurementError(words.short(gate))
