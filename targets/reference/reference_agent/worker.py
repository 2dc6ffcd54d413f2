"""A worker process: one session, one batch at a time, gone as soon as the front is."""

import contextlib
import gc
import json
import signal
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from reference_agent.agents import AGENTS
from reference_agent.errors import StartError
from reference_agent.wire import Kind, frame, pack_scores, read_frame, unpack_batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker is told when it starts."""

    agent: str
    model: str
    execution_provider: str
    intra_op_threads: int
    max_batch_size: int


def main() -> None:
    """Load, say so, and compute until the front closes the link."""
    # A signal to the process group must not cut off requests: the front drains, then closes the link.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = Order(**json.loads(sys.argv[2]))
    link = socket.socket(fileno=int(sys.argv[1]))
    # A front that is gone ends us: nobody is left to answer.
    with link, link.makefile("rb") as stream, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        serve(link, stream, order)


def serve(link: socket.socket, stream: BinaryIO, order: Order) -> None:
    """Load the model and answer batches until the link closes."""
    # Imported late: a front that checks an Order must not pay for numpy and ONNX Runtime.
    from reference_agent.model import Model

    try:
        model = Model.load(AGENTS[order.agent], Path(order.model), order.execution_provider, order.intra_op_threads)
        model.rehearse(order.max_batch_size)
    except StartError as error:
        link.sendall(frame(Kind.FAILED, str(error).encode()))
        return
    link.sendall(frame(Kind.READY, json.dumps(asdict(model.description)).encode()))
    gc.collect()
    gc.freeze()
    while (received := read_frame(stream)) is not None:
        started = time.perf_counter()
        try:
            scores = model.run(unpack_batch(received[1]))
        except Exception as error:  # whatever one batch does, the next one is answered
            link.sendall(frame(Kind.FAILED, f"the model cannot compute this: {error}".encode()))
            continue
        link.sendall(frame(Kind.SCORES, pack_scores(time.perf_counter() - started, scores.tobytes())))


if __name__ == "__main__":
    main()
