"""The open loop against servers that are slow, wrong, or gone."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.locustfiles.conftest import Run
from tuner import bundled
from tuner.target.launch import free_port
from tuner.target.process import SupervisedProcess

RunLocust = Callable[..., Run]
Serve = Callable[..., str]

# A conductor's part: `go` runs once the user is there, with the runner at hand.
CONDUCTOR = """
@events.init.add_listener
def begin(environment, **_):
    global runner
    runner = environment.runner
    environment.events.spawning_complete.add_listener(lambda **_: gevent.spawn(go))
"""


def scheduled(seed: list[int], rate: float, seconds: float) -> list[float]:
    """Return the moments as another process reckons them."""
    code = f"from _schedule import schedule; print(*schedule({rate}, {seconds}, {seed}))"
    env = {**os.environ, "PYTHONPATH": str(bundled.locustfiles())}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    return [float(text) for text in out.split()]


def test_by_hand_requests_arrive_as_scheduled(locust: RunLocust, serve: Serve) -> None:
    run = locust("open_loop.py", serve(), "--rate", "200", "--seed", "3", seconds=2)
    assert len(run.seen) > 200
    assert all(event["fault"] is None and event["kind"] == "GET" and event["name"] == "/" for event in run.seen)
    intended = np.sort([event["intended"] for event in run.seen])
    expected = np.array(scheduled([3, 0, 0], 200, 10))[: len(intended)]
    np.testing.assert_allclose(np.diff(intended), np.diff(expected), atol=1e-6)
    late = [event["sent"] - event["intended"] for event in run.seen]
    assert min(late) >= 0.0
    assert np.median(late) < 0.02
    for event in run.seen:
        assert event["time"] == pytest.approx((event["end"] - event["intended"]) * 1000)
        assert event["end"] - event["sent"] >= 0.0099
        assert "compute;dur=" in event["timing"]


def test_slow_answers_hold_no_arrival_back(locust: RunLocust, serve: Serve) -> None:
    url = serve(slow_every="2", slow_delay_ms="600")
    run = locust("open_loop.py", url, "--rate", "100", "--connections", "1", seconds=2)
    assert np.median([event["sent"] - event["intended"] for event in run.seen]) < 0.02
    assert sum(event["time"] > 600 for event in run.seen) > 20


def test_arrivals_above_the_cap_are_failures(locust: RunLocust, serve: Serve) -> None:
    url = serve(slow_every="1", slow_delay_ms="60000")
    run = locust("open_loop.py", url, "--rate", "200", "--max-in-flight", "5")
    assert len(run.seen) > 50
    assert all(event["fault"].startswith("not sent: ") and math.isinf(event["sent"]) for event in run.seen)
    assert "requests were in flight" in run.output, "Locust's own statistics count them too"


def test_a_time_out_counts_from_the_intended_start(locust: RunLocust, serve: Serve) -> None:
    url = serve(slow_every="1", slow_delay_ms="60000")
    run = locust("open_loop.py", url, "--rate", "100", "--timeout", "0.2")
    assert len(run.seen) > 20
    assert {event["fault"] for event in run.seen} == {"no answer within 0.2 s of the intended start"}
    assert np.median([event["time"] for event in run.seen]) == pytest.approx(200, abs=20)


def test_bad_statuses_and_missing_fields_are_failures(locust: RunLocust, serve: Serve) -> None:
    run = locust("open_loop.py", serve(error_every="2"), "--rate", "100", "--field", "absent")
    faults = [event["fault"] for event in run.seen]
    assert faults.count('the answer has no field "absent"') == pytest.approx(len(faults) / 2, abs=1)
    assert sum("500" in fault for fault in faults) == pytest.approx(len(faults) / 2, abs=1)


def test_a_server_that_is_not_there_is_a_failure(locust: RunLocust) -> None:
    run = locust("open_loop.py", f"http://127.0.0.1:{free_port()}", "--rate", "50")
    assert len(run.seen) > 10
    assert all("refused" in event["fault"] for event in run.seen)
    assert "could be opened" in run.output


def test_idle_connections_that_the_server_closed_are_no_failures(locust: RunLocust, tmp_path: Path) -> None:
    port = free_port()
    script = tmp_path / "closing.py"
    script.write_text(
        "import asyncio, sys\n"
        "async def serve(reader, writer):\n"
        "    try:\n"
        "        while True:\n"
        "            await asyncio.wait_for(reader.readuntil(b'\\r\\n\\r\\n'), 0.1)\n"
        "            writer.write(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}')\n"
        "    except (TimeoutError, asyncio.IncompleteReadError):\n"
        "        writer.close()\n"
        "async def main():\n"
        f"    await (await asyncio.start_server(serve, '127.0.0.1', {port})).serve_forever()\n"
        "asyncio.run(main())\n"
    )
    with SupervisedProcess(
        [sys.executable, str(script)], env=dict(os.environ), workdir=tmp_path, log=tmp_path / "log", stop_seconds=0.5
    ):
        run = locust("open_loop.py", f"http://127.0.0.1:{port}", "--rate", "10", seconds=3)
    assert len(run.seen) > 10
    # A close may cross a request on its way, which is a true failure; that takes a coincidence of some 0.1 ms.
    assert sum(event["fault"] is not None for event in run.seen) <= 1


def test_connections_with_high_descriptors_are_used_again(locust: RunLocust, serve: Serve) -> None:
    script = (
        "import resource\n"
        "from geventhttpclient.connectionpool import ConnectionPool\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\n"
        "held = [os.dup(0) for _ in range(1100)]\n"
        "create, told['connections'] = ConnectionPool._create_socket, 0\n"
        "def counted(pool):\n"
        "    told['connections'] += 1\n"
        "    return create(pool)\n"
        "ConnectionPool._create_socket = counted\n"
    )
    run = locust("open_loop.py", serve(), "--rate", "100", "--connections", "4", script=script, seconds=2)
    assert len(run.seen) > 100
    assert run.told["connections"] < 30, "select() knows no descriptor above 1023"


def test_messages_start_replace_and_stop_arrivals(locust: RunLocust, serve: Serve) -> None:
    script = (
        "def go():\n"
        "    gevent.sleep(0.3)\n"
        "    told['before'] = len(seen)\n"
        "    runner.send_message('arrivals', {'rate': 100, 'seconds': 60, 'seed': [1, 2], 'share': 1})\n"
        "    gevent.sleep(0.5)\n"
        "    told['replaced'] = time.perf_counter()\n"
        "    runner.send_message('arrivals', {'rate': 400, 'seconds': 0.5, 'seed': [1, 3], 'share': 2})\n"
        "    gevent.sleep(1.0)\n"
        "    told['ended'] = len(seen)\n"
        "    runner.send_message('arrivals', {'rate': 100, 'seconds': 60, 'seed': [1, 4], 'share': 1})\n"
        "    gevent.sleep(0.3)\n"
        "    runner.send_message('arrivals', {'rate': 0})\n"
        "    gevent.sleep(0.1)\n"
        "    told['stopped'] = len(seen)\n"
    )
    run = locust("open_loop.py", serve(), script=CONDUCTOR + script, seconds=4, waits=True)
    assert run.told["before"] == 0
    intended = np.array([event["intended"] for event in run.seen])
    second = np.sort(intended[: run.told["ended"]][intended[: run.told["ended"]] > run.told["replaced"]])
    expected = np.array(scheduled([1, 3, 0], 200, 0.5))
    np.testing.assert_allclose(np.diff(second), np.diff(expected), atol=1e-6)
    assert second[0] - expected[0] - run.told["replaced"] < 0.2
    assert run.told["stopped"] == len(run.seen) > run.told["ended"]


def test_a_stopped_user_says_what_is_still_in_flight(locust: RunLocust, serve: Serve) -> None:
    script = (
        "def go():\n"
        "    runner.send_message('arrivals', {'rate': 100, 'seconds': 60, 'seed': [0], 'share': 1})\n"
        "    gevent.sleep(0.5)\n"
        "    user = next(iter(runner.user_greenlets)).args[0]\n"
        "    user.stop(force=False)\n"
        "    told['stopped'] = time.perf_counter()\n"
        "    told['left'] = bool(runner.user_greenlets.join(timeout=0.3))\n"
        "    told['flying'] = list(user.in_flight.values())\n"
        "    told['greenlets'] = len(user.requests)\n"
    )
    url = serve(slow_every="2", slow_delay_ms="60000")
    told = locust("open_loop.py", url, script=CONDUCTOR + script, seconds=2, waits=True).told
    assert not told["left"]
    assert len(told["flying"]) == told["greenlets"] > 5
    assert all(intended <= sent <= told["stopped"] + 0.05 for intended, sent in told["flying"])


def test_requests_outlive_a_user_stopped_by_force(locust: RunLocust, serve: Serve) -> None:
    script = (
        "def go():\n"
        "    runner.send_message('arrivals', {'rate': 100, 'seconds': 60, 'seed': [0], 'share': 1})\n"
        "    gevent.sleep(0.3)\n"
        "    user = next(iter(runner.user_greenlets)).args[0]\n"
        "    user.stop(force=True)\n"
        "    told['flying'] = len(user.in_flight)\n"
        "    told['before'] = len(seen)\n"
        "    user.requests.join(timeout=2)\n"
        "    told['after'] = len(seen)\n"
    )
    told = locust("open_loop.py", serve(500.0), script=CONDUCTOR + script, seconds=2, waits=True).told
    assert told["flying"] > 5
    assert told["after"] - told["before"] == told["flying"]


def test_processes_share_the_rate(locust: RunLocust, serve: Serve) -> None:
    run = locust("open_loop.py", serve(), "--rate", "200", "--processes", "2", "--users", "2", seconds=3)
    assert '"Arrivals": 2' in run.output
    assert "Aggregated" in run.output
    intended = np.sort([event["intended"] for event in run.seen])
    rate = len(intended) / (intended[-1] - intended[0])
    assert rate == pytest.approx(200, abs=70)
