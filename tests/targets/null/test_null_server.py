"""The null target as a real process: its own record against the truth of the arrivals that it saw."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from tests import truth
from tests.truth import Times
from tuner import bundled
from tuner.target.launch import free_port

GET = b"GET / HTTP/1.1\r\nHost: null\r\n\r\n"
SERVER = bundled.targets() / "null" / "null_server.py"


@contextmanager
def null(**options: float | str) -> Iterator[int]:
    """The server on a free port, once it listens; then ended by SIGTERM."""
    port = free_port()
    flags = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-B", str(SERVER), "--port", str(port), *flags]
    with subprocess.Popen(command, env={**os.environ, "LAUNCH_NONCE": "once"}) as process:
        try:
            deadline = time.monotonic() + 5.0
            while not listens(port):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)


def listens(port: int) -> bool:
    with closing(socket.socket()) as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=2.0)


def receive(connection: socket.socket, answers: int) -> bytes:
    """Everything up to the end of so many answers."""
    got = b""
    while got.count(b"}") < answers and (more := connection.recv(65_536)):
        got += more
    return got


async def drive(port: int, moments: Times, connections: int) -> None:
    """Send a request at each moment, on the connections in turn, and wait for every answer."""
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    begin = time.monotonic()
    for number, moment in enumerate(moments):
        await asyncio.sleep(begin + moment - time.monotonic())
        streams[number % connections][1].write(GET)
    for number in range(len(moments)):
        await streams[number % connections][0].readuntil(b"}")
    for _, writer in streams:
        writer.close()


def recorded(path: Path) -> tuple[Times, Times, Times]:
    """Arrival, due and answered of each request, in order of arrival."""
    rows = np.fromfile(path).reshape(-1, 3)
    return rows[:, 0], rows[:, 1], rows[:, 2]


@pytest.mark.parametrize(
    ("law", "parameters"),
    [
        ("constant", {"delay_ms": 5.0}),
        ("constant", {"delay_ms": 0.0}),
        ("lognormal", {"delay_ms": 5.0, "sigma": 0.7, "law_seed": 3}),
        ("stall", {"delay_ms": 5.0, "stall_s": 0.1, "stall_every_s": 0.4}),
        ("mdc", {"delay_ms": 8.0, "servers": 2}),
        ("batching", {"delay_ms": 8.0, "per_item_ms": 1.0, "max_batch": 4}),
    ],
)
def test_answers_are_due_when_the_law_says(tmp_path: Path, law: str, parameters: dict[str, float]) -> None:
    moments = truth.poisson(200.0, 0.7, seed=4)
    with null(law=law, record=tmp_path / "record", **parameters) as port:
        asyncio.run(drive(port, moments, len(moments)))
    arrivals, due, answered = recorded(tmp_path / "record")
    assert len(arrivals) == len(moments)
    assert (np.diff(arrivals) >= 0).all()
    assert due - arrivals == pytest.approx(truth.latencies(law, arrivals, **parameters), abs=1e-6)
    assert (answered >= due).all()
    # How late exactly is for a benchmark to say, on a machine with nothing else on it.
    assert np.median(answered - due) < 0.02


@pytest.mark.parametrize(("seed", "same"), [("3", True), ("random", False)])
def test_draws_are_the_same_at_every_launch_unless_they_are_to_be_others(tmp_path: Path, seed: str, same: bool) -> None:
    took = []
    for name in ("first", "second"):
        made = null(law="lognormal", delay_ms=2.0, law_seed=seed, record=tmp_path / name)
        with made as port, closing(connect(port)) as connection:
            for _ in range(5):
                connection.sendall(GET)
                receive(connection, 1)
        arrivals, due, _ = recorded(tmp_path / name)
        took.append(due - arrivals)
    assert np.allclose(*took, atol=1e-9) is same


def test_the_answer_says_what_it_took_and_who_gave_it(tmp_path: Path) -> None:
    with null(law="batching", delay_ms=20, per_item_ms=2, record=tmp_path / "record") as port, ExitStack() as stack:
        connections = [stack.enter_context(closing(connect(port))) for _ in range(3)]
        for connection in connections:
            connection.sendall(GET)
        answers = [receive(connection, 1).decode() for connection in connections]
    arrivals, due, answered = recorded(tmp_path / "record")
    took = []
    for answer, size in zip(answers, (1, 2, 2), strict=True):
        assert answer.startswith("HTTP/1.1 200 OK\r\n")
        assert "X-Launch-Nonce: once\r\n" in answer
        assert f"X-Batch-Size: {size}\r\n" in answer
        timing = re.search(r"Server-Timing: queue;dur=(\d+\.\d{4}), compute;dur=(\d+\.\d{4}), total;dur=(.*)\r", answer)
        assert timing is not None
        queue, compute, total = (float(text) / 1000.0 for text in timing.groups())
        assert compute == pytest.approx(0.020 + 0.002 * size, abs=1e-6)
        assert total >= queue + compute - 1e-6
        took.append((queue + compute, total))
    known = np.column_stack((due - arrivals, answered - arrivals))
    assert np.sort(took, axis=0) == pytest.approx(np.sort(known, axis=0), abs=1e-6)
    assert due[1] == due[2] == pytest.approx(due[0] + 0.024)


def test_requests_of_any_shape_are_answered_in_their_order(tmp_path: Path) -> None:
    """Pipelined, cut anywhere, with a body that looks like a request, and with the wish to close."""
    body = b"POST /a HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(GET) + GET
    last = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
    with null(delay_ms=2, error_every=3, record=tmp_path / "record") as port:
        with closing(connect(port)) as connection:
            connection.sendall(GET + body + GET + b"GET /ready HTTP/1.1\r\n\r\n" + last[:-3])
            got = receive(connection, 4)
            connection.sendall(last[-3:] + GET)
            got += receive(connection, 2)
        assert re.findall(rb"HTTP/1.1 (\d+)", got) == [b"200", b"200", b"500", b"200", b"200"]
    arrivals, _, answered = recorded(tmp_path / "record")
    assert len(arrivals) == 4, "being asked whether it is ready is no request"
    assert (arrivals[1:] >= answered[:-1]).all(), "a pipelined request arrives when the one before it is answered"


def test_many_pipelined_requests_without_delay_are_answered_at_once() -> None:
    with null(delay_ms=0) as port, closing(connect(port)) as connection:
        connection.sendall(2_000 * GET)
        assert receive(connection, 2_000).count(b"200 OK") == 2_000


def test_slow_requests_and_those_that_nobody_waits_for(tmp_path: Path) -> None:
    with null(delay_ms=1, slow_every=2, slow_delay_ms=60_000, record=tmp_path / "record") as port:
        with closing(connect(port)) as connection:
            connection.sendall(GET)
            receive(connection, 1)
            connection.sendall(GET)
        with closing(connect(port)) as connection:
            connection.sendall(GET)
            receive(connection, 1)
    arrivals, _, answered = recorded(tmp_path / "record")
    assert np.isfinite(arrivals).all()
    assert np.isnan(answered).tolist() == [False, True, False]


def test_a_planted_crash_comes_after_so_many_requests() -> None:
    with null(delay_ms=0, crash_after=2) as port, closing(connect(port)) as connection:
        connection.sendall(GET + GET)
        assert receive(connection, 2).count(b"200 OK") == 2
        connection.sendall(GET)
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--stall-s", "10"), "--stall-s must be less than --stall-every-s"),
        (("--servers", "0"), "must be at least 1"),
        (("--law", "normal"), "invalid choice: 'normal'"),
    ],
)
def test_a_law_that_makes_no_sense_is_refused(flags: tuple[str, str], reason: str) -> None:
    command = [sys.executable, "-B", str(SERVER), "--port", "1", *flags]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert reason in result.stderr
