"""Closed loop: every user sends a request, waits for its answer and sends the next one.

By hand, with Locust's web UI, against a server on loopback:
    locust -f locustfiles/agent.py --host http://127.0.0.1:8000 --web-host 127.0.0.1
"""

import json
import random
from itertools import cycle
from pathlib import Path

from locust import FastHttpUser, events, task

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


@events.test_start.add_listener
def load_requests(environment, **_):
    """Encode every body once, before the first request is timed."""
    options = environment.parsed_options
    bodies = []
    if options.requests:
        lines = Path(options.requests).read_text(encoding="utf-8").rstrip("\n").split("\n")
        bodies = [json.dumps(json.loads(line)["request"]).encode() for line in lines]
        random.Random(options.seed).shuffle(bodies)
    AgentUser.bodies = cycle(bodies or [None])
    AgentUser.path = options.path
    AgentUser.field = f'"{options.field}"'.encode() if options.field else b""
    AgentUser.network_timeout = AgentUser.connection_timeout = options.timeout


class AgentUser(FastHttpUser):
    """One user without think time: the concurrency is the number of users."""

    max_retries = 0

    @task
    def decide(self):
        body = next(self.bodies)
        method, headers = ("GET", {}) if body is None else ("POST", {"Content-Type": "application/json"})
        with self.client.request(method, self.path, data=body, headers=headers, catch_response=True) as answer:
            if 200 <= answer.status_code < 300 and self.field not in (answer.content or b""):
                answer.failure(f"the answer has no field {self.field.decode()}")
