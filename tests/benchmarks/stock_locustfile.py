"""What a Locust user writes for a given rate: a pool of users, each of which asks ten times a second."""

import os

from locust import FastHttpUser, constant_throughput, poisson, task

EACH = 10.0


class Visitor(FastHttpUser):
    """One user; its wait is one of Locust's own."""

    wait_time = poisson(EACH) if os.environ.get("WAIT") == "poisson" else constant_throughput(EACH)

    @task
    def ask(self):
        """Ask once."""
        self.client.get("/")
