"""How the server runs: its command line, checked once and then trusted."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from reference_agent.command_line import Parser, add_model_arguments, chosen_model, number, whole
from reference_agent.errors import StartError
from reference_agent.inference.resources import CPU, Resources
from reference_agent.queueing.policy import (
    LARGEST_BATCH,
    LONGEST_WAIT_MS,
    MOST_BUCKETS,
    Batching,
    Discipline,
    Policy,
)


class Isolation(StrEnum):
    """What separates workers from each other and from the front."""

    PROCESS = "process"
    THREAD = "thread"


class Reservation(StrEnum):
    """When workers and their memory are claimed."""

    STATIC = "static"
    """Before the server calls itself ready."""
    DYNAMIC = "dynamic"
    """When requests need them."""


class Elastic(StrEnum):
    """What follows the load."""

    NONE = "none"
    HORIZONTAL = "horizontal"
    """The number of workers."""
    VERTICAL = "vertical"
    """The threads of a batch: all of a worker's when it is alone, one when others run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the server runs, in the units of the command line."""

    host: str
    port: int
    agent: str
    model: Path
    policy: Policy
    """As the server starts with it; it can be changed later."""
    resources: Resources
    runtimes: str
    """The folder of the builds of ONNX Runtime that some providers need; empty for none."""
    workers: int
    """With `elastic` horizontal, the most."""
    min_workers: int
    isolation: Isolation
    reservation: Reservation
    elastic: Elastic
    spreads: bool
    """Whether every worker has cores of its own."""
    queue_capacity: int
    """Rows."""
    tenant_share: float
    """Of the queue, 0 to 1."""
    request_timeout_ms: float
    """0 for none."""
    worker_timeout: float
    """Seconds."""
    read_timeout: float
    """Seconds."""
    max_connections: int
    drain_timeout: float
    """Seconds."""
    queue_url: str
    """Redis for jobs; empty for the server's own memory."""
    job_seconds: float
    """How long a job's answer is kept."""
    callback_hosts: tuple[str, ...]

    @property
    def scales_workers(self) -> bool:
        """Whether the number of workers follows the load."""
        return self.elastic is Elastic.HORIZONTAL

    @property
    def widens(self) -> bool:
        """Whether the threads of a batch follow the load."""
        return self.elastic is Elastic.VERTICAL

    @property
    def workers_at_start(self) -> int:
        """How many workers are ready before the server is."""
        if self.reservation is Reservation.DYNAMIC:
            return 0
        return self.min_workers if self.scales_workers else self.workers

    @property
    def hires_on_demand(self) -> bool:
        """Whether the first request finds no worker yet."""
        return self.reservation is Reservation.DYNAMIC

    @property
    def hires_all_on_demand(self) -> bool:
        """Whether requests that find no free worker start another one at once."""
        return self.hires_on_demand and not self.scales_workers


def _parser() -> Parser:
    parser = Parser(prog="reference_agent", description="An inference server with dynamic batching over ONNX Runtime.")
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=whole(0, 65535), default=8000, help="port, 0 for any free one")
    add_model_arguments(parser)
    _add_policy(parser.add_argument_group("batching and order; can be changed while the server runs"))
    _add_resources(parser.add_argument_group("resources"))
    _add_overload(parser.add_argument_group("overload"))
    _add_jobs(parser.add_argument_group("jobs"))
    return parser


