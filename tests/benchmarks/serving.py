"""A server as its user runs it: started from its command line, asked, watched with all its processes, stopped."""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from models import INPUT, agree, answers, requests
from wrk import CONNECTIONS, Driven, drive

CORES = 2
START_SECONDS = 120.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A server with one model, before it runs."""

    name: str
    model: Path
    argv: Sequence[str]
    """`$port` stands for the port to listen on."""
    path: str
    """Takes a tensor as a request of the Open Inference Protocol, in JSON."""
    read: Callable[[Any], Sequence[float]]
    """Takes the scores out of the document that is answered."""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One run of wrk against a server, and what it cost."""

    driven: Driven
    cpu: float
    """Seconds of CPU of all processes of the server, a good answer."""
    others: float
    """Cores that worked for other programs, or were taken by the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One process of a server, in bytes."""

    worker: bool
    """Whether the server started it, and is not it."""
    resident: int
    proportional: int
    """Resident, but what processes share counts once."""


class Server:
    """A running server."""

    def __init__(self, service: Service, pid: int, port: int, started: float) -> None:
        self.service, self.port = service, port
        self._root = psutil.Process(pid)
        self._expected = answers(service.model)
        self._bodies = [body(row.tolist()) for row in requests(service.model)]
        self.start_seconds = self._wait(started)

    def _wait(self, started: float) -> float:
        """Ask until the answer is right; return the seconds since the server was executed."""
        last: Exception | None = None
        while time.monotonic() - started < START_SECONDS:
            try:
                self._ask(0)
                return time.monotonic() - started
            except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
                last = error
            if self._root.status() == psutil.STATUS_ZOMBIE:
                raise RuntimeError(f"{self.service.name} ended before it answered")
            time.sleep(POLL_SECONDS)
        raise RuntimeError(f"{self.service.name} gave no right answer within {START_SECONDS:.0f} s: {last}")

    def _ask(self, number: int) -> None:
        """Send one request, and raise ValueError unless it is answered rightly."""
        status, document = fetch(self.port, self.service.path, self._bodies[number])
        if status != 200 or not agree(self.service.read(json.loads(document)), self._expected[number]):
            raise ValueError(f"{self.service.name} answers request {number} with {status}: {document[:200]!r}")

    def verify(self) -> None:
        """Send all requests side by side, so that they meet in batches, and check every answer."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(self._ask, range(len(self._bodies))))

    def warm_up(self, seconds: float) -> None:
        """Drive it without counting."""
        drive(self.port, self.service.path, self._bodies, seconds)

    def load(self, seconds: float) -> Load:
        """Drive it, and count what that costs."""
        before, busy, started = self.cpu_seconds(), busy_seconds(), time.monotonic()
        driven = drive(self.port, self.service.path, self._bodies, seconds)
        after, busy, elapsed = self.cpu_seconds(), busy_seconds() - busy, time.monotonic() - started
        cpu = after - before
        others = max(0.0, busy - cpu - driven.cpu) / elapsed
        return Load(driven=driven, cpu=cpu / max(1, driven.requests), others=others)

    def processes(self) -> list[psutil.Process]:
        """List the process that was started and all that it started."""
        return [self._root, *self._root.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Add up what all its processes have used since they were started."""
        total = 0.0
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def memory(self) -> list[Memory]:
        """Tell what each of its processes holds."""
        found = []
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                held = process.memory_full_info()
                found.append(Memory(worker=process != self._root, resident=held.rss, proportional=held.pss))
        return found


@contextmanager
def running(service: Service) -> Iterator[Server]:
    """Start a server in an empty folder, wait for its first right answer, and stop all of it in the end."""
    answers(service.model)  # known before the clock runs
    port = free_port()
    argv = [part.replace("$port", str(port)) for part in service.argv]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, (Path(folder) / "log").open("w+b") as log:
        started = time.monotonic()
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **service.env}
        process = subprocess.Popen(argv, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            yield Server(service, process.pid, port, started)
        except RuntimeError as error:
            log.seek(0)
            raise RuntimeError(f"{error}; its log ends with: {log.read()[-2000:].decode(errors='replace')}") from None
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and end by force what is left."""
    if process.poll() is not None:
        return
    root = psutil.Process(process.pid)
    tree = [root, *root.children(recursive=True)]
    process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(tree, timeout=STOP_SECONDS)
    for left in alive:
        with suppress(psutil.NoSuchProcess):
            left.kill()
    process.wait()


def body(row: Sequence[int]) -> str:
    """Write a request of the Open Inference Protocol with one row, in JSON as people write it."""
    tensor = {"name": INPUT, "datatype": "INT64", "shape": [1, len(row)], "data": list(row)}
    return json.dumps({"inputs": [tensor]})


def fetch(port: int, path: str, content: str | None = None) -> tuple[int, bytes]:
    """Ask for a path, with POST when there is something to send; return the status and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10.0)
    try:
        method, headers = ("GET", {}) if content is None else ("POST", {"Content-Type": "application/json"})
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def busy_seconds() -> float:
    """Return the CPU seconds that this machine has worked since it was started, those for other guests included."""
    times = psutil.cpu_times()
    return float(sum(times[:3]) + times.irq + times.softirq + times.steal)


def keep_to_two_cores() -> None:
    """Let this process, and all that it starts, run on two cores, whatever the machine has."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
