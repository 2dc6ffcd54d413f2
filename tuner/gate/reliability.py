"""Does the new side fail more often than the baseline: the rounds in which only one of them had a failed launch."""

from dataclasses import dataclass

from tuner.gate.effect import Ruling
from tuner.statistics.paired import sign_test

MOST_P = 0.01
"""From this p on down, a sign test tells the sides apart.

It is taken after every round, and of sides that fail equally often it calls the new one a regression in at most 4.1 %
of gates with 60 rounds in which one side alone failed (summed over all paths of a random walk).
"""

_FEWEST = 2
"""So many more rounds than the baseline's must be the new side's for a doubt: one is chance."""

_MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """In how many rounds a launch failed by itself on the new side only, or on the baseline's only.

    `p` is that of the exact sign test against no difference, as likely or likelier. `needed` is from how many rounds on
    an inconclusive one would be a regression if it went on like this.
    """

    rounds: int = 0
    new: int = 0
    baseline: int = 0
    p: float = 1.0
    ruling: Ruling = Ruling.NO_REGRESSION
    needed: int | None = None


NOTHING_FAILED = Reliability()


def reliability(rounds: int, new: int, baseline: int) -> Reliability:
    """Judge how often each side failed alone: a round that both fail in, or neither, says nothing of a difference."""
    p, ruling, needed = sign_test(new, baseline), Ruling.NO_REGRESSION, None
    if p <= MOST_P:
        ruling = Ruling.REGRESSION
    elif new - baseline >= _FEWEST:
        ruling, needed = Ruling.INCONCLUSIVE, _enough(rounds, new, baseline)
    return Reliability(rounds=rounds, new=new, baseline=baseline, p=p, ruling=ruling, needed=needed)


def _enough(rounds: int, new: int, baseline: int) -> int | None:
    """Return from how many rounds on it would be a regression, None when that is more than anybody launches."""
    for count in range(rounds + 1, _MOST):
        if sign_test(new * count // rounds, -(-baseline * count // rounds)) <= MOST_P:
            return count
    return None
