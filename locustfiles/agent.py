"""Closed loop: every user sends a request, waits for its answer and sends the next one.

By hand, with Locust's web UI, against a server on loopback:
    locust -f locustfiles/agent.py --host http://127.0.0.1:8000 --web-host 127.0.0.1
"""

from itertools import cycle

from _agent_requests import read_requests
from locust import FastHttpUser, events, task


@events.test_start.add_listener
def load_requests(environment, **_):
    """Give all users the same requests, in one common order."""
    AgentUser.requests = requests = read_requests(environment.parsed_options)
    AgentUser.places = cycle(range(len(requests.bodies)))
    AgentUser.network_timeout = AgentUser.connection_timeout = requests.timeout


class AgentUser(FastHttpUser):
    """One user without think time: the concurrency is the number of users."""

    max_retries = 0

    @task
    def decide(self):
        """Ask for one decision."""
        self.requests.ask(self.client, next(self.places))
