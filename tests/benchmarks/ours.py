"""The bundled agent's server, as a user who knows it would start it."""

import sys
from dataclasses import dataclass
from pathlib import Path

from models import REPOSITORY
from serving import Server, Service, fetch

PACKAGE = REPOSITORY / "targets" / "reference"
MAX_BATCH_SIZE = 8
THREADS = 1
"""Of one session: workers times threads fill the two cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the server spreads over the cores."""

    isolation: str
    workers: int

    def __str__(self) -> str:
        return f"{self.isolation} × {self.workers}"


PROCESSES = Layout(isolation="process", workers=2)


def ours(model: Path, layout: Layout = PROCESSES) -> Service:
    """Serve a model: batches of whatever waits when a worker is free, without a time-out; all else as it comes."""
    shape = ("--isolation", layout.isolation, "--workers", str(layout.workers), "--intra-op-threads", str(THREADS))
    return serve(
        f"reference agent, {layout}", model, *shape, "--batching", "dynamic", "--max-batch-size", str(MAX_BATCH_SIZE)
    )


def serve(name: str, model: Path, *flags: str, token: str = "") -> Service:
    """Serve a model with these flags; who has the token may change its hot knobs."""
    return Service(
        name=name,
        model=model,
        argv=[sys.executable, "-m", "reference_agent", "--port", "$port", "--model", str(model), *flags],
        path="/v2/models/search/infer",
        read=lambda document: document["outputs"][0]["data"],
        env={"PYTHONPATH": str(PACKAGE), "LAUNCH_TOKEN": token},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """What the server has computed since it was started."""

    count: float
    rows: float


def batches(server: Server) -> Batches:
    """Read the histogram of batch sizes."""
    _, text = fetch(server.port, "/metrics")
    values = dict(line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#"))
    return Batches(count=float(values["agent_batch_size_count"]), rows=float(values["agent_batch_size_sum"]))


def mean_batch(before: Batches, after: Batches) -> float:
    """Return the rows of a batch between two readings."""
    return (after.rows - before.rows) / (after.count - before.count)