def _add_policy(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--batching", type=Batching, choices=list(Batching), default=Batching.NONE, help="when requests leave together")
    add("--max-batch-size", type=whole(1, LARGEST_BATCH), default=1, help="most rows computed together")
    add("--batch-timeout-ms", type=number(0, LONGEST_WAIT_MS), default=0.0, help="longest wait for a fuller batch")
    add(
        "--length-buckets",
        type=whole(1, MOST_BUCKETS),
        default=4,
        help="classes of length that are not mixed, 1: mixed",
    )
    add("--scheduler", type=Discipline, choices=list(Discipline), default=Discipline.FIFO, help="who is next")


def _add_resources(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--workers", type=whole(1, 256), default=1, help="workers; with --elastic horizontal, the most")
    add("--min-workers", type=whole(1, 256), default=1, help="the fewest with --elastic horizontal")
    add("--isolation", type=Isolation, choices=list(Isolation), default=Isolation.PROCESS, help="what a worker is")
    add(
        "--reservation",
        type=Reservation,
        choices=list(Reservation),
        default=Reservation.STATIC,
        help="workers before ready, or on first use",
    )
    add(
        "--elastic",
        type=Elastic,
        choices=list(Elastic),
        default=Elastic.NONE,
        help="what follows the load: workers, or threads",
    )
    add("--cpu-affinity", choices=["none", "spread"], default="none", help="spread: cores of its own for each worker")
    add("--intra-op-threads", type=whole(0, 1024), default=0, help="threads of one operator, 0 for all cores")
    add("--inter-op-threads", type=whole(1, 1024), default=1, help="operators at a time")
    add("--spinning", choices=["on", "off"], default="on", help="whether idle threads spin")
    add("--memory-arena", choices=["on", "off"], default="on", help="whether memory is kept")
    add("--execution-provider", default=CPU, help="used exactly as asked")
    add("--runtimes", default="", help="folder of builds of ONNX Runtime, such as openvino, beside the installed one")


def _add_overload(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--queue-capacity", type=whole(1, 1_000_000), default=256, help="waiting rows before 503")
    add("--tenant-share", type=number(0.001, 1), default=1.0, help="of the queue for one tenant, above it 429")
    add("--request-timeout-ms", type=number(0, 3_600_000), default=0.0, help="longest stay of a request, 0 for none")
    add(
        "--worker-timeout",
        type=number(0.1, 3600),
        default=30.0,
        help="seconds of one batch before its worker is killed",
    )
    add("--read-timeout", type=number(0.1, 3600), default=10.0, help="seconds to receive a whole request before 408")
    add("--max-connections", type=whole(1, 1_000_000), default=4096, help="connections before 503")
    add("--drain-timeout", type=number(0, 3600), default=10.0, help="seconds to finish the queue after SIGTERM")


def _add_jobs(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--queue-url", default="", help="redis://host:port/db for jobs; empty for the memory of this server")
    add("--job-seconds", type=number(1, 86_400), default=300.0, help="how long a job's answer is kept")
    add("--callback-host", action="append", default=[], help="a host that may be called back, beside loopback")


def parse(argv: Sequence[str] | None = None) -> Settings:
    """Read the command line, or refuse it."""
    parser = _parser()
    given = vars(parser.parse_args(argv))
    try:
        settings = _settings(given)
    except (ValueError, StartError) as error:
        parser.error(str(error))
    return settings


def _settings(given: dict[str, Any]) -> Settings:
    policy = Policy(**_taken(given, Policy))
    resources = Resources(
        **_taken(given, Resources) | {key: given[key] == "on" for key in ("spinning", "memory_arena")}
    )
    values = {field.name: given[field.name] for field in fields(Settings) if field.name in given}
    settings = Settings(
        **values | {"model": chosen_model(argparse.Namespace(**given))},
        policy=policy,
        resources=resources,
        spreads=given["cpu_affinity"] == "spread",
        callback_hosts=tuple(given["callback_host"]),
    )
    _check_together(settings)
    return settings


def _taken(given: dict[str, Any], value: type[Policy] | type[Resources]) -> dict[str, Any]:
    return {field.name: given[field.name] for field in fields(value)}


def _check_together(settings: Settings) -> None:
    policy = settings.policy
    if settings.queue_capacity < policy.most_rows:
        raise ValueError(
            f"--queue-capacity {settings.queue_capacity} is below --max-batch-size {policy.max_batch_size}: "
            "a full batch could never form, raise the one or lower the other"
        )
    if settings.min_workers > settings.workers:
        raise ValueError(f"--min-workers {settings.min_workers} is above --workers {settings.workers}")
    if settings.spreads and settings.isolation is Isolation.THREAD:
        raise ValueError("--cpu-affinity spread needs --isolation process: threads share one session and its threads")
