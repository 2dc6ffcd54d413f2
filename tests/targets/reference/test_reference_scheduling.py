"""Who is next: what each discipline promises, and what it does to a queue whose load is known."""

import math
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from queue_simulation import A_UNIT, START, p99, poisson, policy, serve
from reference_agent.queueing.batching import Batcher
from reference_agent.queueing.cost import CostModel
from reference_agent.queueing.disciplines import AGEING, PATIENCE, Ranking
from reference_agent.queueing.job import Job, Ticket
from reference_agent.queueing.policy import Discipline

EVERY = list(Discipline)


def job(arrived: float, size: int = 1, *, tenant: str = "", deadline: float = math.inf) -> Job:
    return Job(row=b"", size=size, ticket=Ticket(arrived, tenant, deadline), queued=arrived, answer=cast(Any, None))


def order(discipline: Discipline, waiting: list[Job]) -> list[Job]:
    """The order in which jobs leave that have all come before the first one does; a unit costs a second."""
    ranks = Ranking(discipline, lambda one: float(one.size))
    ranked = [(ranks.rank(one), place, one) for place, one in enumerate(waiting)]
    return [one for _, _, one in sorted(ranked, key=lambda entry: entry[:2])]


def test_first_in_first_out():
    first, second, third = job(1.0, 9), job(2.0, 1), job(3.0, 5)
    assert order(Discipline.FIFO, [first, second, third]) == [first, second, third]


def test_shortest_first():
    long, short, middle = job(1.0, 9), job(1.0, 1), job(1.0, 5)
    assert order(Discipline.SJF, [long, short, middle]) == [short, middle, long]


def test_longest_first():
    long, short, middle = job(1.0, 9), job(1.0, 1), job(1.0, 5)
    assert order(Discipline.LPT, [short, long, middle]) == [long, middle, short]


@pytest.mark.parametrize("discipline", [Discipline.SJF, Discipline.LPT])
def test_who_has_waited_long_enough_goes_first(discipline):
    dear, cheap = (9, 1) if discipline is Discipline.SJF else (1, 9)
    enough = 8.0 / AGEING
    patient = job(0.0, dear)
    just, not_yet = job(enough + 0.1, cheap), job(enough - 0.1, cheap)
    assert order(discipline, [patient, just]) == [patient, just]
    assert order(discipline, [patient, not_yet]) == [not_yet, patient]


def test_earliest_deadline_first():
    whenever, late, soon = job(0.0), job(0.1, deadline=0.5), job(0.2, deadline=0.3)
    assert order(Discipline.EDF, [whenever, late, soon]) == [soon, late, whenever]


def test_a_job_without_a_deadline_does_not_wait_for_ever():
    whenever, due_later = job(0.0), job(1.0, deadline=PATIENCE + 0.1)
    assert order(Discipline.EDF, [whenever, due_later]) == [whenever, due_later]


def test_tenants_take_turns_by_what_their_jobs_cost():
    heavy = [job(0.0, 2, tenant="heavy") for _ in range(4)]
    light = [job(0.1, 1, tenant="light") for _ in range(4)]
    left = order(Discipline.FAIR, heavy + light)
    assert [one.ticket.tenant[0] for one in left] == ["h", "l", "l", "h", "l", "l", "h", "h"]


def test_who_was_away_is_not_owed_the_time():
    queue = Batcher(policy(Discipline.FAIR), CostModel(), longest=64, capacity=100)
    for _ in range(50):
        queue.put([job(0.0, tenant="busy")])
    for _ in range(40):
        queue.take(1.0)
    queue.put([job(1.0, tenant="back") for _ in range(10)])
    tenants = [queue.take(2.0)[0].jobs[0].ticket.tenant for _ in range(10)]
    assert tenants.count("busy") >= 4


