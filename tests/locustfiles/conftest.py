"""Real Locust with a plain listener beside the locustfile, against a real server."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tuner import bundled
from tuner.measure import ready
from tuner.target import spec
from tuner.target.launch import free_port, render
from tuner.target.process import SupervisedProcess

# Lies in a folder of its own, as tuner's recorder does. PROBE holds what else a test wants to happen.
PROBE = """
import json, os, time
import gevent
from locust import events

seen, told = [], {}

@events.request.add_listener
def keep(request_type, name, response_time, response, exception, intended=None, sent=None, end=None, **_):
    server = getattr(response, "headers", None) or {}
    seen.append(dict(kind=request_type, name=name, time=response_time, fault=exception and str(exception),
                     intended=intended, sent=sent, end=end, timing=server.get("server-timing")))

@events.quitting.add_listener
def write(**_):
    with open(os.environ["PROBE_OUT"] + f".{os.getpid()}", "w") as file:
        json.dump({"seen": seen, "told": told}, file)

exec(os.environ.get("PROBE", ""))
"""


@dataclass(frozen=True)
class Run:
    """What the listener saw of a run, what its test's own code told, and Locust's own words."""

    seen: list[dict[str, Any]]
    told: dict[str, Any]
    output: str

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.seen if event["kind"] == kind]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start null targets and return their URLs; their delay is 10 ms unless a test wants another."""
    with ExitStack() as stack:

        def start(delay_ms: float = 10.0, **options: str) -> str:
            target = spec.load("null", options)
            configuration = {**target.space.default(), "delay_ms": delay_ms}
            launch = render(target, configuration, port=free_port(), workdir=tmp_path, artifact=None)
            server = SupervisedProcess(
                launch.argv, env=launch.env, workdir=tmp_path, log=tmp_path / "server.log", stop_seconds=0.5
            )
            stack.enter_context(server)
            ready.wait(target, launch, server)
            return launch.url

        yield start


@pytest.fixture
def locust(tmp_path: Path) -> Callable[..., Run]:
    """Run one of the bundled locustfiles for a short time."""
    probe = tmp_path / "probe" / "probe.py"
    probe.parent.mkdir()
    probe.write_text(PROBE)

    def run(name: str, url: str, *arguments: str, seconds: int = 1, script: str = "", waits: bool = False) -> Run:
        out = tmp_path / "seen"
        argv = [sys.executable, "-m", "locust", "-f", f"{probe},{bundled.locustfiles() / name}", "--headless",
                "--run-time", f"{seconds}s", "--host", url, "--path", "/", "--requests", "", "--only-summary",
                "--exit-code-on-error", "0", *arguments]  # fmt: skip
        env = {**os.environ, "PROBE_OUT": str(out), "PROBE": script, "AGENT_WAITS": "1" if waits else ""}
        result = subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "Traceback" not in result.stderr, result.stderr
        parts = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("seen.*"))]
        told = {key: value for part in parts for key, value in part["told"].items()}
        return Run([event for part in parts for event in part["seen"]], told, result.stdout + result.stderr)

    return run
