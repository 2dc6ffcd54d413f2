"""Where an interval lies decides: tables for the edges."""

import pytest

from tuner.errors import UsageError
from tuner.gate.effect import Figure, Limit, Ruling, overall

YES, NO, OPEN = Ruling.REGRESSION, Ruling.NO_REGRESSION, Ruling.INCONCLUSIVE
SLOWER, FEWER = Limit(figure=Figure.P99, ratio=1.05), Limit(figure=Figure.THROUGHPUT, ratio=0.95)


@pytest.mark.parametrize(
    ("limit", "low", "high", "ruling"),
    [
        (SLOWER, 1.06, 1.20, YES),
        (SLOWER, 1.05, 1.20, OPEN),  # exactly what is allowed is not beyond it
        (SLOWER, 1.02, 1.08, OPEN),
        (SLOWER, 0.90, 1.05, OPEN),
        (SLOWER, 1.01, 1.049, NO),  # slower beyond noise, but within what is allowed
        (SLOWER, 0.50, 0.60, NO),
        (FEWER, 0.80, 0.94, YES),
        (FEWER, 0.80, 0.95, OPEN),
        (FEWER, 0.94, 0.96, OPEN),
        (FEWER, 0.95, 1.10, OPEN),
        (FEWER, 0.951, 0.99, NO),
        (FEWER, 1.50, 1.60, NO),
        (SLOWER, None, 1.0, OPEN),
        (FEWER, 1.0, None, OPEN),
    ],
)
def test_an_interval_is_judged(limit: Limit, low: float | None, high: float | None, ruling: Ruling) -> None:
    assert limit.ruling(low, high) is ruling


@pytest.mark.parametrize(
    ("rulings", "ruling"),
    [
        ([], OPEN),
        ([NO, NO], NO),
        ([NO, OPEN], OPEN),
        ([OPEN, YES], YES),
        ([NO, YES], YES),
    ],
)
def test_limits_are_judged_together(rulings: list[Ruling], ruling: Ruling) -> None:
    assert overall(rulings) is ruling


@pytest.mark.parametrize("ratio", [0.0, -0.5, float("inf"), float("nan")])
def test_a_limit_that_leaves_nothing_is_refused(ratio: float) -> None:
    with pytest.raises(UsageError, match="above −100 %"):
        Limit(figure=Figure.THROUGHPUT, ratio=ratio)
