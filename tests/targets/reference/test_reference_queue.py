"""The batching rule, in time that stands still."""

import math
from collections.abc import Sequence
from typing import Any, cast

import pytest
from reference_agent.errors import RequestError
from reference_agent.queueing.batching import Batcher, Reason
from reference_agent.queueing.cost import CostModel
from reference_agent.queueing.job import Job, Ticket
from reference_agent.queueing.policy import Batching, Discipline, Policy

LONGEST = 64


def policy(
    batching: str = "dynamic", most: int = 8, timeout: float = 0.0, buckets: int = 1, order: str = "fifo"
) -> Policy:
    return Policy(
        batching=Batching(batching),
        max_batch_size=most,
        batch_timeout_ms=timeout * 1000.0,
        length_buckets=buckets,
        scheduler=Discipline(order),
    )


def batcher(policy: Policy, *, capacity: int = 100, tenant_capacity: int | None = None) -> Batcher:
    return Batcher(policy, known_cost(), longest=LONGEST, capacity=capacity, tenant_capacity=tenant_capacity)


def known_cost() -> CostModel:
    """A millisecond a unit."""
    cost = CostModel()
    for units in (10, 20, 30, 40):
        cost.learn(units, units / 1000.0)
    return cost


def job(arrived: float, size: int = 4, *, tenant: str = "", deadline: float = math.inf) -> Job:
    return Job(row=b"", size=size, ticket=Ticket(arrived, tenant, deadline), queued=arrived, answer=cast(Any, None))


def jobs(*arrivals: float) -> list[Job]:
    return [job(arrived) for arrived in arrivals]


def taken(queue: Batcher, now: float = 99.0) -> Sequence[Job]:
    release, late = queue.take(now)
    assert release is not None
    assert late == []
    return release.jobs


@pytest.mark.parametrize(
    ("rule", "arrivals", "now", "wait"),
    [
        pytest.param(policy(), [], 5.0, None, id="nothing waits"),
        pytest.param(policy(), [5.0], 5.0, 0.0, id="no timeout: at once"),
        pytest.param(policy("none", most=8, timeout=2.0), [5.0], 5.0, 0.0, id="no batching: at once"),
        pytest.param(policy(most=1, timeout=2.0), [5.0], 5.0, 0.0, id="a batch of one is full"),
        pytest.param(policy(timeout=2.0), [5.0], 5.0, 2.0, id="waits for company"),
        pytest.param(policy("fixed", timeout=2.0), [5.0], 5.0, 2.0, id="a fixed batch waits for company"),
        pytest.param(policy(timeout=2.0), [5.0, 6.5], 6.5, 0.5, id="the oldest counts, not the newest"),
        pytest.param(policy(timeout=2.0), [5.0], 7.0, 0.0, id="the oldest has waited enough"),
        pytest.param(policy(timeout=2.0), [5.0], 99.0, 0.0, id="never below zero"),
        pytest.param(policy(most=2, timeout=9.0), [5.0, 5.1], 5.1, 0.0, id="full before the timeout"),
        pytest.param(policy(most=2, timeout=9.0), [5.0, 5.1, 5.2], 5.2, 0.0, id="fuller than full"),
    ],
)
def test_when_a_batch_may_leave(rule, arrivals, now, wait):
    queue = batcher(rule)
    if arrivals:
        queue.put(jobs(*arrivals))
    assert queue.wait(now) == wait


@pytest.mark.parametrize(
    ("rule", "arrivals", "now", "reason"),
    [
        (policy("none"), [1.0, 1.0], 1.0, Reason.FULL),
        (policy(most=2), [1.0, 1.0], 1.0, Reason.FULL),
        (policy(most=2), [1.0], 1.0, Reason.FREE),
        (policy(most=2, timeout=3.0), [1.0], 4.0, Reason.TIMEOUT),
    ],
)
def test_why_a_batch_leaves(rule, arrivals, now, reason):
    queue = batcher(rule)
    queue.put(jobs(*arrivals))
    release, _ = queue.take(now)
    assert release.reason is reason


def test_a_queue_that_drains_waits_for_nothing():
    queue = batcher(policy(timeout=9.0))
    queue.put(jobs(1.0))
    queue.draining = True
    assert queue.wait(1.0) == 0.0
    assert queue.take(1.0)[0].reason is Reason.DRAIN


def test_takes_the_oldest_first_and_never_more_than_fit():
    queue = batcher(policy(most=2))
    first, second, third = waiting = jobs(1.0, 2.0, 3.0)
    queue.put(waiting)
    assert taken(queue) == [first, second]
    assert taken(queue) == [third]
    assert queue.wait(3.0) is None


def test_the_rest_of_a_burst_waits_from_its_own_arrival():
    queue = batcher(policy(most=2, timeout=4.0))
    queue.put(jobs(1.0, 2.0, 3.0))
    taken(queue, 3.0)
    assert queue.wait(3.0) == 4.0


