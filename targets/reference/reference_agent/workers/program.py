"""A worker process: its sessions, one batch at a time, gone as soon as the front is."""

import contextlib
import gc
import json
import os
import signal
import socket
import sys
from dataclasses import asdict
from typing import BinaryIO

from reference_agent.errors import StartError
from reference_agent.inference.resources import Resources
from reference_agent.inference.runtimes import lay_over
from reference_agent.workers.spec import WorkerSpec
from reference_agent.workers.wire import Kind, frame, pack_scores, read_frame, unpack_batch


def main() -> None:
    """Load, say so, and compute until the front closes the link."""
    # A signal to the process group must not cut off requests: the front drains, then closes the link.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    spec = load_spec(sys.argv[2])
    link = socket.socket(fileno=int(sys.argv[1]))
    # A front that is gone ends us: nobody is left to answer.
    with link, link.makefile("rb") as stream, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        serve(link, stream, spec)


def dump_spec(spec: WorkerSpec) -> str:
    """Write an spec as an argument of this program."""
    return json.dumps(asdict(spec))


def load_spec(text: str) -> WorkerSpec:
    """Read what `dump_spec` wrote."""
    values = json.loads(text)
    return WorkerSpec(**values | {"resources": Resources(**values["resources"]), "cores": tuple(values["cores"])})


def serve(link: socket.socket, stream: BinaryIO, spec: WorkerSpec) -> None:
    """Load the model and answer batches until the link closes."""
    if spec.cores:
        os.sched_setaffinity(0, spec.cores)  # before there are any other threads: they inherit it
    lay_over(spec.runtime)
    # Imported late: a front that writes an WorkerSpec must not pay for numpy and ONNX Runtime.
    from reference_agent.workers.computer import Computer

    try:
        computer = Computer.load(spec)
    except StartError as error:
        link.sendall(frame(Kind.FAILED, str(error).encode()))
        return
    link.sendall(frame(Kind.READY, json.dumps(asdict(computer.description)).encode()))
    gc.collect()
    gc.freeze()
    while (received := read_frame(stream)) is not None:
        rows, shape = unpack_batch(received[1])
        try:
            seconds, scores = computer.compute(rows, shape)
        except Exception as error:  # whatever one batch does, the next one is answered
            link.sendall(frame(Kind.FAILED, f"the model cannot compute this: {error}".encode()))
            continue
        link.sendall(frame(Kind.SCORES, pack_scores(seconds, scores)))


if __name__ == "__main__":
    main()
