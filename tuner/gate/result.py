"""A gate as a value: what was asked, every launch, and what follows; as it is stored in `gate.json`."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import TypeAdapter

from tuner.gate import answers
from tuner.gate.effect import Effect, Limit, Ruling, overall, positive
from tuner.gate.reliability import NOTHING_FAILED, Reliability, reliability
from tuner.machine import Machine, Placement
from tuner.study.quality import Quality
from tuner.study.space import Configuration
from tuner.study.trial import Doubt, Failure, LevelSummary, Measurement, Outcome
from tuner.study.workload import Workload

GATE_VERSION = 3
"""Version of `gate.json`. 1: first. 2: answers of both sides compared, launches that were tried again, why it ended.
3: all launches before the one that counts, also those that were disturbed, instead of one; which side failed alone.
"""

WHOLE = "the whole gate"
"""Where a doubt was raised that is about no launch of its own."""


_TRIES = ("first", "second")
"""A launch is repeated once where it failed by itself, and once where the measurement did."""


class Side(StrEnum):
    """Which of the two is launched."""

    BASELINE = "baseline"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One side of a gate, to be read: where it comes from, and what it runs."""

    source: str
    target: str
    options: Mapping[str, str] = field(default_factory=dict)
    configuration: Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was asked: launches in turns, and the limits that the new side must meet.

    No round begins that would end after `seconds`.
    """

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
    """One launch of each side, one right after the other.

    `retried` has the failures after which a side was launched once more; its outcome is that of the last launch.
    """

    new_first: bool
    baseline: Outcome
    new: Outcome
    retried: Mapping[Side, tuple[Failure, ...]] = field(default_factory=dict)

    @property
    def pair(self) -> tuple[LevelSummary, LevelSummary] | None:
        """What both sides gave at the target load; None unless both launches were measured."""
        if isinstance(self.baseline, Measurement) and isinstance(self.new, Measurement):
            return self.baseline.target, self.new.target
        return None

    @property
    def failure(self) -> Failure | None:
        """What the new side did instead of being measured, twice in a row, while the baseline could be."""
        if isinstance(self.new, Measurement) or self.new.kind.ours or not self._failed_before(Side.NEW):
            return None
        return self.new if isinstance(self.baseline, Measurement) else None

    @property
    def outcomes(self) -> Mapping[Side, Outcome]:
        """What came of each side."""
        return {Side.BASELINE: self.baseline, Side.NEW: self.new}

    @property
    def failed_alone(self) -> Side | None:
        """The one side that had a launch that failed by itself, while the other was measured and had none."""
        failed = [side for side, outcome in self.outcomes.items() if _by_itself(outcome) or self._failed_before(side)]
        others = [outcome for side, outcome in self.outcomes.items() if side not in failed]
        return failed[0] if len(failed) == 1 and isinstance(others[0], Measurement) else None

    def _failed_before(self, side: Side) -> bool:
        """Whether a launch before the one that counts failed by itself."""
        return any(map(_by_itself, self.retried.get(side, ())))


def _by_itself(outcome: Outcome) -> bool:
    return isinstance(outcome, Failure) and not outcome.kind.ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """When the figures were looked at: after so many pairs, when this share of the time was over."""

    pairs: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A gate that is over.

    `quality` are the answers of the new side before load, paired with the baseline's. `reliability` says which side
    failed alone, and `failure` what the new side did instead of being measured. `error` says why the gate could not go
    on. `seconds` is how long all launches took.
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
    quality: Quality | None = None
    reliability: Reliability = NOTHING_FAILED
    failure: Failure | None = None
    error: str | None = None
    version: int = GATE_VERSION

    @property
    def ruling(self) -> Ruling:
        """The verdict on all limits together; what could not go on to its end has decided nothing."""
        if self.error is not None:
            return Ruling.INCONCLUSIVE
        return verdict(self.settings, self.effects, self.quality, self.reliability, self.failure)

    @property
    def answers_ruling(self) -> Ruling | None:
        """The verdict on the answers; None where they were not compared."""
        return answers.ruling(self.quality, self.settings.max_accuracy_drop) if self.quality else None

    @property
    def invalid(self) -> int:
        """How many rounds gave no pair, because a measurement was disturbed."""
        return sum(one.pair is None for one in self.rounds)

    @property
    def needed(self) -> int | None:
        """How many more rounds would decide everything; None when that is not known, or no number would."""
        return None if self.answers_ruling is Ruling.INCONCLUSIVE else self.needed_for_figures

    @property
    def needed_for_figures(self) -> int | None:
        """How many more rounds would decide everything but the answers: no launch brings more of those."""
        counted = [(effect.ruling, effect.needed, effect.pairs) for effect in self.effects]
        counted.append((self.reliability.ruling, self.reliability.needed, self.reliability.rounds))
        open_ones = [(needed, had) for ruling, needed, had in counted if ruling is Ruling.INCONCLUSIVE]
        wanted = [needed - had for needed, had in open_ones if needed is not None]
        return max(wanted) if wanted and len(wanted) == len(open_ones) else None

    def launches(self) -> Iterator[tuple[str, Outcome]]:
        """Yield every launch with its name."""
        for number, one in enumerate(self.rounds, 1):
            for side, outcome in one.outcomes.items():
                for word, failure in zip(_TRIES, one.retried.get(side, ()), strict=False):
                    yield f"{side}, round {number}, {word} try", failure
                yield f"{side}, round {number}", outcome

    def doubts(self) -> Iterator[tuple[str, Doubt]]:
        """Yield every doubt with the launch that raised it."""
        for name, outcome in self.launches():
            for doubt in outcome.doubts if isinstance(outcome, Measurement) else ():
                yield name, doubt
        if any(one.pair is not None for one in self.rounds):
            for doubt in answers.doubts(self.quality, self.settings.max_accuracy_drop):
                yield WHOLE, doubt

    def without_figures(self) -> Iterator[tuple[str, str]]:
        """Yield every launch that gave no figures, with the reason."""
        for name, outcome in self.launches():
            if isinstance(outcome, Failure):
                yield name, outcome.reason if outcome.kind.ours else f"{outcome.kind}: {outcome.reason}"


def verdict(
    settings: Settings,
    effects: Sequence[Effect],
    quality: Quality | None,
    reliability: Reliability,
    failure: Failure | None,
) -> Ruling:
    """Judge everything that is known of the new side together."""
    if failure is not None:
        return Ruling.REGRESSION
    rulings = [*(effect.ruling for effect in effects), reliability.ruling]
    rulings += [] if effects else [Ruling.INCONCLUSIVE]
    if quality is not None:
        rulings.append(answers.ruling(quality, settings.max_accuracy_drop))
    return overall(rulings)


def failed_alone(rounds: Sequence[Round]) -> Reliability:
    """Judge which side had launches that failed while the other had none."""
    count = Counter(one.failed_alone for one in rounds)
    return reliability(len(rounds), new=count[Side.NEW], baseline=count[Side.BASELINE])


def figures(rounds: Sequence[Round], read: Callable[[LevelSummary], float]) -> tuple[list[float], list[float]]:
    """Return a figure of the baseline and of the new side, pair by pair; pairs without a ratio are left out."""
    pairs = [(read(pair[0]), read(pair[1])) for one in rounds if (pair := one.pair) is not None]
    told = [pair for pair in pairs if positive(pair)]
    return [before for before, _ in told], [now for _, now in told]


_stored = TypeAdapter(Gate)


def dump_gate(gate: Gate) -> str:
    """Write a gate as versioned JSON."""
    return _stored.dump_json(gate, indent=1).decode()


def load_gate(text: str) -> Gate:
    """Read what `dump_gate` of this version wrote; raises ValueError for anything else."""
    gate = _stored.validate_json(text)
    if gate.version != GATE_VERSION:
        raise ValueError(f"a gate was stored as version {gate.version}, this is {GATE_VERSION}")
    return gate
