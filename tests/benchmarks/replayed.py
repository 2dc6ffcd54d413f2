"""Rounds of real gates as they are recorded, and the gate's own code run again on rounds that are drawn from them."""

import json
import math
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from tuner.gate.effect import Effect, Figure, Ruling, positive
from tuner.gate.result import Gate, Round, Settings, Side
from tuner.gate.turns import Progress, take_turns
from tuner.study.trial import Interval, LevelSummary, Measurement, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One round of a gate: whether a change was planted, and baseline and new, None where the round was disturbed."""

    gate: int
    changed: bool
    seconds: float
    p99: tuple[float, float] | None
    throughput: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One gate that is over, with its verdict on the whole and on each limit."""

    gate: int
    changed: bool
    ruling: Ruling
    limits: Mapping[Figure, Ruling]
    rounds: int
    seconds: float


def ended(gate: Gate, number: int, changed: bool, seconds: float) -> Ended:
    """Return what is recorded of a real gate as a whole."""
    return Ended(
        gate=number,
        changed=changed,
        ruling=gate.ruling,
        limits=_by_limit(gate.effects),
        rounds=len(gate.rounds),
        seconds=seconds,
    )


def played(gate: Gate, number: int, changed: bool) -> list[Played]:
    """Return what is recorded of the rounds of a real gate."""
    return [_played(one, number, changed) for one in gate.rounds]


def _played(one: Round, number: int, changed: bool) -> Played:
    p99, throughput = (
        (figure.read(one.pair[0]), figure.read(one.pair[1])) if one.pair else None
        for figure in (Figure.P99, Figure.THROUGHPUT)
    )
    seconds = sum(sum(outcome.phases.values()) for outcome in one.outcomes.values())
    return Played(gate=number, changed=changed, seconds=seconds, p99=p99, throughput=throughput)


def _by_limit(effects: Sequence[Effect]) -> Mapping[Figure, Ruling]:
    """Return the verdict on each limit; one that was never looked at is not decided."""
    return dict.fromkeys(Figure, Ruling.INCONCLUSIVE) | {one.limit.figure: one.ruling for one in effects}


def write(file: IO[str], ended: Ended, played: Sequence[Played]) -> None:
    """Record a gate that is over."""
    for one in (*played, ended):
        file.write(json.dumps({type(one).__name__: asdict(one)}) + "\n")
    file.flush()


def read(record: Path, made_by: Mapping[str, object]) -> tuple[list[Ended], list[Played]]:
    """Read what was recorded, which may be nothing yet; its first line says by which options.

    Figures of other options would be mixed with these: leaves then.
    """
    if not record.exists():
        record.write_text(json.dumps({"Options": made_by}) + "\n", encoding="utf-8")
    first, *lines = record.read_text(encoding="utf-8").splitlines()
    if (made := json.loads(first).get("Options")) != made_by:
        sys.exit(f"{record}: was made by {made}, and not by {dict(made_by)}: give another --record")
    ended: list[Ended] = []
    played: list[Played] = []
    for line in lines:
        ((kind, content),) = json.loads(line).items()
        if kind == "Ended":
            limits = {Figure(figure): Ruling(one) for figure, one in content["limits"].items()}
            ended.append(Ended(**{**content, "ruling": Ruling(content["ruling"]), "limits": limits}))
        else:
            played.append(Played(**content))
    return ended, played


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """What one round differed from the mean of its kind: logarithms of new over baseline, and how long it took."""

    p99: float
    throughput: float
    seconds: float


def scatter(played: Sequence[Played]) -> list[Scatter]:
    """Return what rounds scatter: the mean of those with a change, and of those without, is taken out."""
    return [one for changed in (False, True) for one in _centred([one for one in played if one.changed is changed])]


def _centred(played: Sequence[Played]) -> list[Scatter]:
    whole = [(one.p99, one.throughput, one.seconds) for one in played if one.p99 and one.throughput]
    rows = [
        Scatter(p99=math.log(p99[1] / p99[0]), throughput=math.log(rate[1] / rate[0]), seconds=seconds)
        for p99, rate, seconds in whole
        if positive((*p99, *rate))
    ]
    p99, throughput = (sum(getattr(row, name) for row in rows) / max(len(rows), 1) for name in ("p99", "throughput"))
    return [Scatter(p99=row.p99 - p99, throughput=row.throughput - throughput, seconds=row.seconds) for row in rows]


def simulated(settings: Settings, rounds: Sequence[Scatter], change: float, gates: int, seed: int) -> list[Ended]:
    """Run so many gates on rounds drawn with replacement, the new side so many times slower; its clock is theirs."""
    draws = random.Random(seed)
    return [_simulated(settings, rounds, change, draws, number) for number in range(gates)]


def _simulated(
    settings: Settings, rounds: Sequence[Scatter], change: float, draws: random.Random, number: int
) -> Ended:
    now = 0.0
    drawn: dict[int, Scatter] = {}

    def launch(side: Side, place: int) -> Outcome:
        nonlocal now
        one = drawn[place] = drawn.get(place) or draws.choice(rounds)
        now += one.seconds / 2.0
        if side is Side.BASELINE:
            return _measured(settings, 1.0, 1.0)
        return _measured(settings, math.exp(one.p99) * change, math.exp(one.throughput) / change)

    found = Progress(settings=settings)
    take_turns(found, launch, clock=lambda: now)
    return Ended(
        gate=number,
        changed=change > 1.0,
        ruling=found.ruling,
        limits=_by_limit(found.effects),
        rounds=len(found.rounds),
        seconds=now,
    )


def _measured(settings: Settings, p99: float, throughput: float) -> Measurement:
    level = LevelSummary(
        load=settings.workload.target,
        opened=0.0,
        seconds=1.0,
        requests=1_000,
        errors=0,
        unfinished=0,
        throughput=throughput,
        mean=p99,
        p50=p99,
        p90=p99,
        p95=p99,
        p99=Interval(value=p99, low=p99, high=p99),
    )
    return Measurement(levels=(level,), quality=None, peak_memory=None, phases={})
