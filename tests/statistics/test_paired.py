"""Paired answers: published figures, properties, and how often the interval holds the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.statistics.paired import Difference, compared, enough, mcnemar, shortfall, tango

COUNTS = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 2000)).filter(lambda counts: sum(counts) > 0)


def table(counts: tuple[int, int, int]) -> tuple[int, int, int]:
    """Questions gained, lost, and all of them."""
    gained, lost, alike = counts
    return gained, lost, gained + lost + alike


def test_the_published_interval_of_the_airway_study() -> None:
    """Bentur et al. 2009: 1 against 7 of 21 pairs; the ends as in Fagerland, Lydersen and Laake 2014, table III."""
    low, high = tango(1, 7, 21)
    assert (round(low, 3), round(high, 3)) == (-0.517, -0.026)
    assert mcnemar(1, 7) == pytest.approx(0.0703, abs=5e-5)


@pytest.mark.parametrize(
    ("gained", "lost", "p"), [(0, 0, 1.0), (1, 0, 1.0), (0, 6, 2 * 0.5**6), (5, 5, 1.0), (0, 1, 1.0)]
)
def test_mcnemar_is_the_fair_coin(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p)


def test_where_nothing_differs_the_interval_is_as_wide_as_chance_allows() -> None:
    z = 1.959964
    for total in (10, 1000):
        low, high = tango(0, 0, total)
        assert high == pytest.approx(-low)
        assert high == pytest.approx(z**2 / (total + z**2), rel=1e-4)


@given(COUNTS)
def test_the_interval_holds_what_was_seen_and_turns_with_the_sides(counts: tuple[int, int, int]) -> None:
    gained, lost, total = table(counts)
    found, turned = compared(gained, lost, total), compared(lost, gained, total)
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0
    assert (turned.low, turned.value, turned.high) == pytest.approx((-found.high, -found.value, -found.low), abs=1e-6)
    assert turned.p == found.p


@given(COUNTS)
def test_more_questions_narrow_it(counts: tuple[int, int, int]) -> None:
    gained, lost, total = table(counts)
    few, many = tango(gained, lost, total), tango(4 * gained, 4 * lost, 4 * total)
    assert many[1] - many[0] < few[1] - few[0]


@given(COUNTS.filter(lambda counts: counts[0] + counts[1] > 10))
def test_the_test_and_the_interval_agree_where_it_is_clear(counts: tuple[int, int, int]) -> None:
    gained, lost, total = table(counts)
    found = compared(gained, lost, total)
    assert found.p is not None
    if found.p < 0.01:
        assert not found.low <= 0.0 <= found.high
    if found.p > 0.2:
        assert found.low <= 0.0 <= found.high


@pytest.mark.parametrize(("gains", "losses", "total"), [(0.01, 0.02, 300), (0.002, 0.01, 1000), (0.05, 0.05, 100)])
def test_it_covers_the_truth_as_often_as_it_says(gains: float, losses: float, total: int) -> None:
    generator = np.random.default_rng(5)
    drawn = generator.multinomial(total, (gains, losses, 1.0 - gains - losses), size=600)
    kinds, counts = np.unique(drawn[:, :2], axis=0, return_counts=True)
    held = 0
    for (gained, lost), count in zip(kinds, counts, strict=True):
        low, high = tango(int(gained), int(lost), total)
        held += int(count) * (low <= gains - losses <= high)
    assert held / 600 >= 0.92


def test_agreement_is_wilsons_interval_and_never_above_all_alike() -> None:
    assert shortfall(0, 1000).high == 0.0
    found = shortfall(5, 100)
    assert (found.value, found.p) == (-0.05, None)
    assert (found.low, found.high) == pytest.approx((-0.1118, -0.0215), abs=5e-5)


@pytest.mark.parametrize("found", [compared(3, 9, 1000), compared(0, 1, 200), compared(0, 0, 50), shortfall(1, 300)])
def test_so_many_questions_decide_and_one_less_does_not(found: Difference) -> None:
    count = enough(found, -0.01)
    assert count is not None

    def crosses(questions: int) -> bool:
        gained, lost = found.gained * questions / found.total, found.lost * questions / found.total
        low, high = tango(gained, lost, questions)
        return low < -0.01 < high

    if found.p is not None:
        assert not crosses(count)
        assert crosses(count - 1)
    assert count > found.total


@pytest.mark.parametrize("found", [compared(0, 10, 1000), shortfall(10, 1000)])
def test_what_lies_on_the_limit_is_never_decided(found: Difference) -> None:
    assert found.value == -0.01
    assert enough(found, -0.01) is None
