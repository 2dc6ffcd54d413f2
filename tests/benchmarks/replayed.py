"""Rounds of real gates as they are recorded, and the gate's own code run again on rounds that are drawn from them."""

import json
import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from tuner.gate.effect import Ruling, overall, positive
from tuner.gate.result import Settings
from tuner.gate.run import Progress, Side, run
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
    """One gate that is over."""

    gate: int
    changed: bool
    ruling: Ruling
    rounds: int
    seconds: float


def ruling(found: Progress) -> Ruling:
    """Return the verdict on what was found."""
    return Ruling.REGRESSION if found.failure else overall([effect.ruling for effect in found.effects])


def write(file: IO[str], ended: Ended, played: Sequence[Played]) -> None:
    """Record a gate that is over."""
    for one in (*played, ended):
        file.write(json.dumps({type(one).__name__: asdict(one)}) + "\n")
    file.flush()


def read(record: Path) -> tuple[list[Ended], list[Played]]:
    """Read what was recorded; there may be nothing yet."""
    ended: list[Ended] = []
    played: list[Played] = []
    for line in record.read_text(encoding="utf-8").splitlines() if record.exists() else ():
        ((kind, content),) = json.loads(line).items()
        if kind == "Ended":
            ended.append(Ended(**{**content, "ruling": Ruling(content["ruling"])}))
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

    found = Progress()
    run(settings, launch, found, lambda: now)
    return Ended(gate=number, changed=change > 1.0, ruling=ruling(found), rounds=len(found.rounds), seconds=now)


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
