"""Small servers that are written for a test, and the protocol by which they are measured."""

from pathlib import Path

from tuner.machine import cores, fingerprint, place
from tuner.measure.protocol import Protocol
from tuner.measure.verify import Verifier
from tuner.study.objectives import Limits
from tuner.study.workload import Workload, closed
from tuner.target.spec import Target

SHORT = Workload(loads=closed((2, 8)), warm_up=0.2, measure=1.0, measure_most=1.0, drain=1.0)


def protocol(target: Target, folder: Path, workload: Workload = SHORT) -> Protocol:
    return Protocol(
        target=target,
        workload=workload,
        limits=Limits(),
        verifier=Verifier(target, folder / "answers", 8),
        machine=fingerprint(),
        placement=place(cores()),
    )


def server(body: str) -> str:
    """A small server on the standard library; `body` is the body of its `do_GET` and `do_POST`."""
    return f"""
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def reply(self, content, status=200, **headers):
        data = json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def do_GET(self):
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{{}}")
        {body}
    do_POST = do_GET
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


TOML = """
description = "mine"
command = ["$python", "$home/server.py", "$port", "$level"]
[timeouts]
ready = 3.0
stop = 0.5
[answers]
requests = "requests.jsonl"
field = "decision"
accuracy_knobs = []
[space]
level = { choices = [1, 2], default = 1 }
"""
REQUESTS = "".join(f'{{"request": {{"text": "{n}"}}, "answer": "{n % 2}"}}\n' for n in range(100))
