"""What is counted of jobs, in Prometheus' terms."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class JobMetrics:
    """The counters of one server's jobs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.submitted = Counter("agent_jobs_submitted", "Jobs taken into the queue here.", registry=registry)
        self.jobs = Counter("agent_jobs", "Jobs finished here, by status.", ["status"], registry=registry)
        self.retries = Counter("agent_job_retries", "Attempts at a job that are tried again.", registry=registry)
        self.seconds = Histogram(
            "agent_job_seconds", "From submission to completion.", buckets=SECONDS, registry=registry
        )
        self.callbacks = Counter(
            "agent_job_callbacks", "Answers posted to a callback, by outcome.", ["outcome"], registry=registry
        )

    def watch(self, *, waiting: Callable[[], int], running: Callable[[], int]) -> None:
        """Read two gauges whenever the metrics are asked for."""
        Gauge("agent_jobs_waiting", "Jobs in the queue.", registry=self._registry).set_function(waiting)
        Gauge("agent_jobs_running", "Jobs that run here.", registry=self._registry).set_function(running)
