"""What the locustfiles of this folder share: the options, the requests and what makes an answer valid.

Locust puts the folder of a locustfile on the path while it loads it, so `from _agent_requests import ...` works
wherever the folder lies, also beside a locustfile of another folder. Being one module it adds its options once, so
that several locustfiles can run together (`-f locustfiles/`, which skips names with an underscore). Whoever copies a
locustfile copies this file with it.
"""

import json
import os
import random
from dataclasses import dataclass
from pathlib import Path

from locust import events

REFERENCE = Path(__file__).resolve().parent.parent / "targets" / "reference" / "data" / "search_validation.jsonl"


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    """Let the requests be chosen by flag, in the web UI, or by environment."""
    group = parser.add_argument_group("Agent")
    group.add_argument("--path", env_var="AGENT_PATH", default="/v1/decide", help="path that requests are sent to")
    group.add_argument(
        "--requests", env_var="AGENT_REQUESTS", default=str(REFERENCE),
        help='JSON lines of {"request": body}; empty: GET without a body',
    )  # fmt: skip
    group.add_argument("--field", env_var="AGENT_FIELD", default="", help="JSON field that a valid answer has")
    group.add_argument("--seed", env_var="AGENT_SEED", type=int, default=0, help="seed of the order of requests")
    group.add_argument(
        "--timeout", env_var="AGENT_TIMEOUT", type=float, default=10.0, help="seconds before a request counts as failed"
    )


@dataclass(frozen=True)
class Requests:
    """What is sent, in a seeded order; the body of a GET is None."""

    path: str
    bodies: tuple
    field: bytes
    timeout: float

    @property
    def method(self):
        """The method of all of them."""
        return "GET" if self.bodies == (None,) else "POST"

    @property
    def headers(self):
        """The headers that the bodies ask for."""
        return {} if self.bodies == (None,) else {"Content-Type": "application/json"}

    def fault(self, content):
        """Return why the content of an answer with a good status is not valid, or None."""
        return None if self.field in (content or b"") else f"the answer has no field {self.field.decode()}"

    def ask(self, client, body):
        """Send one of the bodies with Locust's fast client, and return the answer once Locust has counted it."""
        with client.request(self.method, self.path, data=body, headers=self.headers, catch_response=True) as answer:
            fault = self.fault(answer.content)
            if fault and 200 <= answer.status_code < 300:
                answer.failure(fault)
        return answer


def read_requests(options):
    """Encode every body once, before the first request is timed."""
    bodies = [None]
    # A worker on another machine has its own copy; the master's option, which Locust hands on, names the master's.
    path = os.environ.get("AGENT_REQUESTS", options.requests)
    if path:
        lines = Path(path).read_text(encoding="utf-8").rstrip("\n").split("\n")
        bodies = [json.dumps(json.loads(line)["request"]).encode() for line in lines]
        random.Random(options.seed).shuffle(bodies)
    field = f'"{options.field}"'.encode() if options.field else b""
    return Requests(path=options.path, bodies=tuple(bodies), field=field, timeout=options.timeout)
