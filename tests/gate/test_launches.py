"""The launches of a gate on real servers: the answers of both sides are kept and compared, also without labels."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.gate.gates import settings
from tuner.gate.launches import launches
from tuner.gate.result import Described, Side
from tuner.gate.side import Launchable
from tuner.machine import cores, fingerprint, place
from tuner.measure.protocol import Watcher
from tuner.study.quality import Basis
from tuner.study.trial import Measurement
from tuner.study.workload import Workload, closed
from tuner.target import spec

TARGET = """
description = "Says how long a text is, or a little more"
command = ["$python", "$home/server.py", "$port", "$wrong"]
ready = "/"
[answers]
path = "/predict"
requests = "requests.jsonl"
field = "length"
accuracy_knobs = ["wrong"]
[space]
wrong = { low = 0, high = 40, default = 0 }
"""

SERVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def reply(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply({})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        length = len(asked["text"])
        self.reply({"length": length + (length <= int(sys.argv[2]))})

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

REQUESTS = 50
WRONG = 10
TRIES = 5
"""On a machine that is busy with something else a launch may be disturbed."""


def side(folder: Path, wrong: int, labelled: bool) -> Launchable:
    """A server that answers the shortest texts wrong."""
    folder.mkdir()
    (folder / "target.toml").write_text(TARGET)
    (folder / "server.py").write_text(SERVER)
    lines = [{"request": {"text": "x" * count}} for count in range(1, REQUESTS + 1)]
    if labelled:
        lines = [{**line, "answer": len(line["request"]["text"])} for line in lines]
    (folder / "requests.jsonl").write_text("\n".join(map(json.dumps, lines)))
    target = spec.load(str(folder))
    configuration = target.space.configuration({"wrong": wrong})
    described = Described(source=folder.name, target=folder.name, configuration=configuration)
    return Launchable(target=target, configuration=configuration, described=described)


@pytest.mark.parametrize(("labelled", "basis"), [(True, Basis.ACCURACY), (False, Basis.AGREEMENT)])
def test_answers_of_both_sides_are_compared_request_by_request(tmp_path: Path, labelled: bool, basis: Basis) -> None:
    sides = (side(tmp_path / "old", 0, labelled), side(tmp_path / "new", WRONG, labelled))
    workload = Workload(loads=closed((2,)), warm_up=0.1, warm_up_most=0.2, measure=0.5, measure_most=0.5, patience=0.5)
    asked = replace(settings(), workload=workload)
    launch, compare = launches(asked, *sides, tmp_path / "gate", fingerprint(), place(cores()), Watcher())
    assert any(isinstance(launch(Side.NEW, 0), Measurement) for _ in range(TRIES))
    assert compare() is None
    assert any(isinstance(launch(Side.BASELINE, 0), Measurement) for _ in range(TRIES))
    found = compare()
    assert found is not None
    assert found.change is not None
    assert (found.basis, found.correct, found.total) == (basis, REQUESTS - WRONG, REQUESTS)
    assert (found.change.gained, found.change.lost) == (0, WRONG)
