"""What the locustfiles of this folder share: the options, the requests and what makes an answer valid.

Locust puts the folder of a locustfile on the path while it loads it, so `from _agent_requests import ...` works
wherever the folder lies, also beside a locustfile of another folder. Being one module it adds its options once, so
that several locustfiles can run together (`-f locustfiles/`, which skips names with an underscore). Whoever copies a
locustfile copies this file with it.
"""

import json
import math
import os
import random
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from locust import events

# A list with none of these in it holds numbers and texts only.
SUSPECTS = (b"null", b"NaN", b"Infinity")
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
    """What is sent, in a seeded order; the body of a GET is None.

    `contexts` says of each body which line of the file it was: whoever listens to Locust's events can tell which
    request an answer is to.
    """

    path: str
    bodies: tuple
    contexts: tuple
    field: str
    timeout: float

    @property
    def method(self):
        """The method of all of them."""
        return "GET" if self.bodies == (None,) else "POST"

    @property
    def headers(self):
        """The headers that the bodies ask for."""
        return {} if self.bodies == (None,) else {"Content-Type": "application/json"}

    @cached_property
    def said(self):
        """A pattern of a field that says something by how it begins; a group holds what may say nothing further on."""
        name = re.escape(self.field).encode()
        return re.compile(rb'"%s"\s*:\s*(?:"[^"]|-?\d|true|false|([\[{]\s*[^\]}\s]))' % name)

    def fault(self, content):
        """Return why the content of an answer with a good status is not valid, or None."""
        content = content or b""
        if not self.field:
            return None
        # Reading every answer would cost as much as many a server: only those are read that may say nothing.
        found = self.said.search(content)
        if found and (found[1] is None or not any(suspect in content for suspect in SUSPECTS)):
            return None
        if f'"{self.field}"'.encode() not in content:
            return f'the answer has no field "{self.field}"'
        try:
            return self.fault_in(json.loads(content))
        except ValueError:
            return "the answer is not JSON"

    def fault_in(self, document):
        """Return why an answer that was read is not valid, or None."""
        if not self.field:
            return None
        if not isinstance(document, dict) or self.field not in document:
            return f'the answer has no field "{self.field}"'
        fault = nothing_in(document[self.field])
        return f'the field "{self.field}" of the answer {fault}' if fault else None

    def ask(self, client, place):
        """Send one of the bodies with Locust's fast client, and return the answer once Locust has counted it."""
        with client.request(
            self.method, self.path, data=self.bodies[place], headers=self.headers, catch_response=True,
            context=self.contexts[place],
        ) as answer:  # fmt: skip
            fault = self.fault(answer.content)
            if fault and 200 <= answer.status_code < 300:
                answer.failure(fault)
        return answer


def read_requests(options):
    """Encode every body once, before the first request is timed."""
    bodies, contexts = [None], [{}]
    # A worker on another machine has its own copy; the master's option, which Locust hands on, names the master's.
    path = os.environ.get("AGENT_REQUESTS", options.requests)
    if path:
        lines = Path(path).read_text(encoding="utf-8").rstrip("\n").split("\n")
        order = list(range(len(lines)))
        random.Random(options.seed).shuffle(order)
        bodies = [json.dumps(json.loads(lines[row])["request"]).encode() for row in order]
        contexts = [{"request_row": row} for row in order]
    return Requests(
        path=options.path, bodies=tuple(bodies), contexts=tuple(contexts), field=options.field, timeout=options.timeout
    )


def nothing_in(value):
    """Say why a value is no answer: null, empty, or a number in it is none."""
    if value is None:
        return "is null"
    if isinstance(value, str | list | dict) and not value:
        return "is empty"
    found = no_number(value)
    return f"{'holds' if isinstance(value, list | dict) else 'is'} {found}" if found else None


def no_number(value):
    """Name the first number in a value that is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinity"
    if isinstance(value, list) and None in value:
        return "null"
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next(filter(None, map(no_number, members)), None)
