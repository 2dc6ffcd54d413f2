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
from reference_agent.workers.order import Order
from reference_agent.workers.wire import Kind, frame, pack_scores, read_frame, unpack_batch


def main() -> None:
    """Load, say so, and compute until the front closes the link."""
    # A signal to the process group must not cut off requests: the front drains, then closes the link.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = read_order(sys.argv[2])
    link = socket.socket(fileno=int(sys.argv[1]))
    # A front that is gone ends us: nobody is left to answer.
    with link, link.makefile("rb") as stream, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        serve(link, stream, order)


def write_order(order: Order) -> str:
    """Write an order as an argument of this program."""
    return json.dumps(asdict(order))


def read_order(text: str) -> Order:
    """Read what `write_order` wrote."""
    values = json.loads(text)
    return Order(**values | {"resources": Resources(**values["resources"]), "cores": tuple(values["cores"])})


def serve(link: socket.socket, stream: BinaryIO, order: Order) -> None:
    """Load the model and answer batches until the link closes."""
    if order.cores:
        os.sched_setaffinity(0, order.cores)  # before there are any other threads: they inherit it
    # Imported late: a front that writes an Order must not pay for numpy and ONNX Runtime.
    from reference_agent.workers.computer import Computer

    try:
        computer = Computer.load(order)
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
