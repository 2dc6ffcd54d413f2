"""What ONNX Runtime alone does: the ceiling of every server that computes with it.

    python tests/benchmarks/inprocess.py MODEL BATCH SECONDS

As a program it is one caller: it loads, says so, waits for a line, then computes batches as fast as it can.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

from models import INPUT, OUTPUT, ROWS, open_session, requests

CALLERS = 2
WARM_UP_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class InProcess:
    """What the callers did together."""

    throughput: float
    """Rows per second."""
    cpu: float
    """Seconds of CPU a row."""


def callers(model: Path, batch: int, seconds: float) -> InProcess:
    """Let the callers compute side by side, each with a session of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), str(model), str(batch), str(seconds)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(CALLERS)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return _together([json.loads(process.communicate()[0]) for process in processes])


def cpu_a_row(model: Path, mean_batch: float, seconds: float) -> float:
    """Return the CPU seconds of ONNX Runtime a row, at a mean batch size that need not be whole.

    The cost of a batch is taken as a straight line between the two whole sizes around the mean, so only the mean of
    the sizes matters, not how they are spread.
    """
    low, high = floor(mean_batch), ceil(mean_batch)
    at_low = callers(model, low, seconds).cpu * low
    at_high = callers(model, high, seconds).cpu * high if high > low else at_low
    return (at_low + (at_high - at_low) * (mean_batch - low)) / mean_batch


def _together(done: Sequence[dict[str, float]]) -> InProcess:
    rows = sum(one["rows"] for one in done)
    throughput = sum(one["rows"] / one["seconds"] for one in done)
    return InProcess(throughput=throughput, cpu=sum(one["cpu"] for one in done) / rows)


def main() -> None:
    """Be one caller."""
    model, batch, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    session, tokens = open_session(model), requests(model)
    batches = [tokens[start : start + batch] for start in range(0, ROWS - batch + 1, batch)]
    assert all(len(one) == batch for one in batches)

    def compute(limit: float) -> dict[str, float]:
        started, cpu, rows = time.perf_counter(), time.process_time(), 0
        while (elapsed := time.perf_counter() - started) < limit:
            session.run([OUTPUT], {INPUT: batches[rows // batch % len(batches)]})
            rows += batch
        return {"rows": rows, "seconds": elapsed, "cpu": time.process_time() - cpu}

    compute(WARM_UP_SECONDS)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(compute(seconds)), flush=True)


if __name__ == "__main__":
    main()
