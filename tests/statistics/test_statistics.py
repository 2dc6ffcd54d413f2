import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from tuner.statistics.compare import estimate, ratio
from tuner.statistics.pareto import front
from tuner.statistics.quantiles import quantile, quantile_interval, smallest_sample, variance_inflation


@pytest.mark.parametrize(
    ("count", "share", "rank"), [(100, 0.99, 99), (1000, 0.99, 990), (1, 0.99, 1), (101, 0.99, 100), (10, 0.5, 5)]
)
def test_quantile_is_the_exact_order_statistic(count: int, share: float, rank: int) -> None:
    assert quantile(np.arange(1.0, count + 1), share) == rank


@given(st_numpy.arrays(float, st.integers(1, 300), elements=st.floats(0, 1e6)), st.floats(0.01, 1.0))
def test_a_quantile_was_measured_and_holds_its_share(values: np.ndarray, share: float) -> None:
    found = quantile(np.sort(values), share)
    assert found in values
    assert (values <= found).mean() >= share - 1e-9


def test_failed_requests_push_the_percentile_to_infinity() -> None:
    values = np.concatenate([np.full(98, 0.001), [np.inf, np.inf]])
    assert quantile(values, 0.99) == math.inf
    assert quantile(values, 0.98) == 0.001


def test_p99_has_an_upper_bound_from_368_samples_on() -> None:
    assert smallest_sample(0.99) == 368
    values = np.arange(400.0)
    assert quantile_interval(values[:367], 0.99)[1] is None
    assert quantile_interval(values[:368], 0.99)[1] == 367.0


def test_the_interval_covers_independent_samples_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    truth = -math.log(0.01)
    hits = 0
    for _ in range(1000):
        low, high = quantile_interval(generator.exponential(size=3000), 0.99)
        assert low is not None
        assert high is not None
        hits += low <= truth <= high
    assert 0.93 <= hits / 1000 <= 0.985


def test_dependent_samples_inflate_the_variance_and_widen_the_interval() -> None:
    generator = np.random.default_rng(1)
    independent = generator.exponential(size=4000)
    blocks = np.repeat(generator.exponential(size=40), 100)
    assert variance_inflation(independent, quantile(np.sort(independent), 0.9)) < 2.0
    inflation = variance_inflation(blocks, quantile(np.sort(blocks), 0.9))
    assert inflation > 20.0
    narrow, wide = quantile_interval(blocks, 0.9), quantile_interval(blocks, 0.9, inflation=inflation)
    assert wide[0] is not None
    assert narrow[0] is not None
    assert wide[0] <= narrow[0]
    assert wide[1] is None or (narrow[1] is not None and wide[1] >= narrow[1])


def test_a_ratio_of_paired_launches_cancels_drift() -> None:
    drift = [1.0, 1.2, 0.9, 1.1]
    found = ratio([2.0 * each for each in drift], drift)
    assert found.value == pytest.approx(2.0)
    assert found.low == pytest.approx(2.0)
    assert found.high == pytest.approx(2.0)


def test_estimates_of_little() -> None:
    assert estimate([3.0]).low is None
    assert math.isnan(estimate([]).value)
    assert estimate([1.0, math.inf]).high is None
    known = estimate([90.0, 100.0, 110.0])
    assert known.low is not None
    assert known.high is not None
    assert known.low < 99.66 < known.high


POINTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=30)


@given(POINTS)
def test_nothing_dominates_the_front_and_it_dominates_the_rest(points: list[tuple[int, int]]) -> None:
    kept = front(points)
    for index, (cost, gain) in enumerate(points):
        better = [other for other in kept if points[other][0] <= cost and points[other][1] >= gain]
        assert better, "every point is on the front or behind it"
        if index in kept:
            assert better == [index]
