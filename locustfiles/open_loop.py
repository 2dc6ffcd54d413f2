"""Open loop: requests arrive at random moments fixed beforehand, however slow the answers to earlier ones are.

By hand, with Locust's web UI, against a server on loopback:
    locust -f locustfiles/open_loop.py --host http://127.0.0.1:8000 --web-host 127.0.0.1

The arrivals are a Poisson process of --rate per second, made from --seed before the first of them (without an end, in
pieces of ten seconds). A latency counts from the moment at which the request was to be sent, not from when it was
sent, so no delay is left out, be it the server's or Locust's. One user a process makes all of its arrivals, and the
number of users does not matter, except that N processes need N: `--processes N --users N` shares the rate out. An
arrival that finds --max-in-flight requests running is not sent and counts as failed.

Arrivals restart at a message "arrivals" to the runner, {"rate": requests a second, "seconds": length, "seed": [numbers
from 0 up], "share": number of processes that share the rate}; a rate of 0 stops them, and no "seconds" means no end.
Whoever sends it sets AGENT_WAITS=1, otherwise one is sent as soon as the users are there. Events of requests carry
`intended`, `sent` (when its turn came, before a connection is there) and `end` in seconds of `time.perf_counter()`.
"""

import logging
import math
import os
import time
from itertools import count, cycle, takewhile
from urllib.parse import urlsplit

import gevent
from _agent_requests import read_requests
from _alarm import Alarm
from _client import Client
from _schedule import part_of_plan
from gevent.event import Event
from gevent.pool import Group
from locust import User, events, task
from locust.contrib.fasthttp import FastResponse, LocustBadStatusCode, insecure_ssl_context_factory
from locust.exception import CatchResponseError, StopTest
from locust.runners import MasterRunner, WorkerRunner

MESSAGE = "arrivals"
LEAD_SECONDS = 0.02
PATIENCE_SECONDS = 0.005
LOST_SECONDS = 0.1  # Stopping a test takes Locust some 20 ms, and what was due in them was not held back.
HEADERS = {"Accept-Encoding": "gzip, deflate, br"}  # as FastHttpUser sends it: both loops ask for the same answers


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    """Let the arrivals be chosen by flag, in the web UI, or by environment."""
    group = parser.add_argument_group("Open loop")
    group.add_argument("--rate", env_var="AGENT_RATE", type=float, default=50.0, help="arrivals a second, all together")
    group.add_argument(
        "--max-in-flight", env_var="AGENT_MAX_IN_FLIGHT", type=int, default=1000,
        help="requests that may run at once in a process; an arrival above it counts as failed",
    )  # fmt: skip
    group.add_argument(
        "--connections", env_var="AGENT_CONNECTIONS", type=int, default=64,
        help="connections opened by a process before the first arrival; more are opened when needed",
    )  # fmt: skip


@events.init.add_listener
def listen(environment, **_):
    """Obey messages, and without someone who sends them, send one when the users are there."""
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        runner.register_message(MESSAGE, start_arrivals)
    if not isinstance(runner, WorkerRunner) and os.environ.get("AGENT_WAITS") != "1":
        environment.events.spawning_complete.add_listener(lambda **_: runner.send_message(MESSAGE, own_plan(runner)))


@events.test_start.add_listener
def want_a_user_per_process(environment, **_):
    """Have a master spread one user to every worker: Locust's `fixed_count` is a number for all of them together."""
    if isinstance(environment.runner, MasterRunner):
        Arrivals.fixed_count = environment.runner.worker_count


def own_plan(runner):
    """Return the plan that the options ask for, shared among the processes that have a user."""
    options = runner.environment.parsed_options
    counts = runner.reported_user_classes_count if isinstance(runner, MasterRunner) else runner.user_classes_count
    return {"rate": options.rate, "seconds": None, "seed": [options.seed], "share": max(counts[Arrivals.__name__], 1)}


def start_arrivals(environment, msg):
    """Let the arrivals of this process follow a new plan."""
    runner = environment.runner
    users = [greenlet.args[0] for greenlet in runner.user_greenlets if greenlet.args]
    arrivals = [user for user in users if isinstance(user, Arrivals)]
    if not arrivals:
        logging.warning("no user of this process makes arrivals: start at least as many users as processes")
    for user in arrivals:
        user.follow(part_of_plan(msg.data, max(runner.worker_index, 0)))


