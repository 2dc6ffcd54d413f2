"""What the tests of running servers share: known requests, frozen workers, metrics, and connections byte by byte."""

import json
import os
import re
import select
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from conftest import START_SECONDS, Server, eventually

Launch = Callable[..., Server]
TEXT, ANSWER = "book a train from paris to london", "book_paris_to_london"
DECIDE, INFER = "/v1/decide", "/v2/models/search/infer"
HEAD = b"POST /v1/decide HTTP/1.1\r\nHost: x\r\n"


def words(count: int) -> str:
    """A text of so many tokens."""
    return " ".join(f"word{number}" for number in range(count))


def tensor(rows: int = 1, length: int = 3, **more: object) -> dict[str, Any]:
    """An inference request for rows of this length."""
    data = [5 + number % 90 for number in range(rows * length)]
    return {"inputs": [{"name": "input_ids", "datatype": "INT64", "shape": [rows, length], "data": data}], **more}


def metrics(server: Server) -> Counter[str]:
    """All metrics by name, labels included; 0 for what was never counted."""
    lines = server.client.get("/metrics").text.splitlines()
    return Counter({name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")})


def metric(server: Server, name: str) -> float:
    """The value of one metric, its labels included in the name."""
    return metrics(server)[name]


def spent(response: httpx.Response) -> dict[str, float]:
    """Where the time of a request went, in milliseconds, by the answer's own account."""
    entries = response.headers["server-timing"].split(", ")
    return {name: float(value) for name, value in (entry.split(";dur=") for entry in entries)}


def listens(server: Server) -> bool:
    """Whether a new client gets an answer."""
    try:
        httpx.get(f"{server.url}/v2/health/live", timeout=START_SECONDS)
    except httpx.TransportError:
        return False
    return True


def freeze(worker: int | Server) -> int:
    """Stop a worker where it stands, of a server the only one, and return its number."""
    if isinstance(worker, Server):
        (worker,) = worker.workers
    os.kill(worker, signal.SIGSTOP)
    return worker


def thaw(*workers: int) -> None:
    """Let frozen workers go on."""
    for worker in workers:
        os.kill(worker, signal.SIGCONT)


def send(
    server: Server, threads: ThreadPoolExecutor, waiting: int, text: str = TEXT, **headers: str
) -> Future[httpx.Response]:
    """Send a request and return once `waiting` rows are queued; in a header's name _ stands for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    future = threads.submit(server.client.post, DECIDE, json={"text": text}, headers=named)
    eventually(lambda: metric(server, "agent_queue_depth") == waiting or future.done())
    return future


def busy_workers(server: Server) -> int:
    """How many workers have a batch: their busy time grows from one look to the next."""
    before, now = metrics(server), metrics(server)
    return sum(now[name] > before[name] for name in now if name.startswith("agent_worker_busy_seconds_total"))


def occupy(server: Server, threads: ThreadPoolExecutor) -> tuple[int, Future[httpx.Response]]:
    """Freeze the only worker with a request in it; return its number and the request's answer to come."""
    worker = freeze(server)
    future = threads.submit(server.decide, TEXT)
    eventually(lambda: busy_workers(server) == 1)
    return worker, future


def computed_beside(worker: int) -> int:
    """Nanoseconds that the threads of a worker have computed, but for the one that takes the batches."""
    tasks = [task for task in Path(f"/proc/{worker}/task").iterdir() if int(task.name) != worker]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def resident(pid: int) -> float:
    """The memory that a process holds now, in MB."""
    return status_number(pid, "VmRSS") / 1024


def status_number(pid: int, name: str) -> int:
    """One number of what the kernel says of a process."""
    found = re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


class Said(NamedTuple):
    """An answer to what was sent byte by byte."""

    status: int
    headers: dict[str, str]
    document: Any


class Wire:
    """A connection that sends what no client library would."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=START_SECONDS)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def said(self) -> Said:
        """Read one answer."""
        response = HTTPResponse(self.socket)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Said(response.status, headers, json.loads(response.read()))

    def statuses(self) -> list[int]:
        """Read until the server hangs up, and return the statuses of its answers."""
        with self.socket.makefile("rb") as stream:
            return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", stream.read())]

    def pour(self, piece: bytes, pause: float = 0.0, most: int = 1 << 26) -> None:
        """Send `piece` again and again until the server has something to say."""
        sent = 0
        while not select.select([self.socket], [], [], pause)[0]:
            assert sent < most, "the server takes whatever comes"
            try:
                self.send(piece)
            except OSError:
                return
            sent += len(piece)

    def is_closed(self) -> bool:
        """Whether the server has hung up; waits for it."""
        try:
            return self.socket.recv(1 << 16) == b""
        except ConnectionError:
            return True


@contextmanager
def wire(server: Server) -> Iterator[Wire]:
    """Connect, and hang up in the end."""
    connection = Wire(server)
    with connection.socket:
        yield connection
