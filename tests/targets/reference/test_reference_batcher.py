"""The batching rule, in time that stands still."""

import asyncio
from collections.abc import Iterator

import pytest
from reference_agent.batcher import Batcher, Job
from reference_agent.errors import RequestError


@pytest.fixture(autouse=True)
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def jobs(loop: asyncio.AbstractEventLoop, *arrivals: float) -> list[Job]:
    return [Job(row=b"", arrived=arrived, answer=loop.create_future()) for arrived in arrivals]


@pytest.mark.parametrize(
    ("most", "timeout", "arrivals", "now", "wait"),
    [
        pytest.param(8, 0.0, [], 5.0, None, id="nothing waits"),
        pytest.param(8, 0.0, [5.0], 5.0, 0.0, id="no timeout: at once"),
        pytest.param(1, 2.0, [5.0], 5.0, 0.0, id="a batch of one is full"),
        pytest.param(8, 2.0, [5.0], 5.0, 2.0, id="waits for company"),
        pytest.param(8, 2.0, [5.0, 6.5], 6.5, 0.5, id="the oldest counts, not the newest"),
        pytest.param(8, 2.0, [5.0], 7.0, 0.0, id="the oldest has waited enough"),
        pytest.param(8, 2.0, [5.0], 99.0, 0.0, id="never below zero"),
        pytest.param(2, 9.0, [5.0, 5.1], 5.1, 0.0, id="full before the timeout"),
        pytest.param(2, 9.0, [5.0, 5.1, 5.2], 5.2, 0.0, id="fuller than full"),
    ],
)
def test_when_a_batch_may_leave(loop, most, timeout, arrivals, now, wait):
    batcher = Batcher(max_batch_size=most, timeout=timeout, capacity=100)
    batcher.put(jobs(loop, *arrivals))
    assert batcher.wait(now) == wait


def test_takes_the_oldest_first_and_never_more_than_fit(loop):
    batcher = Batcher(max_batch_size=2, timeout=0.0, capacity=100)
    first, second, third = jobs(loop, 1.0, 2.0, 3.0)
    batcher.put([first, second, third])
    assert batcher.take() == [first, second]
    assert batcher.take() == [third]
    assert batcher.take() == []


def test_the_rest_of_a_burst_waits_from_its_own_arrival(loop):
    batcher = Batcher(max_batch_size=2, timeout=4.0, capacity=100)
    batcher.put(jobs(loop, 1.0, 2.0, 3.0))
    batcher.take()
    assert batcher.wait(3.0) == 4.0


def test_a_full_queue_takes_all_rows_of_a_request_or_none(loop):
    batcher = Batcher(max_batch_size=2, timeout=0.0, capacity=3)
    batcher.put(jobs(loop, 1.0, 1.0))
    with pytest.raises(RequestError, match="queue is full") as refused:
        batcher.put(jobs(loop, 2.0, 2.0))
    assert (refused.value.status, refused.value.reason, len(batcher)) == (503, "queue_full", 2)
    batcher.put(jobs(loop, 3.0))
    assert len(batcher) == 3


def test_discards_what_nobody_waits_for(loop):
    batcher = Batcher(max_batch_size=8, timeout=0.0, capacity=3)
    gone, stays = jobs(loop, 1.0, 2.0)
    batcher.put([gone, stays])
    batcher.discard(gone)
    batcher.discard(gone)
    assert batcher.take() == [stays]
