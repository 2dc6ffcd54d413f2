"""The command line of the server, checked once and then trusted."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from reference_agent.agents import AGENTS

LONGEST_WAIT_MS = 60_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the server runs, in the units of the command line."""

    host: str
    port: int
    agent: str
    model: Path
    max_batch_size: int
    batch_timeout_ms: float
    workers: int
    intra_op_threads: int
    """0 leaves the choice to ONNX Runtime: one thread a core."""
    execution_provider: str
    queue_capacity: int
    request_timeout_ms: float
    """0 for none."""
    drain_timeout: float
    """Seconds."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence on stderr and exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end."""
        refuse(self.prog, message)


def refuse(program: str, message: str) -> NoReturn:
    """End with one sentence on stderr and exit code 2."""
    print(f"{program}: {message}", file=sys.stderr)
    raise SystemExit(2)


def whole(low: int, high: int) -> Callable[[str], int]:
    """A converter for whole numbers between `low` and `high`, both included."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not between {low} and {high}")
        return value

    return convert


def number(low: float, high: float) -> Callable[[str], float]:
    """A converter for numbers between `low` and `high`, both included."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number between {low:g} and {high:g}")
        return value

    return convert


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two flags that choose a model, the same in every program of this package."""
    parser.add_argument("--agent", choices=sorted(AGENTS), default="search", help="the task (default: %(default)s)")
    parser.add_argument("--model", default="", help="an ONNX file (default, also when empty: the bundled model)")


def chosen_model(arguments: argparse.Namespace) -> Path:
    """The model file that the two flags choose."""
    return Path(arguments.model) if arguments.model else AGENTS[arguments.agent].model


def _parser() -> Parser:
    parser = Parser(prog="reference_agent", description="An inference server with dynamic batching over ONNX Runtime.")
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=whole(0, 65535), default=8000, help="port, 0 for any free one (default: %(default)s)")
    add_model_arguments(parser)
    add("--max-batch-size", type=whole(1, 1024), default=1, help="most requests computed together")
    add("--batch-timeout-ms", type=number(0, LONGEST_WAIT_MS), default=0.0, help="longest wait for a fuller batch")
    add("--workers", type=whole(1, 256), default=1, help="processes, each with a session of its own")
    add("--intra-op-threads", type=whole(0, 1024), default=0, help="threads of one session, 0 for all cores")
    add("--execution-provider", default="CPUExecutionProvider", help="used exactly as asked (default: %(default)s)")
    add("--queue-capacity", type=whole(1, 1_000_000), default=256, help="waiting requests before 503")
    add("--request-timeout-ms", type=number(0, 3_600_000), default=0.0, help="longest stay of a request, 0 for none")
    add("--drain-timeout", type=number(0, 3600), default=10.0, help="seconds to finish the queue after SIGTERM")
    return parser


def parse(argv: Sequence[str] | None = None) -> Settings:
    """Read the command line, or refuse it."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.queue_capacity < given.max_batch_size:
        parser.error(
            f"--queue-capacity {given.queue_capacity} is below --max-batch-size {given.max_batch_size}: "
            "a full batch could never form, raise the one or lower the other"
        )
    return Settings(
        host=given.host,
        port=given.port,
        agent=given.agent,
        model=chosen_model(given),
        max_batch_size=given.max_batch_size,
        batch_timeout_ms=given.batch_timeout_ms,
        workers=given.workers,
        intra_op_threads=given.intra_op_threads,
        execution_provider=given.execution_provider,
        queue_capacity=given.queue_capacity,
        request_timeout_ms=given.request_timeout_ms,
        drain_timeout=given.drain_timeout,
    )
