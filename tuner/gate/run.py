"""The launches of a gate: both sides in turns, looked at now and then, until it is decided or time is up."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from tuner.gate.effect import Effect, Limit, Ruling, overall
from tuner.gate.result import Look, Round, Settings, figures
from tuner.measure.failed import as_error
from tuner.statistics.compare import estimate
from tuner.statistics.sequential import FIRST_LOOK, LAST_EARLY, enough, next_look, repeated_ratio
from tuner.study.trial import Failure, Outcome


class Side(StrEnum):
    """Which of the two is launched."""

    BASELINE = "baseline"
    NEW = "new"


Launch = Callable[[Side, int], Outcome]
"""Launch and measure one side in the round of this number, counted from zero."""

Clock = Callable[[], float]

_MARGIN = 1.2
"""Of the longest round so far, the next one may take so many times as long."""


@dataclass(slots=True)
class Progress:
    """What is known so far; the effect of a limit that is decided stays what it was at that look.

    That is how a sequential test holds its error: it ends for a limit at the first look that decides it.
    """

    rounds: list[Round] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    effects: tuple[Effect, ...] = ()
    failure: Failure | None = None

    @property
    def pairs(self) -> int:
        """How many rounds gave a pair."""
        return sum(one.pair is not None for one in self.rounds)

    @property
    def decided(self) -> bool:
        """Whether more launches would change nothing: one regression is enough, and a kept limit stays kept."""
        return self.failure is not None or overall([one.ruling for one in self.effects]) is not Ruling.INCONCLUSIVE


def run(
    settings: Settings,
    launch: Launch,
    found: Progress,
    clock: Clock = time.monotonic,
    on_round: Callable[[Round], None] = lambda _: None,
) -> None:
    """Launch both sides in turns, and add to `found` what that brings, so that it is known whatever ends this.

    Raises where the baseline fails by itself, as nothing can be compared then.
    """
    began, due, longest = clock(), FIRST_LOOK, 0.0
    while not found.decided:
        started = clock()
        if (played := _round(settings, launch, len(found.rounds), found)) is None:
            return
        found.rounds.append(played)
        on_round(played)
        passed = clock() - began
        # What was prepared in this round lies in a cache from now on.
        longest = max(longest, clock() - started - _preparing(played))
        last = passed + _MARGIN * longest > settings.seconds
        share = 1.0 if last else passed / settings.seconds
        if last or (found.pairs >= due and share <= LAST_EARLY):
            look(settings, found, share)
            due = next_look(found.pairs)
        if last:
            return


def _round(settings: Settings, launch: Launch, number: int, found: Progress) -> Round | None:
    """Launch each side once; None when the new side failed by itself."""
    new_first = _new_first(settings.seed, number)
    outcomes: dict[Side, Outcome] = {}
    for side in (Side.NEW, Side.BASELINE) if new_first else (Side.BASELINE, Side.NEW):
        if found.failure is not None and found.pairs:
            return None
        # Also after the new side failed in the first round: only a baseline that works shows whose fault it is.
        outcomes[side] = outcome = launch(side, number)
        if isinstance(outcome, Failure) and not outcome.kind.ours:
            if side is Side.BASELINE:
                raise as_error(outcome, "the baseline: ")
            found.failure = outcome
    if found.failure is not None:
        return None
    return Round(new_first=new_first, baseline=outcomes[Side.BASELINE], new=outcomes[Side.NEW])


def _preparing(played: Round) -> float:
    return sum(outcome.phases.get("prepare", 0.0) for outcome in (played.baseline, played.new))


def _new_first(seed: int, number: int) -> bool:
    """Say which side begins a round: in each two of them both, in random order, so that no drift favours one."""
    first = Random(f"{seed}:{number // 2}").random() < 0.5
    return first if number % 2 == 0 else not first


def interrupted(settings: Settings, found: Progress) -> None:
    """Look at what there is for the last time: who ended the gate knew nothing of the figures, so that is no fault."""
    if not found.decided:
        look(settings, found, 1.0)


def look(settings: Settings, found: Progress, share: float) -> None:
    """Look at every limit that is not decided yet, when this share of the time is over."""
    found.looks.append(Look(pairs=found.pairs, share=share))
    known = {effect.limit: effect for effect in found.effects if effect.ruling is not Ruling.INCONCLUSIVE}
    shares = [one.share for one in found.looks]
    found.effects = tuple(known.get(limit) or judged(limit, found.rounds, shares) for limit in settings.limits)


def judged(limit: Limit, rounds: Sequence[Round], looks: Sequence[float]) -> Effect:
    """Judge one limit by all pairs so far, at the last of `looks`."""
    before, now = figures(rounds, limit.figure.read)
    if len(before) < FIRST_LOOK:
        return Effect(limit=limit, pairs=len(before), ruling=Ruling.INCONCLUSIVE)
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
