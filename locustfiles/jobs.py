"""Jobs: every user submits a job, waits until it is done and submits the next one.

By hand, with Locust's web UI, against a server on loopback:
    locust -f locustfiles/jobs.py --host http://127.0.0.1:8000 --web-host 127.0.0.1

A job is one request of type JOB, whose time is from its submission until its answer is here. The server holds each
question after it back until the job is finished (a long poll), so nobody sleeps between two questions. A server that
answers a submission at once, with 200, has done the job. --timeout is for all of a job.
"""

import json
import time
from itertools import cycle
from urllib.parse import urlsplit

import gevent
from _agent_requests import read_requests
from _client import Client
from locust import User, events, task
from locust.contrib.fasthttp import FastResponse, LocustBadStatusCode, insecure_ssl_context_factory
from locust.exception import CatchResponseError, StopTest

WAIT_MS = 30_000
HEADERS = {"Accept-Encoding": "gzip, deflate, br", "Content-Type": "application/json"}


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    """Let the queue be chosen by flag, in the web UI, or by environment."""
    group = parser.add_argument_group("Jobs")
    group.add_argument("--jobs-path", env_var="AGENT_JOBS_PATH", default="/v1/jobs", help="path jobs are submitted to")


@events.test_start.add_listener
def load_requests(environment, **_):
    """Give all users the same requests, in one common order, each wrapped as a job."""
    JobUser.requests = requests = read_requests(environment.parsed_options)
    JobUser.path = environment.parsed_options.jobs_path
    JobUser.bodies = cycle([b'{"request": %s}' % (body or b"null") for body in requests.bodies])


class JobUser(User):
    """One user without think time: the concurrency is the number of users; `in_flight` is the job it waits for."""

    def __init__(self, environment):
        super().__init__(environment)
        if not self.host:
            raise StopTest("jobs need --host")
        self.client = Client.from_url(
            self.host, concurrency=1, connection_timeout=None, network_timeout=None,
            insecure=True, ssl_context_factory=insecure_ssl_context_factory,
        )  # fmt: skip
        self.uri = urlsplit(self.host).path.rstrip("/") + self.path
        self.in_flight = {}

    @task
    def job(self):
        """Have one job done, and report it."""
        start = time.perf_counter()
        self.in_flight[0] = (start, start)
        answer = fault = None
        try:
            with gevent.Timeout(self.requests.timeout):
                answer = self.finish(self.ask("POST", self.uri, next(self.bodies)))
            fault = self.fault(answer)
        except gevent.Timeout:
            fault = TimeoutError(f"not done within {self.requests.timeout:g} s of its submission")
        except Exception as error:  # whatever went wrong, the job has to be counted
            fault = error.with_traceback(None)
        end = time.perf_counter()
        del self.in_flight[0]
        self.report(start, end, answer, fault)

    def finish(self, answer):
        """Ask until the job that was accepted is finished, and return the last answer."""
        if answer.status_code != 202:
            return answer
        uri = f"{self.uri}/{json.loads(answer.content)['id']}?wait_ms={WAIT_MS}"
        while True:
            answer = self.ask("GET", uri)
            if json.loads(answer.content)["status"] not in ("queued", "running"):
                return answer

    def ask(self, method, uri, body=b""):
        """Return the whole answer to a request; raise what Locust raises when it has a bad status."""
        answer = FastResponse(self.client.send(self.client.encode(method, uri, body, HEADERS)))
        _ = answer.content  # Reading it to the end gives the connection back.
        if not 200 <= answer.status_code < 300:
            raise LocustBadStatusCode(f"{self.host}{self.path}", code=answer.status_code)
        return answer

    def fault(self, answer):
        """Return what is wrong with a finished job, or None."""
        document = json.loads(answer.content)
        if document.get("status") == "failed":
            return CatchResponseError(f"the job failed: {document.get('error')}")
        # The answer to a job that waited stands in the document of the job.
        fault = self.requests.fault_in(document.get("answer", document))
        return CatchResponseError(fault) if fault else None

    def report(self, start, end, answer, fault):
        """Fire Locust's event for a job."""
        self.environment.events.request.fire(
            request_type="JOB",
            name=self.path,
            response_time=(end - start) * 1000.0,
            response_length=0 if answer is None else len(answer.content or b""),
            response=answer,
            context={},
            exception=fault,
            start_time=time.time() - (time.perf_counter() - start),
            url=f"{self.host}{self.path}",
            intended=start,
            sent=start,
            end=end,
        )
