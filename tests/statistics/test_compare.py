import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tuner.statistics.compare import drift, log_sd, resolution, unpaired_ratio

POSITIVE = st.floats(1e-3, 1e3)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.inf], [math.nan, 1.0]])
def test_no_spread_is_known_of_little(values: list[float]) -> None:
    assert math.isnan(log_sd(values))


def test_the_spread_is_that_of_the_logarithms() -> None:
    assert log_sd([3.0, 3.0, 3.0]) == 0.0
    assert log_sd([math.exp(-0.1), 1.0, math.exp(0.1)]) == pytest.approx(0.1)


@given(st.lists(POSITIVE, min_size=2, max_size=20), POSITIVE)
def test_the_spread_knows_no_unit(values: list[float], unit: float) -> None:
    assert log_sd([each * unit for each in values]) == pytest.approx(log_sd(values), abs=1e-9)


@pytest.mark.parametrize(
    ("sd", "repetitions", "launches", "ratio"),
    [
        (0.0, 3, None, 1.0),
        (0.01, 1, None, math.exp(1.959964 * 0.01 * math.sqrt(2))),
        (0.01, 8, None, math.exp(1.959964 * 0.01 / 2)),
        (0.01, 8, 5, math.exp(2.776445 * 0.01 / 2)),
    ],
)
def test_resolution_is_the_least_significant_difference(
    sd: float, repetitions: int, launches: int | None, ratio: float
) -> None:
    assert resolution(sd, repetitions, launches=launches) == pytest.approx(ratio)


def test_noise_passes_the_resolution_as_rarely_as_it_says() -> None:
    generator = np.random.default_rng(0)
    means = generator.normal(0.0, 0.05, (2, 4000, 3)).mean(axis=2)
    assert (np.abs(means[0] - means[1]) > math.log(resolution(0.05, 3))).mean() == pytest.approx(0.05, abs=0.015)


@given(st.floats(0.001, 0.5), st.integers(1, 20))
def test_more_repetitions_resolve_more(sd: float, repetitions: int) -> None:
    assert 1.0 < resolution(sd, repetitions + 1) < resolution(sd, repetitions)
    assert resolution(sd, repetitions) < resolution(sd, repetitions, launches=10)


@pytest.mark.parametrize(
    ("times", "values"), [([], []), ([0.0], [1.0]), ([5.0, 5.0, 5.0], [1.0, 2.0, 3.0]), ([0.0, 1.0], [1.0, math.inf])]
)
def test_no_drift_is_known_of_little(times: list[float], values: list[float]) -> None:
    found = drift(times, values)
    assert math.isnan(found.value)
    assert found.low is None
    assert found.high is None


def test_drift_is_the_change_over_the_whole_time() -> None:
    exact = drift([0.0, 10.0, 40.0], [1.0, 2.0**0.25, 2.0])
    assert (exact.value, exact.low, exact.high) == pytest.approx((2.0, 2.0, 2.0))
    assert drift([0.0, 10.0], [4.0, 2.0]).value == pytest.approx(0.5)
    assert drift([0.0, 10.0], [4.0, 2.0]).low is None


def test_the_interval_of_a_drift_holds_none_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    found = [drift(range(8), np.exp(generator.normal(0.0, 0.05, 8)).tolist()) for _ in range(400)]
    held = [each.low is not None and each.high is not None and each.low <= 1.0 <= each.high for each in found]
    assert 0.92 <= np.mean(held) <= 0.98


def test_the_interval_is_that_of_welch() -> None:
    """SciPy's own test, for a case with unequal scatter and unequal numbers."""
    new, old = np.array([1.10, 1.30, 1.18]), np.array([1.0, 1.01, 0.99, 1.02, 0.98])
    ends = stats.ttest_ind(np.log(new), np.log(old), equal_var=False).confidence_interval(0.99)
    found = unpaired_ratio(new.tolist(), old.tolist(), 0.99)
    assert found.value == pytest.approx(math.exp(np.log(new).mean() - np.log(old).mean()))
    assert (found.low, found.high) == pytest.approx((math.exp(ends.low), math.exp(ends.high)))


@pytest.mark.parametrize(
    ("new", "old", "ends"), [([1.1], [1.0, 1.1], (None, None)), ([1.1, 1.1], [1.0, 1.0], (1.1, 1.1))]
)
def test_little_has_no_interval_and_what_never_scatters_a_point(
    new: list[float], old: list[float], ends: tuple[float | None, float | None]
) -> None:
    found = unpaired_ratio(new, old)
    assert (found.low, found.high) == (ends if ends[0] is None else pytest.approx(ends))
