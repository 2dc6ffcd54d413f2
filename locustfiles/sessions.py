"""Sessions: a user takes several decisions that depend on each other, with time to think between them.

By hand, with Locust's web UI, against a server on loopback:
    locust -f locustfiles/sessions.py --host http://127.0.0.1:8000 --web-host 127.0.0.1

The answer to a decision chooses the next request. A session ends early when a decision fails. Each one is reported
as a request of type SESSION whose time is the sum of what its decisions took: the time to think is not in it. A
session that is cut off because the test ends is not reported. Thinking times are exponential with the mean --think,
as of people who do not act in step; one of them also parts a session from the next.
"""

import random
import time
import zlib
from itertools import count

from _agent_requests import read_requests
from locust import FastHttpUser, events, task


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    """Let the sessions be chosen by flag, in the web UI, or by environment."""
    group = parser.add_argument_group("Sessions")
    group.add_argument("--decisions", env_var="AGENT_DECISIONS", type=int, default=3, help="decisions of a session")
    group.add_argument(
        "--think", env_var="AGENT_THINK", type=float, default=0.5, help="mean seconds between two decisions"
    )


@events.test_start.add_listener
def load_requests(environment, **_):
    """Give all users the same requests; what each does with them is its own."""
    options = environment.parsed_options
    SessionUser.requests = requests = read_requests(options)
    SessionUser.decisions, SessionUser.think, SessionUser.seed = options.decisions, options.think, options.seed
    SessionUser.network_timeout = SessionUser.connection_timeout = requests.timeout
    SessionUser.numbers = count()


class SessionUser(FastHttpUser):
    """A user who thinks: the concurrency is lower than the number of users."""

    max_retries = 0

    def __init__(self, environment):
        super().__init__(environment)
        self.random = random.Random(f"{self.seed} {environment.runner.worker_index} {next(self.numbers)}")

    def wait_time(self):
        """Return how long to think this time."""
        return self.random.expovariate(1.0 / self.think) if self.think > 0 else 0.0

    @task
    def session(self):
        """Take decisions until there are enough or one fails, and report them as one."""
        start_time, waited, fault = time.time(), 0.0, None
        choice = self.random.randrange(len(self.requests.bodies))
        for number in range(1, self.decisions + 1):
            if number > 1:
                self.wait()
            answer = self.requests.ask(self.client, choice)
            waited += answer.request_meta["response_time"]
            if answer.request_meta["exception"] is not None:
                fault = RuntimeError(f"decision {number} of {self.decisions} failed")
                break
            choice = self.next_choice(choice, answer.content)
        self.report(start_time, waited, fault)

    def next_choice(self, choice, content):
        """Return which request follows: it depends on the one before and on every byte of its answer."""
        return zlib.crc32(content or b"", choice) % len(self.requests.bodies)

    def report(self, start_time, waited, fault):
        """Fire Locust's event for a whole session."""
        self.environment.events.request.fire(
            request_type="SESSION",
            name="session",
            response_time=waited,
            response_length=0,
            response=None,
            context={},
            exception=fault,
            start_time=start_time,
            url=f"{self.host}{self.requests.path}",
        )
