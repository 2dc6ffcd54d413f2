import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from tuner.statistics.compare import estimate, ratio
from tuner.statistics.pareto import front, hypervolume
from tuner.statistics.quantiles import (
    dependent_interval,
    quantile,
    quantile_interval,
    relative_half_width,
    smallest_sample,
    variance_inflation,
)


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


@pytest.mark.parametrize("values", [np.array([]), np.array([1.0]), np.full(300, 2.0), np.full(1000, np.inf)])
def test_intervals_of_little_or_of_values_all_alike(values: np.ndarray) -> None:
    assert dependent_interval(values, 0.99) == quantile_interval(values, 0.99)


def test_failed_requests_push_the_upper_end_to_infinity() -> None:
    values = np.random.default_rng(2).permutation(np.concatenate([np.ones(1990), np.full(10, np.inf)]))
    assert dependent_interval(values, 0.99) == (1.0, 1.0)
    values[:8] = np.inf
    assert dependent_interval(values, 0.99) == (1.0, np.inf)


@given(
    st_numpy.arrays(float, st.integers(1, 600), elements=st.floats(0, 1e6)), st.sampled_from([0.5, 0.9, 0.99, 0.999])
)
def test_the_dependent_interval_holds_the_independent_one(values: np.ndarray, share: float) -> None:
    plain, ours = quantile_interval(values, share), dependent_interval(values, share)
    value = quantile(np.sort(values), share)
    assert ours[0] is None or (plain[0] is not None and ours[0] <= plain[0] <= value)
    assert ours[1] is None or (plain[1] is not None and ours[1] >= plain[1] >= value)


@pytest.mark.parametrize("inflation", [2.0, 5.0, 50.0, 5000.0])
def test_more_inflation_never_narrows_and_in_the_end_bounds_nothing(inflation: float) -> None:
    values = np.arange(5000.0)
    less, more = (quantile_interval(values, 0.99, inflation=each) for each in (inflation, 2 * inflation))
    assert less[0] is not None
    assert more[0] is None or more[0] <= less[0]
    assert more[1] is None or (less[1] is not None and more[1] >= less[1])
    assert quantile_interval(values, 0.99, inflation=1e9) == (None, None)


def test_the_dependent_interval_covers_a_queue() -> None:
    """M/M/1 at half load: latencies are exponential with mean 2, so p99 is known exactly."""
    generator = np.random.default_rng(3)
    services = generator.exponential(size=(200, 12_000))
    walk = np.zeros_like(services)
    walk[:, 1:] = np.cumsum(services[:, :-1] - generator.exponential(2.0, (200, 11_999)), axis=1)
    latencies = (walk - np.minimum.accumulate(walk, axis=1) + services)[:, 2000:]
    truth = -2.0 * math.log(0.01)
    found = [dependent_interval(run, 0.99) for run in latencies]
    assert np.mean([low is not None and high is not None and low <= truth <= high for low, high in found]) >= 0.88


@pytest.mark.parametrize(
    ("value", "low", "high", "width"),
    [
        (10.0, 9.0, 12.0, 0.2),
        (10.0, 7.0, 12.0, 0.3),
        (10.0, 10.0, 10.0, 0.0),
        (10.0, None, 12.0, math.inf),
        (10.0, 9.0, None, math.inf),
        (10.0, 9.0, math.inf, math.inf),
        (math.inf, 9.0, math.inf, math.inf),
        (math.nan, None, None, math.inf),
        (0.0, 0.0, 0.0, math.inf),
    ],
)
def test_relative_half_width_is_that_of_the_farther_end(
    value: float, low: float | None, high: float | None, width: float
) -> None:
    assert relative_half_width(value, low, high) == pytest.approx(width)


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


COSTS = st.integers(0, 20)
POINTS = st.lists(st.tuples(COSTS, COSTS), max_size=30) | st.lists(st.tuples(COSTS, COSTS, COSTS), max_size=30)


@given(POINTS)
def test_nothing_dominates_the_front_and_it_dominates_the_rest(points: list[tuple[int, ...]]) -> None:
    kept = front(points)
    assert [points[index][0] for index in kept] == sorted(points[index][0] for index in kept)
    for index, costs in enumerate(points):
        better = [other for other in kept if all(a <= b for a, b in zip(points[other], costs, strict=True))]
        assert better, "every point is on the front or behind it"
        if index in kept:
            assert better == [index]


@pytest.mark.parametrize(
    ("points", "reference", "volume"),
    [
        ([], (1.0, 1.0), 0.0),
        ([(0.0, 0.0)], (1.0, 2.0), 2.0),
        ([(1.0, 0.0)], (1.0, 1.0), 0.0),
        ([(0.2, 0.6), (0.5, 0.2)], (1.0, 1.0), 0.8 * 0.4 + 0.5 * 0.4),
        ([(0.2, 0.6), (0.5, 0.2), (0.5, 0.2), (0.9, 0.9)], (1.0, 1.0), 0.8 * 0.4 + 0.5 * 0.4),
        ([(0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0)], (1.0, 1.0, 1.0), 3 * 0.25 - 3 * 0.125 + 0.125),
    ],
)
def test_the_hypervolume_of_boxes(points: list[tuple[float, ...]], reference: tuple[float, ...], volume: float) -> None:
    assert hypervolume(points, reference) == pytest.approx(volume)


@given(st.lists(st.tuples(*[st.integers(0, 5).map(float)] * 3), max_size=8))
def test_the_hypervolume_counts_the_cells_of_a_grid(points: list[tuple[float, ...]]) -> None:
    cells = [(x, y, z) for x in range(5) for y in range(5) for z in range(5)]
    covered = sum(any(all(a <= b for a, b in zip(p, cell, strict=True)) for p in points) for cell in cells)
    assert hypervolume(points, (5.0, 5.0, 5.0)) == pytest.approx(covered)
