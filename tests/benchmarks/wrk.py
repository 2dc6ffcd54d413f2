"""Drive a server by wrk: a load generator in C, which takes as little of the shared cores as any."""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
"""Requests that are under way at any moment: each connection sends the next when it has its answer."""
_ANSWER_SECONDS = 10
_SCRIPT = """
local requests, sent = {}, 0

function init()
  wrk.headers["Content-Type"] = "application/json"
  for number, body in ipairs(bodies) do requests[number] = wrk.format("POST", path, nil, body) end
end

function request()
  sent = sent + 1
  return requests[sent % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '\\n{"requests": %d, "microseconds": %d, "p50": %f, "p99": %f, "refused": %d, "lost": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status, lost))
end
"""
_THINK = "function delay() return %d end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """What wrk saw, in seconds; its p99 has phantom samples where a connection stalled, for all servers alike."""

    requests: int
    """Answers with a status of success."""
    seconds: float
    p50: float
    p99: float
    errors: int
    """Answers with another status, and requests that got none."""
    cpu: float
    """Seconds of CPU that wrk itself took."""

    @property
    def throughput(self) -> float:
        """Good answers per second."""
        return self.requests / self.seconds


def drive(
    port: int, path: str, bodies: Sequence[str], seconds: float, connections: int = CONNECTIONS, think_ms: int = 0
) -> Driven:
    """Send the bodies in turn for so many seconds over all connections, each thinking before its next request."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "requests.lua"
        script.write_text(_listed(path, bodies) + _SCRIPT + (_THINK % think_ms if think_ms else ""))
        options = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", f"--timeout={_ANSWER_SECONDS}s"]
        command = ["wrk", *options, "-s", str(script), f"http://127.0.0.1:{port}"]
        output, cpu = _run(command)
    return _driven(json.loads(output.strip().splitlines()[-1]), cpu)


def _listed(path: str, bodies: Sequence[str]) -> str:
    quoted = ",\n".join(f"[==[{body}]==]" for body in bodies)
    return f'local path = "{path}"\nlocal bodies = {{{quoted}}}\n'


def _run(command: Sequence[str]) -> tuple[str, float]:
    """Run to the end; return what it printed and the CPU seconds it took."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as stream:
        output = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"wrk ended with exit code {process.returncode}: {output}")
    return output, usage.ru_utime + usage.ru_stime


def _driven(seen: dict[str, float], cpu: float) -> Driven:
    return Driven(
        requests=int(seen["requests"] - seen["refused"]),
        seconds=seen["microseconds"] / 1e6,
        p50=seen["p50"] / 1e6,
        p99=seen["p99"] / 1e6,
        errors=int(seen["refused"] + seen["lost"]),
        cpu=cpu,
    )
