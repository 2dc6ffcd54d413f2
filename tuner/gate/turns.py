"""The launches of a gate: both sides in turns, looked at now and then, until it is decided or time is up."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from tuner.gate.effect import Effect, Limit, Ruling
from tuner.gate.reliability import NOTHING_FAILED, Reliability
from tuner.gate.result import Look, Round, Settings, Side, failed_alone, figures, verdict
from tuner.measure.failed import as_error
from tuner.statistics.compare import estimate
from tuner.statistics.sequential import FIRST_LOOK, LAST_EARLY, enough, is_worth_a_look, next_look, repeated_ratio
from tuner.study.quality import Quality
from tuner.study.trial import Failure, Outcome

Launch = Callable[[Side, int], Outcome]
"""Launch and measure one side in the round of this number, counted from zero."""

Compare = Callable[[], Quality | None]
"""Compare the answers of both sides before load; None while there are none of both."""

Clock = Callable[[], float]

_MARGIN = 1.2
"""Of the longest round so far, the next one may take so many times as long."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """What is known so far; the effect of a limit that is decided stays what it was at that look.

    That is how a sequential test holds its error: it ends for a limit at the first look that decides it. `share` is
    how much of the time was over after the last round.
    """

    settings: Settings
    rounds: list[Round] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    effects: tuple[Effect, ...] = ()
    quality: Quality | None = None
    reliability: Reliability = NOTHING_FAILED
    failure: Failure | None = None
    share: float = 0.0

    @property
    def pairs(self) -> int:
        """How many rounds gave a pair."""
        return sum(one.pair is not None for one in self.rounds)

    @property
    def ruling(self) -> Ruling:
        """The verdict on what is known."""
        return verdict(self.settings, self.effects, self.quality, self.reliability, self.failure)

    @property
    def over(self) -> bool:
        """Whether more launches would change nothing: one regression is enough, and a limit that is met stays met.

        Nor can they decide a figure that launches before them did not tell. That the new side fails more often is open
        again with every launch.
        """
        if self.ruling is not Ruling.INCONCLUSIVE:
            return True
        if self.reliability.ruling is Ruling.INCONCLUSIVE:
            return False
        return bool(self.effects) and not any(
            effect.ruling is Ruling.INCONCLUSIVE and not effect.missing for effect in self.effects
        )


def take_turns(
    found: Progress,
    launch: Launch,
    compare: Compare = lambda: None,
    clock: Clock = time.monotonic,
    on_round: Callable[[Round], None] = lambda _: None,
) -> None:
    """Launch both sides in turns, and add to `found` what that brings, so that it is known whatever ends this.

    Raises where the baseline fails by itself, as nothing can be compared then.
    """
    seconds, seed = found.settings.seconds, found.settings.seed
    began, due = clock(), FIRST_LOOK
    lengths: list[float] = []
    while not found.over:
        started = clock()
        played = _round(launch, len(found.rounds), seed)
        found.rounds.append(played)
        found.failure = played.failure
        found.reliability = failed_alone(found.rounds)
        found.quality = found.quality or compare()
        on_round(played)
        now = clock()
        lengths.append(now - started - _once(played, first=not lengths))
        found.share = (now - began) / seconds
        last = now - began + _MARGIN * max(lengths[1:] or lengths) > seconds
        if last:
            look(found, 1.0)
            return
        if found.pairs >= due and found.share <= LAST_EARLY and _is_worth_a_look(found):
            look(found, found.share)
            due = next_look(found.pairs)


def _round(launch: Launch, number: int, seed: int) -> Round:
    """Launch each side; raises where the baseline fails by itself."""
    new_first = _new_first(seed, number)
    outcomes: dict[Side, Outcome] = {}
    retried: dict[Side, tuple[Failure, ...]] = {}
    for side in (Side.NEW, Side.BASELINE) if new_first else (Side.BASELINE, Side.NEW):
        outcomes[side], failed = _launched(launch, side, number)
        if failed:
            retried[side] = failed
        if side is Side.BASELINE and isinstance(outcome := outcomes[side], Failure) and not outcome.kind.ours:
            raise as_error(outcome, "the baseline: ")
    return Round(new_first=new_first, baseline=outcomes[Side.BASELINE], new=outcomes[Side.NEW], retried=retried)


def _launched(launch: Launch, side: Side, number: int) -> tuple[Outcome, tuple[Failure, ...]]:
    """Launch a side, once more where it failed by itself, and once where the measurement did: each may be chance.

    Return what came of the last launch, and the failures of those before it.
    """
    failed: list[Failure] = []
    outcome = launch(side, number)
    while isinstance(outcome, Failure) and outcome.kind.ours not in {one.kind.ours for one in failed}:
        failed.append(outcome)
        outcome = launch(side, number)
    return outcome, tuple(failed)


def _once(played: Round, *, first: bool) -> float:
    """Return what a round took that the next ones need not: what was prepared, and every answer verified once."""
    phases = ("prepare", "verify") if first else ("prepare",)
    return sum(outcome.phases.get(phase, 0.0) for outcome in played.outcomes.values() for phase in phases)


def _new_first(seed: int, number: int) -> bool:
    """Say which side begins a round: in each two of them both, in random order, so that no drift favours one."""
    first = Random(f"{seed}:{number // 2}").random() < 0.5
    return first if number % 2 == 0 else not first


def interrupted(found: Progress) -> None:
    """Look at what there is for the last time, with the error that was planned for the time that is over.

    All of the error would be too much: who ended the gate had seen the figures.
    """
    if not found.over and (not found.effects or _is_worth_a_look(found)):
        look(found, found.share)


def _is_worth_a_look(found: Progress) -> bool:
    return is_worth_a_look([*(one.share for one in found.looks), found.share])


def look(found: Progress, share: float) -> None:
    """Look at every limit that is not decided yet, when this share of the time is over."""
    found.looks.append(Look(pairs=found.pairs, share=share))
    known = {effect.limit: effect for effect in found.effects if effect.ruling is not Ruling.INCONCLUSIVE}
    shares = [one.share for one in found.looks]
    limits = found.settings.limits
    found.effects = tuple(known.get(limit) or judged(limit, found.rounds, shares) for limit in limits)


def judged(limit: Limit, rounds: Sequence[Round], looks: Sequence[float]) -> Effect:
    """Judge one limit by all pairs so far, at the last of `looks`.

    Whether a launch tells its p99 depends on how fast it was: leaving out those that do not would choose by the result.
    """
    before, now = figures(rounds, limit.figure.read)
    missing = sum(one.pair is not None for one in rounds) - len(before)
    if missing or len(before) < FIRST_LOOK:
        return Effect(limit=limit, pairs=len(before), missing=missing, ruling=Ruling.INCONCLUSIVE)
    ratio = repeated_ratio(now, before, looks)
    ruling = limit.ruling(ratio.low, ratio.high)
    needed = enough(now, before, limit.ratio) if ruling is Ruling.INCONCLUSIVE else None
    return Effect(
        limit=limit,
        pairs=len(before),
        baseline=estimate(before),
        new=estimate(now),
        ratio=ratio,
        ruling=ruling,
        needed=needed,
    )
