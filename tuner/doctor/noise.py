"""A/A: one and the same configuration, launched several times, one after the other."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from tuner.doctor.diagnosis import Launched
from tuner.measure.attempt import attempt
from tuner.measure.failed import as_error
from tuner.measure.protocol import Protocol
from tuner.statistics.compare import Estimate, drift, log_sd
from tuner.study.judgement import criterion
from tuner.study.study import Noise
from tuner.study.trial import Failure, Measurement, Outcome
from tuner.study.workload import Load, Loop

LEAST_LAUNCHES = 3
"""Fewer give no interval of a drift, and no standard deviation worth the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """What came of one launch of the default configuration; `begun` is in seconds of the monotonic clock."""

    begun: float
    outcome: Outcome


def repeat(protocol: Protocol, launches: int, folder: Path) -> Iterator[Repeat]:
    """Launch the default configuration so many times; raises where it is the configuration that fails."""
    for number in range(launches):
        begun = time.monotonic()
        title = f"noise, launch {number + 1}/{launches}"
        outcome = attempt(protocol, protocol.target.space.default(), folder / f"{number:04}", title)
        if isinstance(outcome, Failure) and not outcome.kind.ours:
            raise as_error(outcome, "in its default configuration: ")
        yield Repeat(begun=begun, outcome=outcome)


def launched(repeats: Sequence[Repeat]) -> tuple[Launched, ...]:
    """Return the figures of the launches that have any: an infinite p99 is none."""
    found = (
        Launched(
            begun=one.begun,
            throughput=one.outcome.target.throughput,
            p99=tuple(level.p99.value for level in one.outcome.levels),
        )
        for one in repeats
        if isinstance(one.outcome, Measurement)
    )
    return tuple(one for one in found if all(map(isfinite, one.p99)))


def noise(
    launches: Sequence[Launched], target: str, options: Mapping[str, str], loads: tuple[Load, ...], measured: str
) -> Noise | None:
    """Return by how much launches of one configuration differ; None when too few of them could be measured."""
    if len(launches) < LEAST_LAUNCHES:
        return None
    return Noise(
        target=target,
        options=options,
        loads=loads,
        measured=measured,
        launches=len(launches),
        throughput=log_sd([one.throughput for one in launches]),
        p99=tuple(log_sd(values) for values in zip(*(one.p99 for one in launches), strict=True)),
    )


def drift_of(launches: Sequence[Launched], loop: Loop) -> Estimate | None:
    """Return by which ratio the figure that decides changed over the launches; None when they are too few."""
    if len(launches) < LEAST_LAUNCHES:
        return None
    values = [criterion(loop).of(one.throughput, one.p99) for one in launches]
    return drift([one.begun for one in launches], values)


def has_drifted(change: Estimate) -> bool:
    """Whether the interval of a drift excludes that there is none."""
    return change.low is not None and change.high is not None and not change.low <= 1.0 <= change.high
