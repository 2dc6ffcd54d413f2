"""Whether the server follows its load without losing a request.

    python tests/benchmarks/elastic.py [--repetitions 5]

Horizontal: wrk drives one connection that thinks for 10 ms between requests, then 32 that do not, then the one again,
while the server may scale from one worker to two. It must reach them and come back to one, and no request may fail.
Vertical: two workers whose batches get both threads when they run alone; beside it the same server with one thread a
batch, at one connection and at 32: for information. Takes 4 minutes.
"""

import argparse
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from models import ENCODER, requests
from ours import serve
from serving import CORES, Server, body, fetch, keep_to_two_cores, running
from table import close, head, progress, row, spread
from wrk import CONNECTIONS, Driven, drive

LOOK_SECONDS = 0.1
THINK_MS = 10
STEPS = ((1, 3.0, THINK_MS), (CONNECTIONS, 8.0, 0), (1, 8.0, THINK_MS))
"""Connections, for how many seconds, and how long each thinks between requests."""
SECONDS = 3.0
BATCHES = ("--batching", "dynamic", "--max-batch-size", "8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One step load: how many workers were seen, and what became of the requests."""

    workers: Sequence[int]
    answered: int
    failed: int

    def __str__(self) -> str:
        return f"1 to {max(self.workers)} to {self.workers[-1]} workers, {self.answered} answered, {self.failed} failed"

    def holds(self, most: int) -> bool:
        """Whether it reached the most, came back to one, and lost nothing."""
        return max(self.workers) == most and self.workers[-1] == 1 and not self.failed


@contextmanager
def watched(server: Server) -> Iterator[list[int]]:
    """Note the number of running workers, ten times a second."""
    seen: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            seen.append(json.loads(fetch(server.port, "/v1/config")[1])["workers_running"])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def load(server: Server, connections: int, seconds: float, think_ms: int = 0) -> Driven:
    """Drive the encoder over so many connections."""
    bodies = [body(tokens.tolist()) for tokens in requests(ENCODER)]
    return drive(server.port, server.service.path, bodies, seconds, connections, think_ms)


def horizontal() -> Course:
    """Put the step load on a server that scales."""
    flags = ("--elastic", "horizontal", "--min-workers", "1", "--workers", str(CORES), "--intra-op-threads", "1")
    with running(serve("elastic", ENCODER, *flags, *BATCHES)) as server, watched(server) as seen:
        runs = [load(server, *step) for step in STEPS]
    course = Course(workers=seen, answered=sum(one.requests for one in runs), failed=sum(one.errors for one in runs))
    progress(f"step load: {course}")
    return course


def vertical(threads: int) -> tuple[Driven, Driven]:
    """Drive one connection, then all, where a batch that is alone has so many threads."""
    flags = ("--elastic", "vertical" if threads > 1 else "none", "--intra-op-threads", str(threads))
    with running(serve("vertical", ENCODER, *flags, "--workers", str(CORES), "--spinning", "off", *BATCHES)) as server:
        server.warm_up(1.0)
        return load(server, 1, SECONDS), load(server, CONNECTIONS, SECONDS)


def main() -> None:
    """Run, print the tables, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    keep_to_two_cores()
    courses, wide, narrow = [], [], []
    for _ in range(options.repetitions):
        courses.append(horizontal())
        wide.append(vertical(CORES))
        narrow.append(vertical(1))
    report_courses(courses)
    print()
    report_threads({"all when alone, else one": wide, "one": narrow})
    close([str(one) for one in courses if not one.holds(CORES)], f"1 to {CORES} workers and back, nothing failed")


def report_courses(courses: Sequence[Course]) -> None:
    """Print what became of each step load."""
    head("step load", "most workers", "at the end", "answered", "failed")
    for number, one in enumerate(courses, start=1):
        row(str(number), str(max(one.workers)), str(one.workers[-1]), str(one.answered), str(one.failed))


def report_threads(runs: Mapping[str, Sequence[tuple[Driven, Driven]]]) -> None:
    """Print what threads that follow the load are worth."""
    head("threads of a batch", "p50 of 1 connection, ms", f"requests/s of {CONNECTIONS} connections")
    for name, pairs in runs.items():
        row(name, spread([alone.p50 for alone, _ in pairs], 1e3, 2), spread([many.throughput for _, many in pairs]))


if __name__ == "__main__":
    main()
