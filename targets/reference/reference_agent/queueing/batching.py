"""The queue of waiting jobs and the one rule that says when which of them leave as a batch."""

import heapq
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reference_agent.errors import RequestError
from reference_agent.queueing.cost import CostModel
from reference_agent.queueing.disciplines import Ranking
from reference_agent.queueing.job import Job
from reference_agent.queueing.policy import Batching, Policy

SLACK = 64
"""Places in a heap that discarded jobs may take beside those that wait."""


class Reason(StrEnum):
    """Why a batch left when it did."""

    FULL = "full"
    FREE = "free"
    """A worker was free, and nothing was to be waited for."""
    TIMEOUT = "timeout"
    DEADLINE = "deadline"
    """Waiting on would have missed a deadline."""
    DRAIN = "drain"
    """The server shuts down: no more requests will come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Jobs that leave together, and the shape that they are padded to."""

    jobs: Sequence[Job]
    rows: int
    columns: int
    reason: Reason

    @property
    def units(self) -> int:
        """What is computed, padding included."""
        return self.rows * self.columns

    @property
    def padding(self) -> float:
        """Computed units for each unit that was asked for; 1 when nothing is padded."""
        return self.units / max(1, sum(job.size for job in self.jobs))


class Bucket:
    """Waiting jobs of one class of length: by rank, and by arrival."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        """Units of the longest row that belongs here."""
        self._ranked: list[tuple[float, int]] = []
        self._jobs: dict[int, Job] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs.values())

    def put(self, rank: float, job: Job) -> None:
        """Add a job."""
        self._jobs[job.number] = job
        heapq.heappush(self._ranked, (rank, job.number))

    def discard(self, job: Job) -> bool:
        """Take out a job wherever it stands; whether it was here."""
        if self._jobs.pop(job.number, None) is None:
            return False
        if len(self._ranked) > 2 * len(self._jobs) + SLACK:
            self._ranked = [entry for entry in self._ranked if entry[1] in self._jobs]
            heapq.heapify(self._ranked)
        return True

    def head(self) -> tuple[float, int]:
        """The rank of the job that is next, and its number."""
        while self._ranked[0][1] not in self._jobs:  # discarded
            heapq.heappop(self._ranked)
        return self._ranked[0]

    def pop(self) -> tuple[float, Job]:
        """Remove and return the job that is next, with its rank."""
        rank, number = self.head()
        heapq.heappop(self._ranked)
        return rank, self._jobs.pop(number)

    def oldest(self) -> float:
        """The moment at which the job came that has waited longest; one that was put back keeps its moment."""
        return min(job.queued for job in self)


class Batcher:
    """A bounded queue that gives out batches.

    It knows no workers: the dispatcher asks it only when one is free, so a batch is as full as it can be by then. Among
    the buckets that may leave, the one whose head has the lowest rank does. All moments are on one monotonic clock.
    """

    def __init__(
        self, policy: Policy, cost: CostModel, *, longest: int, capacity: int, tenant_capacity: int | None = None
    ) -> None:
        self.capacity = capacity
        self.draining = False
        self._tenant_capacity = capacity if tenant_capacity is None else tenant_capacity
        self._cost = cost
        self._longest = longest
        self._count = 0
        self._tenants: Counter[str] = Counter()
        self._buckets: list[Bucket] = []
        self.apply(policy)

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def apply(self, policy: Policy) -> None:
        """Follow another policy from now on, also for what waits already."""
        waiting = sorted((job for bucket in self._buckets for job in bucket), key=lambda job: job.number)
        count = policy.length_buckets if policy.most_rows > 1 else 1
        self.policy = policy
        self._ranking = Ranking(policy.scheduler, lambda job: self._cost.seconds(job.size))
        self._buckets = [Bucket(math.ceil(self._longest * (place + 1) / count)) for place in range(count)]
        for job in waiting:
            self._bucket(job).put(self._ranking.rank(job), job)

    def put(self, jobs: Sequence[Job]) -> None:
        """Queue all of `jobs`, which one tenant sent, or, when there is no room for all, none."""
        if len(self) + len(jobs) > self.capacity:
            raise RequestError(503, f"the queue is full ({self.capacity} requests wait); try again", "queue_full")
        tenant = jobs[0].ticket.tenant
        if self._tenants[tenant] + len(jobs) > self._tenant_capacity:
            message = f"this tenant has {self._tenants[tenant]} of {self._tenant_capacity} waiting requests; send fewer"
            raise RequestError(429, message, "tenant_full")
        self.put_back(jobs)

    def put_back(self, jobs: Sequence[Job]) -> None:
        """Queue jobs that had a place already."""
        for job in jobs:
            self._ranking.withdraw(job)  # it was charged for the place that it had
            self._count += 1
            job.number = self._count
            self._tenants[job.ticket.tenant] += 1
            self._bucket(job).put(self._ranking.rank(job), job)

    def discard(self, job: Job) -> None:
        """Take out a job that nobody waits for any more; one that has left already is past discarding."""
        if any(bucket.discard(job) for bucket in self._buckets):
            self._forget(job)
            self._ranking.withdraw(job)

    def wait(self, now: float) -> float | None:
        """Seconds until a batch may leave: 0 for now, None when nothing waits."""
        waiting = [bucket for bucket in self._buckets if len(bucket)]
        if not waiting:
            return None
        return max(0.0, min(self._due(bucket)[0] for bucket in waiting) - now)

    def oldest_wait(self, now: float) -> float:
        """Seconds that the oldest job has waited; 0 when nothing waits."""
        return max((now - bucket.oldest() for bucket in self._buckets if len(bucket)), default=0.0)

    def take(self, now: float) -> tuple[Release | None, list[Job]]:
        """Remove and return the batch that may leave, and jobs that it meets whose deadline has passed.

        There may be nothing left to compute. Must be called only when `wait(now)` is 0.
        """
        open_to = [(bucket, self._due(bucket)) for bucket in self._buckets if len(bucket)]
        bucket, (_, reason) = min(
            ((bucket, due) for bucket, due in open_to if due[0] <= now), key=lambda entry: entry[0].head()
        )
        jobs: list[Job] = []
        late: list[Job] = []
        while len(bucket) and len(jobs) < self.policy.most_rows:
            rank, job = bucket.pop()
            self._forget(job)
            self._ranking.left(rank, len(self))
            if job.ticket.deadline > now:
                jobs.append(job)
            else:
                self._ranking.withdraw(job)
                late.append(job)
        return (self._release(bucket, jobs, reason) if jobs else None), late

    def _release(self, bucket: Bucket, jobs: Sequence[Job], reason: Reason) -> Release:
        if self.policy.batching is Batching.FIXED:
            return Release(jobs=jobs, rows=self.policy.max_batch_size, columns=bucket.longest, reason=reason)
        return Release(jobs=jobs, rows=len(jobs), columns=max(job.size for job in jobs), reason=reason)

    def _due(self, bucket: Bucket) -> tuple[float, Reason]:
        """The moment from which a bucket's next batch may leave, and why then."""
        if len(bucket) >= self.policy.most_rows:
            return -math.inf, Reason.FULL
        if self.draining:
            return -math.inf, Reason.DRAIN
        if not self.policy.timeout:
            return -math.inf, Reason.FREE
        patient = bucket.oldest() + self.policy.timeout
        # Fewer than a full batch wait: looking at all of them is cheap.
        deadline = min(job.ticket.deadline for job in bucket)
        if math.isfinite(deadline):
            last_call = deadline - self._cost.seconds(self.policy.most_rows * bucket.longest)
            if last_call < patient:
                return last_call, Reason.DEADLINE
        return patient, Reason.TIMEOUT

    def _bucket(self, job: Job) -> Bucket:
        count = len(self._buckets)
        return self._buckets[min(count - 1, (job.size - 1) * count // self._longest)]

    def _forget(self, job: Job) -> None:
        tenant = job.ticket.tenant
        self._tenants[tenant] -= 1
        if not self._tenants[tenant]:
            del self._tenants[tenant]
