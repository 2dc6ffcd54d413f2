"""What the README shows works as it stands there."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from tuner.cli.app import app
from tuner.machine import cores, fingerprint, place
from tuner.measure.measurement import measure
from tuner.measure.protocol import Protocol
from tuner.measure.verify import Verifier
from tuner.study.objectives import Limits
from tuner.study.trial import Measurement
from tuner.study.workload import Workload, closed
from tuner.target import spec

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")

SERVE = """#!/usr/bin/env python3
import argparse, json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
for flag in ("--port", "--batch", "--threads"):
    parser.add_argument(flag, type=int, required=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply({"healthy": self.path == "/health"})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.reply({"label": asked["text"].upper() if self.path == "/predict" else None})

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler).serve_forever()
"""


def test_the_example_of_a_target_is_launched_and_measured_as_it_stands(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert example is not None
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "target.toml").write_text(example[1])
    (folder / "serve").write_text(SERVE)
    (folder / "serve").chmod(0o755)
    (folder / "requests.jsonl").write_text('{"request": {"text": "a"}, "answer": "A"}\n' * 10)
    target = spec.load(str(folder))
    protocol = Protocol(
        target=target,
        workload=Workload(loads=closed((2,)), warm_up=0.1, measure=0.5, measure_most=0.5, drain=1.0),
        limits=Limits(),
        verifier=Verifier(target, tmp_path / "answers", 2),
        machine=fingerprint(),
        placement=place(cores()),
    )
    outcome = measure(protocol, target.space.configuration({"batch": 8}), tmp_path / "trial")
    assert isinstance(outcome, Measurement)
    assert outcome.quality is not None
    assert outcome.quality.share == 1.0


SHOWN = re.findall(r"(?:^|^\$ |/bin/)(tuner [a-z]+ [^\n#|]*--[^\n#|]+)", README + WORKFLOW, re.MULTILINE)


@pytest.mark.parametrize("command", [command.strip() for command in SHOWN])
def test_every_flag_that_is_shown_exists(command: str) -> None:
    program = typer.main.get_command(app)
    _, verb, *words = shlex.split(command)
    known = {flag for option in program.commands[verb].params for flag in option.opts}  # type: ignore[attr-defined]
    known |= {f"--{name}" for target in ("reference", "null") for name in spec.declared_options(target)}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_link_leads_somewhere(path: str) -> None:
    assert (ROOT / path).exists()