def test_a_full_queue_takes_all_rows_of_a_request_or_none():
    queue = batcher(policy(), capacity=3)
    queue.put(jobs(1.0, 1.0))
    with pytest.raises(RequestError, match="queue is full") as refused:
        queue.put(jobs(2.0, 2.0))
    assert (refused.value.status, refused.value.reason, len(queue)) == (503, "queue_full", 2)
    queue.put(jobs(3.0))
    assert len(queue) == 3


def test_a_tenant_takes_no_more_than_its_share():
    queue = batcher(policy("none"), capacity=4, tenant_capacity=2)
    queue.put([job(1.0, tenant="heavy"), job(1.0, tenant="heavy")])
    with pytest.raises(RequestError, match="2 of 2 waiting") as refused:
        queue.put([job(2.0, tenant="heavy")])
    assert (refused.value.status, refused.value.reason) == (429, "tenant_full")
    queue.put([job(2.0, tenant="light")])
    taken(queue)
    queue.put([job(3.0, tenant="heavy")])
    assert len(queue) == 3


def test_discards_what_nobody_waits_for():
    queue = batcher(policy(), capacity=3, tenant_capacity=2)
    gone, stays = jobs(1.0, 2.0)
    queue.put([gone, stays])
    queue.discard(gone)
    queue.discard(gone)
    queue.put(jobs(3.0))
    assert taken(queue)[0] is stays
    assert len(queue) == 0


def test_what_is_too_late_is_given_back_and_not_computed():
    queue = batcher(policy(most=2))
    late, later, fine = job(1.0, deadline=2.0), job(1.0, deadline=3.0), job(1.0, deadline=9.0)
    queue.put([late, later, fine])
    release, found = queue.take(3.0)
    assert (release.jobs, found) == ([fine], [late, later])
    queue.put([job(3.0, deadline=3.5)])
    release, found = queue.take(4.0)
    assert release is None
    assert len(found) == 1


def test_a_batch_leaves_early_enough_for_the_deadline_of_one_of_its_rows():
    queue = batcher(policy(most=2, timeout=9.0))
    queue.put([job(1.0, deadline=2.0)])
    # A full batch of the longest rows takes 128 ms.
    assert queue.wait(1.0) == pytest.approx(1.0 - 0.128)
    assert queue.take(1.9)[0].reason is Reason.DEADLINE


def test_a_batch_holds_rows_of_one_class_of_length():
    queue = batcher(policy(most=4, buckets=4))
    short, long, middle, short_too = rows = [job(1.0, 3), job(2.0, 64), job(3.0, 17), job(4.0, 16)]
    queue.put(rows)
    assert [taken(queue) for _ in range(3)] == [[short, short_too], [long], [middle]]


@pytest.mark.parametrize("buckets", [1, 3, 4, 7, 64])
def test_every_length_fits_into_its_bucket(buckets):
    queue = batcher(policy("fixed", timeout=1.0, buckets=buckets))
    for size in range(1, LONGEST + 1):
        queue.put([job(1.0, size)])
        release, _ = queue.take(99.0)
        assert size <= release.columns <= size + math.ceil(LONGEST / buckets)


def test_a_full_bucket_leaves_before_an_older_one_that_waits():
    queue = batcher(policy(most=2, timeout=9.0, buckets=2))
    old, *pair = rows = [job(1.0, 64), job(2.0, 8), job(3.0, 8)]
    queue.put(rows)
    assert queue.wait(3.0) == 0.0
    assert taken(queue, 3.0) == pair
    assert queue.wait(3.0) == 7.0
    assert taken(queue, 10.0) == [old]


def test_padding_is_what_is_computed_for_nothing():
    queue = batcher(policy(most=4))
    queue.put([job(1.0, 64), job(1.0, 16), job(1.0, 16)])
    release, _ = queue.take(1.0)
    assert (release.rows, release.columns, release.units) == (3, 64, 192)
    assert release.padding == 2.0


def test_a_fixed_batch_always_has_one_shape():
    queue = batcher(policy("fixed", most=4, timeout=1.0))
    queue.put([job(1.0, 16)])
    release, _ = queue.take(2.0)
    assert (release.rows, release.columns, release.padding) == (4, LONGEST, 16.0)


def test_a_new_policy_holds_for_what_waits_already():
    queue = batcher(policy("none", order="fifo"))
    long, short = rows = [job(1.0, 64), job(1.0, 8)]
    queue.put(rows)
    queue.apply(policy("none", order="sjf"))
    assert taken(queue) == [short]
    queue.apply(policy(most=4, timeout=5.0))
    assert queue.wait(2.0) == 4.0
    queue.apply(policy(most=4))
    assert taken(queue) == [long]


def test_fixed_batches_without_a_timeout_are_refused():
    with pytest.raises(ValueError, match="would wait for ever"):
        policy("fixed", timeout=0.0)
