"""How often a gate decides what, on launches that scatter as real ones do: its errors are what it says they are."""

import math

import numpy as np
import pytest

from tests.gate.gates import outcome, settings
from tuner.gate.effect import Ruling
from tuner.gate.result import Side
from tuner.gate.turns import Progress, take_turns
from tuner.study.trial import Outcome

GATES = 100
SCATTER = 0.03
"""Standard deviation of the logarithm between launches: that of p99 on two cores that other machines share."""


def rulings(p99: float, throughput: float) -> dict[Ruling, float]:
    """The shares of the verdicts of gates whose new side has these ratios to its baseline."""
    found = [one_gate(p99, throughput, np.random.default_rng(seed), seed) for seed in range(GATES)]
    return {ruling: found.count(ruling) / GATES for ruling in Ruling}


def one_gate(p99: float, throughput: float, dice: np.random.Generator, seed: int) -> Ruling:
    now = 0.0

    def launch(side: Side, _: int) -> Outcome:
        nonlocal now
        now += 5.0
        slower, less = (p99, throughput) if side is Side.NEW else (1.0, 1.0)
        first, second = np.exp(dice.normal(0.0, SCATTER, 2))
        return outcome(0.04 * slower * float(first), 400.0 * less * float(second))

    found = Progress(settings=settings())
    take_turns(found, launch, clock=lambda: now)
    assert now <= 180.0, seed
    return found.ruling


def bound(share: float) -> float:
    """A share that is exceeded by chance once in a thousand times."""
    return share + 3.0 * math.sqrt(share * (1.0 - share) / GATES)


def test_no_change_is_no_alarm() -> None:
    found = rulings(1.0, 1.0)
    assert found[Ruling.REGRESSION] <= bound(0.001)
    assert found[Ruling.NO_REGRESSION] >= 0.75


def test_ten_per_cent_are_seen() -> None:
    assert rulings(1.10, 1.0 / 1.10)[Ruling.REGRESSION] >= 0.9


@pytest.mark.parametrize(("p99", "throughput"), [(1.05, 1.0), (1.0, 0.95), (1.05, 0.95)])
def test_where_the_change_is_just_what_is_allowed_both_errors_are_rare(p99: float, throughput: float) -> None:
    found = rulings(p99, throughput)
    assert found[Ruling.REGRESSION] <= bound(0.05)
    assert found[Ruling.NO_REGRESSION] <= bound(0.025)
