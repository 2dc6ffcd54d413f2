"""Sessions, and what all locustfiles of the folder have in common."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.locustfiles.conftest import Run
from tuner import bundled
from tuner.target.launch import free_port
from tuner.target.process import SupervisedProcess

RunLocust = Callable[..., Run]
Serve = Callable[..., str]
LOCUSTFILES = ("agent.py", "jobs.py", "open_loop.py", "sessions.py")


def test_a_session_is_the_sum_of_its_decisions(locust: RunLocust, serve: Serve) -> None:
    run = locust("sessions.py", serve(), "--decisions", "4", "--think", "0.05", seconds=2)
    sessions, decisions = run.of_kind("SESSION"), run.of_kind("GET")
    assert len(sessions) > 2
    for number, session in enumerate(sessions):
        own = decisions[4 * number : 4 * number + 4]
        assert session["time"] == pytest.approx(sum(decision["time"] for decision in own))
        assert session["fault"] is None
    assert len(decisions) * 0.010 < 2 * 0.5, "most of the time was spent thinking"


def test_a_failed_decision_ends_its_session(locust: RunLocust, serve: Serve) -> None:
    run = locust("sessions.py", serve(error_every="2"), "--decisions", "3", "--think", "0")
    faults = [session["fault"] for session in run.of_kind("SESSION")]
    assert len(faults) > 5
    assert set(faults) == {"decision 2 of 3 failed"}


def test_what_is_asked_next_depends_on_the_answer(locust: RunLocust, tmp_path: Path) -> None:
    bodies = tmp_path / "bodies.jsonl"
    bodies.write_text("".join(json.dumps({"request": number}) + "\n" for number in range(1000)))
    port, asked = free_port(), []
    for answer in (b"yes", b"no"):
        script, log = tmp_path / "echo.py", tmp_path / answer.decode()
        script.write_text(
            "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
            "class Handler(BaseHTTPRequestHandler):\n"
            "    protocol_version = 'HTTP/1.1'\n"
            "    def do_POST(self):\n"
            f"        with open({str(log)!r}, 'ab') as log:\n"
            "            log.write(self.rfile.read(int(self.headers['Content-Length'])) + b' ')\n"
            "        self.send_response(200)\n"
            f"        self.send_header('Content-Length', '{len(answer)}')\n"
            "        self.end_headers()\n"
            f"        self.wfile.write({answer!r})\n"
            "    def log_message(self, *_):\n"
            "        pass\n"
            f"HTTPServer(('127.0.0.1', {port}), Handler).serve_forever()\n"
        )
        with SupervisedProcess(
            [sys.executable, str(script)], env=dict(os.environ), workdir=tmp_path, log=tmp_path / "log",
            stop_seconds=0.5,
        ):  # fmt: skip
            locust("sessions.py", f"http://127.0.0.1:{port}", "--requests", str(bodies), "--think", "0")
        asked.append(log.read_text().split()[:2])
    assert asked[0][0] == asked[1][0], "the same seed begins alike"
    assert asked[0][1] != asked[1][1]


def test_the_plain_closed_loop_has_no_thinking(locust: RunLocust, serve: Serve) -> None:
    run = locust("agent.py", serve(), "--users", "1")
    assert len(run.seen) > 30
    assert all(event["fault"] is None for event in run.seen)


@pytest.mark.parametrize("name", LOCUSTFILES)
def test_each_runs_by_hand_with_the_web_ui(name: str, serve: Serve, tmp_path: Path) -> None:
    port = free_port()
    argv = [sys.executable, "-m", "locust", "-f", str(bundled.locustfiles() / name), "--host", serve(),
            "--path", "/", "--requests", "", "--web-host", "127.0.0.1", "--web-port", str(port),
            "--autostart", "--autoquit", "0", "--run-time", "3s"]  # fmt: skip
    log = tmp_path / "locust.log"
    with log.open("w") as out:
        process = subprocess.Popen(argv, cwd=tmp_path, stdout=out, stderr=out)
    try:
        stats = web_stats(port, time.monotonic() + 20)
        assert stats["state"] in ("spawning", "running")
        assert process.wait(timeout=20) == 0, log.read_text()
    finally:
        process.kill()
    assert "Traceback" not in log.read_text()


def web_stats(port: int, deadline: float) -> dict[str, object]:
    """Return what the web UI shows once a request was counted."""
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats/requests", timeout=2) as answer:
                stats: dict[str, object] = json.load(answer)
            if stats["stats"][-1]["num_requests"]:
                return stats
        except OSError:
            pass
        assert time.monotonic() < deadline, "no request within the time"
        time.sleep(0.1)


def test_the_whole_folder_runs_at_once(serve: Serve, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(bundled.locustfiles()), "--headless", "--users", "4",
         "--spawn-rate", "4", "--run-time", "1s", "--host", serve(), "--path", "/", "--requests", ""],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert all(f'"{user}": 1' in result.stderr for user in ("AgentUser", "Arrivals", "JobUser", "SessionUser"))
