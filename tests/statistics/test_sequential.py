"""Looks that share one error: their plan, and how often the intervals hold the truth together."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tuner.statistics.sequential import FIRST_LOOK, enough, is_worth_a_look, next_look, planned, repeated_ratio, spent


def test_looks_grow_rarer() -> None:
    looks = [0]
    while looks[-1] < 60:
        looks.append(next_look(looks[-1]))
    assert looks[1:] == [3, 5, 9, 15, 25, 42, 70]


@pytest.mark.parametrize(("share", "used"), [(-1.0, 0.0), (0.0, 0.0), (0.25, 0.125), (1.0, 1.0), (1.4, 1.0)])
def test_the_error_is_spent_by_time(share: float, used: float) -> None:
    assert spent(share) == pytest.approx(used)


@given(st.lists(st.floats(0.0, 1.5), min_size=1, max_size=12))
def test_no_more_than_all_of_the_error_is_ever_spent(shares: list[float]) -> None:
    looks = sorted(shares)
    steps = [spent(looks[0]), *(spent(b) - spent(a) for a, b in pairwise(looks))]
    assert min(steps) >= 0.0
    assert sum(steps) <= 1.0 + 1e-12


@pytest.mark.parametrize(
    ("looks", "error"),
    [([1.0], 0.05), ([0.25], 0.00625), ([0.25, 1.0], 0.04375), ([0.25, 0.25], 0.0), ([0.1, 0.25, 1.0], 0.04375)],
)
def test_a_look_has_the_error_that_those_before_it_left(looks: list[float], error: float) -> None:
    assert planned(looks) == pytest.approx(error)


@pytest.mark.parametrize(
    ("looks", "worth"),
    [([0.01], False), ([0.02], True), ([0.5, 0.501], False), ([0.5, 0.6], True), ([0.5, 0.5], False)],
)
def test_a_look_without_error_to_use_is_none(looks: list[float], worth: bool) -> None:
    assert is_worth_a_look(looks) is worth


def test_an_interval_that_no_float_holds_ends_at_the_largest() -> None:
    found = repeated_ratio([1.0, 2.0, 5.0], [1.0, 1.0, 1.0], [1e-5])
    assert found.low == 0.0
    assert found.high is not None
    assert math.isfinite(found.high)


def test_one_look_at_the_end_is_the_plain_paired_interval() -> None:
    """Student's t with three degrees of freedom, by hand."""
    new, old = [1.10, 1.02, 1.08, 1.05], [1.0, 1.0, 1.0, 1.0]
    logs = np.log(new)
    half = stats.t.ppf(0.975, 3) * logs.std(ddof=1) / 2.0
    found = repeated_ratio(new, old, [1.0])
    assert found.value == pytest.approx(math.exp(logs.mean()))
    assert (found.low, found.high) == pytest.approx((math.exp(logs.mean() - half), math.exp(logs.mean() + half)))


def test_an_early_look_has_a_wider_interval() -> None:
    new, old = [1.10, 1.02, 1.08, 1.05], [1.0, 1.0, 1.0, 1.0]
    widths = [found.high / found.low for share in (0.1, 0.3, 1.0) if (found := repeated_ratio(new, old, [share])).low]
    assert widths == sorted(widths, reverse=True)


def simulated(true: float, scatter: float, rounds: int, seed: int) -> bool:
    """Whether the intervals of all looks of one gate hold the truth."""
    generator = np.random.default_rng(seed)
    new = np.exp(generator.normal(math.log(true), scatter, rounds)).tolist()
    count, looks = 0, []
    while count < rounds:
        count = min(next_look(count), rounds)
        looks.append(count / rounds)
        found = repeated_ratio(new[:count], [1.0] * count, looks)
        assert found.low is not None
        assert found.high is not None
        if not found.low <= true <= found.high:
            return False
    return True


@pytest.mark.parametrize(("true", "rounds"), [(1.0, 15), (1.1, 9), (0.9, 25)])
def test_all_intervals_together_hold_the_truth_as_often_as_they_say(true: float, rounds: int) -> None:
    held = np.mean([simulated(true, 0.04, rounds, seed) for seed in range(600)])
    # 0.95 less three standard errors of 600 repetitions; more is the price of Bonferroni's inequality.
    assert held >= 0.95 - 3.0 * math.sqrt(0.95 * 0.05 / 600)


def test_how_many_more_would_decide() -> None:
    new, old = [1.04, 0.96, 1.02, 0.98], [1.0] * 4
    count = enough(new, old, 1.05)
    assert count is not None
    assert count > 4
    longer = new * math.ceil(count / 4)
    assert repeated_ratio(longer, [1.0] * len(longer), [0.6, 1.0]).high < 1.05  # type: ignore[operator]


@pytest.mark.parametrize(("new", "limit"), [([1.0], 1.05), ([], 1.05), ([1.5, 0.7, 1.1, 0.9, 1.05], 1.0108)])
def test_sometimes_no_number_would(new: list[float], limit: float) -> None:
    assert enough(new, [1.0] * len(new), limit) is None


@given(st.lists(st.floats(0.8, 1.25), min_size=FIRST_LOOK, max_size=10), st.floats(0.5, 2.0))
def test_the_unit_of_a_figure_does_not_matter(new: list[float], unit: float) -> None:
    one = repeated_ratio(new, [1.0] * len(new), [0.5])
    other = repeated_ratio([each * unit for each in new], [unit] * len(new), [0.5])
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