@given(
    st.sampled_from(EVERY),
    st.lists(
        st.tuples(
            st.floats(0, 10),
            st.integers(1, 256),
            st.sampled_from("abc"),
            st.one_of(st.just(math.inf), st.floats(20, 30)),
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 8),
    st.integers(1, 4),
)
@settings(derandomize=True, deadline=None)
def test_everything_that_comes_leaves_once_and_in_order_of_arrival_among_equals(discipline, rows, most, buckets):
    queue = Batcher(policy(discipline, most_rows=most, buckets=buckets), CostModel(), longest=256, capacity=100)
    waiting = [job(arrived, size, tenant=tenant, deadline=due) for arrived, size, tenant, due in sorted(rows)]
    queue.put(waiting)
    left = []
    while queue.wait(15.0) is not None:
        release, late = queue.take(15.0)
        assert late == []
        assert 1 <= len(release.jobs) <= most
        assert release.columns >= max(one.size for one in release.jobs)
        left += release.jobs
    assert sorted(map(id, left)) == sorted(map(id, waiting))
    equals = [one.number for one in left if one.ticket == waiting[0].ticket and one.size == waiting[0].size]
    assert all(earlier < later for earlier, later in pairwise(equals))


@given(st.floats(1e-5, 1e-2), st.floats(1e-6, 1e-3), st.lists(st.integers(1, 2000), min_size=5, max_size=80))
@settings(derandomize=True)
def test_the_cost_of_a_job_is_learnt_from_batches(start, a_unit, sizes):
    cost = CostModel()
    for units in sizes:
        cost.learn(units, start + a_unit * units)
    assert all(cost.seconds(units) >= 0.0 for units in (1, 100, 5000))
    if len(set(sizes)) > 1:
        assert cost.seconds(500) == pytest.approx(start + a_unit * 500, rel=0.05)


def test_the_cost_of_a_job_follows_a_machine_that_becomes_slower():
    cost = CostModel()
    for factor in (1.0, 3.0):
        for place in range(300):
            units = 16 + 8 * (place % 30)
            cost.learn(units, factor * (START + A_UNIT * units))
    assert cost.seconds(100) == pytest.approx(3.0 * (START + A_UNIT * 100), rel=0.05)


def test_noise_never_makes_large_jobs_free():
    cost = CostModel()
    for units, seconds in ((10, 0.9), (10, 0.8), (100, 0.1), (100, 0.2)):
        cost.learn(units, seconds)
    assert cost.seconds(100) == pytest.approx(10 * cost.seconds(10))


SEEDS = range(3)
COUNT = 6000


def medians(*figures: list[float]) -> tuple[float, ...]:
    return tuple(float(np.median(figure)) for figure in figures)


def test_shortest_first_cuts_the_mean_and_long_requests_pay_a_bounded_price():
    means, longs = [], []
    for seed in SEEDS:
        arrivals = poisson(COUNT, 0.85, 2, seed)
        fifo, sjf = (serve(arrivals, policy(one), 2) for one in (Discipline.FIFO, Discipline.SJF))
        means.append(sjf.latencies.mean() / fifo.latencies.mean())
        longs.append(p99(sjf.of(size=256)) / p99(fifo.of(size=256)))
    mean, long = medians(means, longs)
    assert mean <= 0.75
    assert long <= 1.6


def test_longest_first_is_for_long_requests():
    arrivals = poisson(COUNT, 0.85, 2, 0)
    fifo, lpt = (serve(arrivals, policy(one), 2) for one in (Discipline.FIFO, Discipline.LPT))
    assert p99(lpt.of(size=256)) < p99(fifo.of(size=256))


def test_fair_shares_protect_the_light_tenant():
    shares = []
    for seed in SEEDS:
        arrivals = poisson(COUNT, 0.85, 2, seed, light_tenants=0.1)
        fifo, fair = (serve(arrivals, policy(one), 2) for one in (Discipline.FIFO, Discipline.FAIR))
        shares.append(p99(fair.of(tenant="light")) / p99(fifo.of(tenant="light")))
    assert medians(shares)[0] <= 0.5


@pytest.mark.parametrize("discipline", EVERY)
def test_nobody_starves(discipline):
    arrivals = poisson(COUNT, 0.95, 2, 1, light_tenants=0.1)
    served = serve(arrivals, policy(discipline), 2)
    assert np.isfinite(served.latencies).all()
    fifo = serve(arrivals, policy(Discipline.FIFO), 2)
    assert served.latencies.max() <= 4.0 * fifo.latencies.max()


def test_padding_of_mixed_lengths_makes_batches_worse_than_none_and_buckets_make_them_good():
    arrivals = poisson(COUNT, 0.7, 2, 0)
    alone = serve(arrivals, policy(), 2)
    mixed = serve(arrivals, policy(most_rows=4), 2)
    sorted_by_length = serve(arrivals, policy(most_rows=4, buckets=4), 2)
    # Mixed, the queue grows without end: the last requests wait longest.
    assert mixed.latencies[-500:].mean() > 50 * alone.latencies.mean()
    assert sorted_by_length.latencies.mean() < 5 * alone.latencies.mean()
