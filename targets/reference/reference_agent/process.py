"""Starting worker processes: needs little, so that they load while the front still imports its HTTP stack."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from reference_agent.settings import Settings
from reference_agent.worker import Order

SOURCES = str(Path(__file__).resolve().parents[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProcess:
    """A running worker and the front's end of its link: closing the link ends the worker."""

    process: subprocess.Popen[bytes]
    link: socket.socket

    def end(self, patience: float) -> int:
        """Wait `patience` seconds for a worker whose link is closed, then kill it; return its exit code."""
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def start_worker(settings: Settings) -> WorkerProcess:
    """Start one worker; it reports over the link when it is ready."""
    order = Order(
        agent=settings.agent,
        model=str(settings.model),
        execution_provider=settings.execution_provider,
        intra_op_threads=settings.intra_op_threads,
        max_batch_size=settings.max_batch_size,
    )
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "reference_agent.worker", str(theirs.fileno()), json.dumps(asdict(order))],
            env=os.environ | {"PYTHONPATH": _with_sources(), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            pass_fds=[theirs.fileno()],
        )
    return WorkerProcess(process=process, link=ours)


def _with_sources() -> str:
    known = os.environ.get("PYTHONPATH", "")
    return f"{SOURCES}{os.pathsep}{known}" if known else SOURCES