class Arrivals(User):
    """All arrivals of this process, each request in a greenlet of its own.

    `in_flight` holds what is not answered, as (intended, sent) with NaN for not sent; `requests` are their greenlets,
    which outlive the user when it is stopped by force.
    """

    fixed_count = 1

    def __init__(self, environment):
        super().__init__(environment)
        if not self.host:
            raise StopTest("the open loop needs --host")
        options = environment.parsed_options
        self.asked = read_requests(options)
        self.max_in_flight = options.max_in_flight
        self.connections = min(options.connections, options.max_in_flight)
        self.client = self.make_client()
        self.encoded = self.encode_requests()
        self.numbers = count()
        self.in_flight = {}
        self.requests = Group()
        self.opened, self.ended = Event(), Event()
        self.player = None
        self.begin, self.moments = 0.0, iter(())

    def make_client(self):
        """Return a client with room for every request in flight; the time-out of a request covers all of its steps."""
        return Client.from_url(
            self.host, concurrency=self.max_in_flight, connection_timeout=None, network_timeout=None,
            insecure=True, ssl_context_factory=insecure_ssl_context_factory,
        )  # fmt: skip

    def encode_requests(self):
        """Return the bytes of every request."""
        asked = self.asked
        uri = urlsplit(self.host).path.rstrip("/") + asked.path
        return [self.client.encode(asked.method, uri, body, {**HEADERS, **asked.headers}) for body in asked.bodies]

    def on_start(self):
        """Open the connections. A server that takes none yet shows as failed requests."""
        try:
            with gevent.Timeout(self.asked.timeout):
                self.client.open(self.connections)
        except (OSError, gevent.Timeout) as error:
            logging.warning("not all of the %d connections could be opened: %s", self.connections, error)
        self.opened.set()

    def follow(self, moments):
        """Make the arrivals at `moments`, in seconds from about now, in place of those that are to come."""
        self.halt()
        self.places = cycle(range(len(self.encoded)))  # every schedule sends the same requests in the same order
        self.moments = iter(moments)
        self.player = gevent.spawn(self.play)

    def halt(self):
        """Drop the arrivals that are to come; running requests go on, and what is overdue is counted as failed."""
        if self.player is not None:
            self.player.kill()
        late = time.perf_counter() - LOST_SECONDS
        for intended in takewhile(lambda moment: moment < late, (self.begin + moment for moment in self.moments)):
            self.report_unsent(intended, -math.inf, "Locust was too late for it")
        self.moments = iter(())

    @task
    def wait_for_the_end(self):
        """Live until someone stops this user, and then as long as a request runs."""
        self.ended.wait()
        self.requests.join()

    def stop(self, force=False):
        """End the schedule at once."""
        self.halt()
        self.ended.set()
        return super().stop(force)

    def on_stop(self):
        """End the schedule also when Locust killed the user without asking."""
        self.halt()

    def play(self):
        """Make every arrival at its moment; those whose moments have passed come at once."""
        self.opened.wait()
        self.begin = time.perf_counter() + LEAD_SECONDS
        with Alarm() as alarm:
            for moment in self.moments:
                intended = self.begin + moment
                alarm.wait_until(intended)
                if time.perf_counter() - intended > PATIENCE_SECONDS:
                    gevent.sleep(0)  # Whoever cannot keep up must still let running requests have their turn.
                self.arrive(intended)

    def arrive(self, intended):
        """Start a request, or count it as failed when too many are running."""
        if len(self.in_flight) >= self.max_in_flight:
            self.report_unsent(intended, math.inf, f"{self.max_in_flight} requests were in flight")
            return
        number = next(self.numbers)
        self.in_flight[number] = (intended, math.nan)
        self.requests.spawn(self.request, number)

    def request(self, number):
        """Send one request, wait for its answer and report it."""
        intended, _ = self.in_flight[number]
        self.in_flight[number] = (intended, time.perf_counter())
        place = next(self.places)
        answer = fault = None
        try:
            with gevent.Timeout(max(intended + self.asked.timeout - time.perf_counter(), 0.0)):
                answer = self.exchange(place)
        except gevent.Timeout:
            fault = TimeoutError(f"no answer within {self.asked.timeout:g} s of the intended start")
        except Exception as error:  # whatever went wrong, the request has to be counted
            # Its traceback would keep this frame, and with it itself, until a garbage collection.
            fault = error.with_traceback(None)
        end = time.perf_counter()
        # Answers that came together are read together, before any of them is counted: that takes as long as reading.
        gevent.sleep(0)
        intended, sent = self.in_flight.pop(number)
        fault = self.fault(answer) if fault is None else fault
        self.report(intended, sent, end, answer, fault, self.asked.contexts[place])

    def exchange(self, place):
        """Return the whole answer to one of the requests."""
        answer = FastResponse(self.client.send(self.encoded[place]))
        _ = answer.content  # Reading it to the end gives the connection back.
        return answer

    def fault(self, answer):
        """Return what is wrong with an answer, or None."""
        if not 200 <= answer.status_code < 300:
            return LocustBadStatusCode(f"{self.host}{self.asked.path}", code=answer.status_code)
        fault = self.asked.fault(answer.content)
        return CatchResponseError(fault) if fault else None

    def report_unsent(self, intended, sent, reason):
        """Count an arrival that was left out as failed: it is never silent."""
        self.report(intended, sent, time.perf_counter(), None, RuntimeError(f"not sent: {reason}"), {})

    def report(self, intended, sent, end, answer, fault, context):
        """Fire Locust's event for a request."""
        self.environment.events.request.fire(
            request_type=self.asked.method,
            name=self.asked.path,
            response_time=(end - intended) * 1000.0,
            response_length=0 if answer is None else len(answer.content or b""),
            response=answer,
            context=context,
            exception=fault,
            start_time=time.time() - (time.perf_counter() - intended),
            url=f"{self.host}{self.asked.path}",
            intended=intended,
            sent=sent,
            end=end,
        )
