"""Starting worker processes: needs little, so that they load while the front still imports its HTTP stack."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from reference_agent.workers.program import dump_spec
from reference_agent.workers.spec import WorkerSpec

SOURCES = str(Path(__file__).resolve().parents[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProcess:
    """A running worker and the front's end of its link: closing the link ends the worker."""

    process: subprocess.Popen[bytes]
    link: socket.socket


def start_process(spec: WorkerSpec) -> WorkerProcess:
    """Start one worker; it reports over the link when it is ready."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "reference_agent.workers.program", str(theirs.fileno()), dump_spec(spec)],
            env=os.environ | {"PYTHONPATH": _with_sources(), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            pass_fds=[theirs.fileno()],
            process_group=0,  # a signal to the front's group is the front's to obey
        )
    return WorkerProcess(process=process, link=ours)


def _with_sources() -> str:
    known = os.environ.get("PYTHONPATH", "")
    return f"{SOURCES}{os.pathsep}{known}" if known else SOURCES
