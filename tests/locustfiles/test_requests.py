"""What all locustfiles send and take for an answer: each request names its line, and what says nothing is a failure."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.locustfiles.conftest import Run
from tuner import bundled
from tuner.target.launch import free_port
from tuner.target.process import SupervisedProcess

RunLocust = Callable[..., Run]

# Says back what it was asked, so that a listener sees which request an answer is to.
ECHO = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"decision": ' + asked + b'}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
LISTEN = """
told["rows"] = rows = []

@events.request.add_listener
def pair(context, response, request_type, **_):
    if request_type == "POST" and response is not None and response.content:
        rows.append([context.get("request_row"), json.loads(response.content)["decision"]])
"""


def asking(value: str) -> str | None:
    """Return what a locustfile makes of an answer with this text as its decision."""
    code = (
        "import sys; from _agent_requests import Requests\n"
        'asked = Requests(path="/", bodies=(None,), contexts=({},), field="decision", timeout=1.0)\n'
        "print(asked.fault(sys.argv[1].encode()))"
    )
    env = {**os.environ, "PYTHONPATH": str(bundled.locustfiles()), "PYTHONDONTWRITEBYTECODE": "1"}
    told = subprocess.run([sys.executable, "-c", code, value], env=env, capture_output=True, text=True, check=True)
    return None if told.stdout.strip() == "None" else told.stdout.strip()


@pytest.mark.parametrize(
    ("name", "own"), [("agent.py", ()), ("open_loop.py", ("--connections", "4")), ("sessions.py", ("--think", "0"))]
)
def test_every_request_names_its_line_of_the_file(
    locust: RunLocust, tmp_path: Path, name: str, own: tuple[str, ...]
) -> None:
    requests, script, port = tmp_path / "requests.jsonl", tmp_path / "echo.py", free_port()
    requests.write_text("".join(f'{{"request": {100 + row}}}\n' for row in range(50)))
    script.write_text(ECHO)
    with SupervisedProcess(
        [sys.executable, str(script), str(port)],
        env=dict(os.environ),
        workdir=tmp_path,
        log=tmp_path / "echo.log",
        stop_seconds=0.5,
    ):
        flags = ("--requests", str(requests), "--seed", "3", "--field", "decision", *own)
        told: dict[str, Any] = locust(name, f"http://127.0.0.1:{port}", *flags, script=LISTEN, seconds=2).told
    rows = [row for row, _ in told["rows"]]
    assert len(set(rows)) > 5
    assert rows[:5] != sorted(rows[:5]), "the order is seeded"
    assert all(echoed == 100 + row for row, echoed in told["rows"])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('{"decision": "yes"}', None),
        ('{"decision": "null and [] and NaN"}', None),
        ('{"decision": "yes", "note": null}', None),
        ('{"decision": [0.5, -1]}', None),
        ('{"decision": {"angle": 1, "note": null}}', None),
        ('{"other": 1}', 'the answer has no field "decision"'),
        ('{"decision": null}', 'the field "decision" of the answer is null'),
        ('{"decision": ""}', 'the field "decision" of the answer is empty'),
        ('{"decision": []}', 'the field "decision" of the answer is empty'),
        ('{"decision": NaN}', 'the field "decision" of the answer is NaN'),
        ('{"decision": [1, -Infinity]}', 'the field "decision" of the answer holds infinity'),
        ('{"decision": [[1], [null]]}', 'the field "decision" of the answer holds null'),
        ('{"decision": null', "the answer is not JSON"),
        ('[{"decision": null}]', 'the answer has no field "decision"'),
    ],
)
def test_an_answer_that_says_nothing_is_a_failure(content: str, fault: str | None) -> None:
    assert asking(content) == fault
    if fault is None:
        assert json.loads(content)["decision"]
