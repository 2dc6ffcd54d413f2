"""Starts real servers on free ports and stops them; nothing here sleeps without a deadline."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

HOME = Path(__file__).resolve().parents[3] / "targets" / "reference"
sys.path[:0] = [str(HOME), str(HOME / "training")]

START_SECONDS = 30.0
STOP_SECONDS = 15.0
NONCE = "nonce-of-this-test"


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(HOME), "PYTHONDONTWRITEBYTECODE": "1", "LAUNCH_NONCE": NONCE}


def run_module(module: str, *arguments: str, timeout: float = START_SECONDS) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=timeout, check=False)


def eventually(condition: Callable[[], bool], seconds: float = STOP_SECONDS) -> None:
    """Return as soon as `condition` holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """The processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Server:
    """A reference agent in a process of its own."""

    def __init__(self, *flags: str, wait: bool = True, program: Sequence[str] = ("-m", "reference_agent")) -> None:
        command = [sys.executable, *program, "--port", "0", "--intra-op-threads", "1", *flags]
        self.process = subprocess.Popen(
            command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        watchdog.cancel()
        assert line, f"ended before it was ready: {self.process.communicate()[1]}"
        self.port: int = json.loads(line)["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=START_SECONDS, limits=httpx.Limits(max_connections=100))

    @property
    def workers(self) -> list[int]:
        return children(self.process.pid)

    def decide(self, text: str) -> httpx.Response:
        return self.client.post("/v1/decide", json={"text": text})

    def stop(self) -> tuple[int, str]:
        """End the server and return its exit code and what it wrote to stderr."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            _, errors = self.process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, errors = self.process.communicate()
        if hasattr(self, "client"):
            self.client.close()
        return self.process.returncode, errors


@pytest.fixture
def launch() -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test."""
    started: list[Server] = []

    def start(*flags: str, **options: Any) -> Server:
        started.append(Server(*flags, **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for all tests that only ask: a worker, batches of up to 8, filled for up to 20 ms."""
    shared = Server("--batching", "dynamic", "--max-batch-size", "8", "--batch-timeout-ms", "20")
    yield shared
    shared.stop()


@pytest.fixture(scope="session")
def examples() -> list[tuple[str, str]]:
    """The committed validation split: (text, intent)."""
    lines = (HOME / "data" / "search_validation.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row["request"]["text"], row["answer"]) for row in rows]
