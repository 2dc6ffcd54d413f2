"""The intervals and tests of the model card."""

import pytest
from card_text import comparison
from scipy.stats import binomtest
from shares import paired, sign_test, wilson


@pytest.mark.parametrize(("right", "n"), [(0, 10), (1, 10), (90, 100), (950, 1000), (2000, 2000)])
def test_wilson(right: int, n: int):
    found, expected = wilson(right, n), binomtest(right, n).proportion_ci(method="wilson")
    assert (found["right"], found["n"], found["accuracy"]) == (right, n, right / n)
    assert (found["low"], found["high"]) == (
        pytest.approx(expected.low, abs=1e-4),
        pytest.approx(expected.high, abs=1e-4),
    )


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (3, 1), (1, 3), (40, 60), (50, 50), (300, 120)])
def test_the_sign_test_is_mcnemars_exact_one(gained: int, lost: int):
    expected = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert sign_test(gained, lost) == pytest.approx(expected)


def test_a_gain_counts_pairs_that_differ():
    ours = [True] * 6 + [False] * 4
    theirs = [True] * 3 + [False] * 3 + [True] + [False] * 3
    found = paired(ours, theirs)
    assert (found["gained"], found["lost"], found["gain"], found["p"]) == (3, 1, 0.2, 0.625)
    assert found["low"] < 0 < found["high"]
    assert paired(theirs, ours)["gain"] == -0.2


def test_the_same_answers_gain_nothing():
    assert paired([True, False], [True, False]) | {"p": 1.0} == {
        "gained": 0, "lost": 0, "gain": 0.0, "low": 0.0, "high": 0.0, "p": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "p", "told"),
    [
        (0.01, 0.03, 0.0002, "+2.0 points (+1.0 to +3.0, p < 0.001): better"),
        (-0.03, -0.01, 0.004, "-2.0 points (-3.0 to -1.0, p = 0.004): worse"),
        (-0.01, 0.05, 0.2, "+2.0 points (-1.0 to +5.0, p = 0.200): neither better nor worse"),
    ],
)
def test_a_comparison_claims_what_its_interval_allows(low: float, high: float, p: float, told: str):
    gain = 0.02 if high > 0 else -0.02
    assert comparison({"gain": gain, "low": low, "high": high, "p": p}) == told
