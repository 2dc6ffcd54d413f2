"""A gate as a value: what was asked, every launch, and what follows; as it is stored in `gate.json`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from tuner.gate.effect import Effect, Limit, Ruling, overall, positive
from tuner.machine import Machine, Placement
from tuner.study.quality import Basis
from tuner.study.space import Configuration
from tuner.study.trial import Doubt, Failure, LevelSummary, Measurement, Outcome
from tuner.study.workload import Workload

GATE_VERSION = 1
"""Version of `gate.json`. 1: first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One side of a gate, to be read: where it comes from, and what it runs."""

    source: str
    target: str
    options: Mapping[str, str] = field(default_factory=dict)
    configuration: Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was asked: launches in turns for `seconds` at most, and the limits that the new side must keep."""

    name: str
    baseline: Described
    new: Described
    workload: Workload
    limits: tuple[Limit, ...]
    max_accuracy_drop: float
    seconds: float
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One launch of each side, one right after the other."""

    new_first: bool
    baseline: Outcome
    new: Outcome

    @property
    def pair(self) -> tuple[LevelSummary, LevelSummary] | None:
        """What both sides gave at the target load; None unless both launches were measured."""
        if isinstance(self.baseline, Measurement) and isinstance(self.new, Measurement):
            return self.baseline.target, self.new.target
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """When the figures were looked at: after so many pairs, when this share of the time was over."""

    pairs: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A gate that is over.

    `failure` is what the new side did instead of being measured; then nothing else is known of it. `seconds` is how
    long all launches took.
    """

    settings: Settings
    machine: Machine
    placement: Placement
    command: str
    started: str
    seconds: float
    rounds: tuple[Round, ...]
    looks: tuple[Look, ...]
    effects: tuple[Effect, ...]
    failure: Failure | None = None
    version: int = GATE_VERSION

    @property
    def ruling(self) -> Ruling:
        """The verdict on all limits together."""
        if self.failure is not None or self.less_accurate:
            return Ruling.REGRESSION
        return overall([effect.ruling for effect in self.effects])

    @property
    def accuracy(self) -> tuple[float, float] | None:
        """The share of right answers of the baseline and of the new side, where requests have labels."""
        sides = ([one.baseline for one in self.rounds], [one.new for one in self.rounds])
        shares = [next(_labelled(outcomes), None) for outcomes in sides]
        return None if shares[0] is None or shares[1] is None else (shares[0], shares[1])

    @property
    def less_accurate(self) -> bool:
        """Whether the new side answers fewer requests right than is allowed."""
        if self.accuracy is None:
            return False
        before, now = self.accuracy
        # Nine digits, so that exactly the limit is kept.
        return round(before - now - self.settings.max_accuracy_drop, 9) > 0.0

    @property
    def invalid(self) -> int:
        """How many rounds gave no pair, because a measurement was disturbed."""
        return sum(one.pair is None for one in self.rounds)

    @property
    def needed(self) -> int | None:
        """How many more rounds would decide every limit; None when that is not known, or no number would."""
        open_ones = [effect for effect in self.effects if effect.ruling is Ruling.INCONCLUSIVE]
        wanted = [effect.needed for effect in open_ones if effect.needed is not None]
        if not wanted or len(wanted) < len(open_ones):
            return None
        return max(wanted) - max(effect.pairs for effect in open_ones)

    def launches(self) -> Iterator[tuple[str, Outcome]]:
        """Yield every launch with its name."""
        for number, one in enumerate(self.rounds, 1):
            yield f"baseline, round {number}", one.baseline
            yield f"new, round {number}", one.new

    def doubts(self) -> Iterator[tuple[str, Doubt]]:
        """Yield every doubt with the launch that raised it."""
        for name, outcome in self.launches():
            for doubt in outcome.doubts if isinstance(outcome, Measurement) else ():
                yield name, doubt

    def disturbed(self) -> Iterator[tuple[str, str]]:
        """Yield every launch whose measurement was disturbed, with the reason."""
        for name, outcome in self.launches():
            if isinstance(outcome, Failure):
                yield name, outcome.reason


def figures(rounds: Sequence[Round], read: Callable[[LevelSummary], float]) -> tuple[list[float], list[float]]:
    """Return a figure of the baseline and of the new side, pair by pair; pairs without a ratio are left out."""
    pairs = [(read(pair[0]), read(pair[1])) for one in rounds if (pair := one.pair) is not None]
    told = [pair for pair in pairs if positive(pair)]
    return [before for before, _ in told], [now for _, now in told]


def _labelled(outcomes: Sequence[Outcome]) -> Iterator[float]:
    for outcome in outcomes:
        quality = outcome.quality if isinstance(outcome, Measurement) else None
        # Agreement is with a side's own default, which the other side does not have.
        if quality is not None and quality.basis is Basis.ACCURACY:
            yield quality.share


_stored = TypeAdapter(Gate)


def dump_gate(gate: Gate) -> str:
    """Write a gate as versioned JSON."""
    return _stored.dump_json(gate, indent=1).decode()


def load_gate(text: str) -> Gate:
    """Read what `dump_gate` wrote; raises ValueError for anything else."""
    return _stored.validate_json(text)
