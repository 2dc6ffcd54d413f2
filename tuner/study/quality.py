"""Are the answers right? Against the default configuration's on the same requests, before load and under it."""

from dataclasses import dataclass
from enum import StrEnum

from tuner.statistics.paired import Difference


class Basis(StrEnum):
    """What an answer has to equal: the label of its request, or where nothing is labelled, the default's answer."""

    ACCURACY = "accuracy"
    AGREEMENT = "agreement"


class Rows(StrEnum):
    """Which requests were asked: those that a search sees, or those that only confirming launches do."""

    SELECTION = "selection set"
    TEST = "test set"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderLoad:
    """Answers that were given at the target load, one for each of `total` requests of the selection set.

    `before` of the same requests were answered right before the load; `p` is McNemar's, of no difference to that.
    `changed` answers are others than before, `changed_in_batches` of them known to be computed in a batch. `change` is
    the difference to the default's answers before load.
    """

    correct: int
    total: int
    before: int
    p: float
    changed: int
    changed_in_batches: int
    change: Difference | None = None

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.correct / self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How many of `total` requests were answered right through the server, before any load.

    `change` is the paired difference to the default's answers; there is none where the default gave the same ones, by
    the same model, or where its answers are not known, as `default_known` tells.
    """

    basis: Basis
    correct: int
    total: int
    rows: Rows = Rows.SELECTION
    change: Difference | None = None
    default_known: bool = True
    under_load: UnderLoad | None = None

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.correct / self.total

    @property
    def drop(self) -> float:
        """By how much it falls short of the default's, as a share; nine digits, not the last bit of a fraction.

        All of it when the default's answers are not known: what cannot be compared meets no limit.
        """
        if not self.default_known:
            return 1.0
        return -round(self.change.value, 9) if self.change else 0.0
