"""What the server counts, in Prometheus' text format."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The counters of one server; each has its own registry, so that two can live in one process."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "agent_requests", "Inference requests answered, by HTTP status.", ["code"], registry=registry
        )
        self.rejected = Counter(
            "agent_rejected", "Sound requests that were turned away, by reason.", ["reason"], registry=registry
        )
        self.queue_seconds = Histogram(
            "agent_queue_seconds", "Wait of a row for its batch.", buckets=SECONDS, registry=registry
        )
        self.compute_seconds = Histogram(
            "agent_compute_seconds", "Compute of a batch in its worker.", buckets=SECONDS, registry=registry
        )
        self.batch_size = Histogram("agent_batch_size", "Rows computed together.", buckets=SIZES, registry=registry)
        self.restarts = Counter("agent_worker_restarts", "Workers that ended and were replaced.", registry=registry)

    def watch(self, *, queue_depth: Callable[[], int], workers: Callable[[], int]) -> None:
        """Read two gauges whenever the metrics are asked for."""
        Gauge("agent_queue_depth", "Rows that wait now.", registry=self._registry).set_function(queue_depth)
        Gauge("agent_workers", "Workers that can compute now.", registry=self._registry).set_function(workers)

    def text(self) -> bytes:
        """Return everything in the text format."""
        return generate_latest(self._registry)
