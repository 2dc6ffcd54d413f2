"""What the server counts, in Prometheus' text format."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from reference_agent.queueing.batching import Reason, Release

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
RATIOS = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 8.0)

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The counters of one server; each has its own registry, so that two can live in one process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        requests = Counter(
            "agent_requests", "Inference requests answered, by HTTP status.", ["code"], registry=registry
        )
        rejected = Counter(
            "agent_rejected", "Sound requests that were turned away, by reason.", ["reason"], registry=registry
        )
        # Looking a label up costs as much as counting: each is looked up once.
        self.request: Callable[[int], Counter] = cache(requests.labels)
        self.rejection: Callable[[str], Counter] = cache(rejected.labels)
        self.queue_seconds = Histogram(
            "agent_queue_seconds", "Wait of a row for its batch.", buckets=SECONDS, registry=registry
        )
        self._compute_seconds = Histogram(
            "agent_compute_seconds", "Compute of a batch in its worker.", buckets=SECONDS, registry=registry
        )
        self._batch_size = Histogram("agent_batch_size", "Rows computed together.", buckets=SIZES, registry=registry)
        self._padding = Histogram(
            "agent_padding_ratio", "Computed units for each that was asked for.", buckets=RATIOS, registry=registry
        )
        batches = Counter("agent_batches", "Batches, by the reason why each left.", ["reason"], registry=registry)
        self._left = {reason: batches.labels(reason.value) for reason in Reason}
        self.restarts = Counter("agent_worker_restarts", "Workers that ended and were replaced.", registry=registry)
        self.retries = Counter(
            "agent_retries", "Rows computed again because their worker had ended.", registry=registry
        )

    def computed(self, release: Release, seconds: float) -> None:
        """Count a batch that was computed."""
        self._batch_size.observe(len(release.jobs))
        self._compute_seconds.observe(seconds)
        self._padding.observe(release.padding)
        self._left[release.reason].inc()

    def watch(
        self,
        *,
        queue_depth: Callable[[], int],
        workers: Callable[[], int],
        busy: Callable[[], Mapping[int, float]],
    ) -> None:
        """Read these whenever the metrics are asked for."""
        Gauge("agent_queue_depth", "Rows that wait now.", registry=self.registry).set_function(queue_depth)
        Gauge("agent_workers", "Workers that can compute now.", registry=self.registry).set_function(workers)
        self.registry.register(Utilisation(busy))

    def text(self) -> bytes:
        """Return everything in the text format."""
        return generate_latest(self.registry)


class Utilisation(Collector):
    """How long each worker was busy: its rate is the worker's utilisation."""

    def __init__(self, busy: Callable[[], Mapping[int, float]]) -> None:
        self._busy = busy

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Read the seconds of every worker."""
        family = CounterMetricFamily(
            "agent_worker_busy_seconds", "Seconds in which a worker had a batch.", labels=["worker"]
        )
        for number, seconds in self._busy().items():
            family.add_metric([str(number)], seconds)
        yield family
