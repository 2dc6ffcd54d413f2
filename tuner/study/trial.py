"""What one launch of one configuration taught us."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import PlainSerializer, TypeAdapter, ValidationError

from tuner.errors import StorageError
from tuner.machine import Machine
from tuner.statistics.quantiles import smallest_sample
from tuner.study.quality import Quality
from tuner.study.settings import MeasureSettings
from tuner.study.space import Configuration
from tuner.study.workload import Load, Loop

# JSON has no infinity, and pydantic would write null, which it cannot read back as a float.
Latency = Annotated[float, PlainSerializer(lambda value: "Infinity" if math.isinf(value) else value, when_used="json")]
"""Seconds; infinite when so many requests failed or did not finish that the percentile is one of them."""

LOAD_PHASES = ("warm-up", "measure")
"""The phases of a launch that are time under load, one of each per level; all others are not."""

OUTCOME_VERSION = 3
"""Version of the stored outcome. 1: first. 2: loads of either loop, goodput, conditions, sessions. 3: quality, paired
with the default's and sampled under load, instead of accuracy. What else is stored with an outcome came later: its
machine, then the settings of `tuner measure`. Files without them are of version 3 too, and are read.
"""

OLDER = "it was written by another version of tuner; start a new study"

KEPT_UP = 0.98
"""Share of the arrivals that must be answered in time for a rate to count as carried: the rest is at the edges."""


class DoubtKind(StrEnum):
    """A reason not to believe a number fully; each has one sentence of advice in the report."""

    FEW_SAMPLES = "few samples"
    NOT_STEADY = "not steady"
    LITTLE = "Little's law"
    STALL = "stall"
    STARVED = "starved requests"
    ERRORS = "errors"
    UNFINISHED = "unfinished"
    OVERLOADED = "overloaded"
    LATE = "late load"
    LOAD_PAUSE = "pause of the load"
    OUTSIDE = "time outside the server"
    OTHER_PROGRAMS = "other programs"
    STOLEN = "stolen time"
    THROTTLED = "throttled"
    PROCESS_LOST = "process lost"
    WORSE_UNDER_LOAD = "worse answers under load"
    BATCH_DEPENDENT = "batch-dependent answers"
    QUALITY_UNDECIDED = "quality not decided"
    MACHINE_CHANGED = "machine changed"
    NOT_AVAILABLE = "not available"
    SHARED_CORES = "shared cores"
    NO_DEFAULT = "no default"
    NOT_CONFIRMED = "not confirmed"
    FEWER_LAUNCHES = "fewer launches"
    NO_NOISE_FLOOR = "noise not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One doubt: what was seen, in a sentence with its numbers."""

    kind: DoubtKind
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value with its confidence interval; an end that the sample cannot bound is None."""

    value: Latency
    low: Latency | None
    high: Latency | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What else was going on while a level was measured; a figure that this machine does not tell is None.

    `lag_p99` and `lag_most` say in seconds how late the load process woke, `lateness_p99` how late arrivals of an open
    loop were sent. Shares are of the cores that server and load may use: `other_programs` ran on them, `stolen` was
    taken by other virtual machines. `load_cpu` is in cores. `throttled` counts the periods in which a quota stopped us.
    """

    lag_p99: float
    lag_most: float
    lateness_p99: float | None = None
    load_cpu: float | None = None
    other_programs: float | None = None
    stolen: float | None = None
    throttled: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSummary:
    """What was measured under one load; latencies in seconds, throughput in valid answers per second.

    The window was `opened` at that moment of the samples' clock and lasted `seconds`.
    Percentiles are exact order statistics over every request that was intended to start in the window, where a failed
    or unfinished request counts as infinite; the mean is that of the valid ones; throughput counts the valid answers
    that arrived in the window, goodput those of them within the SLO. `little` is the measured share of the concurrency
    of a closed loop that requests and think time account for. `session_p99` is that of a user's session, the waiting of
    all its requests together. `outside` is the median of what the client saw beyond what the server says it took.
    """

    load: Load
    opened: float
    seconds: float
    requests: int
    errors: int
    unfinished: int
    throughput: float
    goodput: float | None = None
    mean: Latency
    p50: Latency
    p90: Latency
    p95: Latency
    p99: Interval
    little: float | None = None
    session_p99: Interval | None = None
    server_queue: float | None = None
    server_compute: float | None = None
    outside: float | None = None
    batch_size: float | None = None
    cpu_per_request: float | None = None
    conditions: Conditions | None = None

    @property
    def error_rate(self) -> float:
        """Failed and unfinished requests as a share of all."""
        return (self.errors + self.unfinished) / self.requests if self.requests else 1.0

    @property
    def carried(self) -> float:
        """Throughput as it is drawn: in open loop, all that keep up with the arrivals carry the same rate."""
        if self.load.loop is Loop.OPEN and self.throughput * self.seconds >= KEPT_UP * self.requests:
            return self.load.rate
        return self.throughput

    @property
    def told_p99(self) -> float | None:
        """p99, unless it rests on so few requests that it has no upper bound at 95 %."""
        return self.p99.value if self.requests >= smallest_sample(0.99) else None

    def metric(self, name: str) -> float:
        """Return a latency metric by name; a p99 that cannot be told is not known to meet any limit."""
        if name == "p99":
            return math.inf if self.told_p99 is None else self.told_p99
        return float(getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A launch that was measured: its levels from the lightest to the target, and what to doubt about them.

    `arrivals` is a level in open loop that only confirming launches have, at a rate common to all finalists.
    `peak_memory` is the most resident memory at the end of a level, in bytes, with pages that processes share counted
    in each; `phases` maps each phase to its seconds; `effective` is what the server said about itself. `server_of` is
    the trial that launched the server, if this one found it running and only told it other knobs: its memory may then
    hold what earlier configurations left there.
    """

    levels: tuple[LevelSummary, ...]
    arrivals: LevelSummary | None = None
    quality: Quality | None
    peak_memory: int | None
    phases: Mapping[str, float]
    effective: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    server_of: int | None = None

    @property
    def load_seconds(self) -> float:
        """Seconds under load: warm-up and measurement of every level."""
        return sum(seconds for name, seconds in self.phases.items() if name.startswith(LOAD_PHASES))

    @property
    def light(self) -> LevelSummary:
        """The lightest level."""
        return self.levels[0]

    @property
    def target(self) -> LevelSummary:
        """The level at the target load."""
        return self.levels[-1]


class FailureKind(StrEnum):
    """Why a launch gave no measurement."""

    PREPARE = "not prepared"
    START = "did not start"
    NOT_READY = "not ready in time"
    MISMATCH = "not as asked"
    WRONG_ANSWERS = "wrong answers"
    CRASH = "crashed"
    ERRORS = "too many errors"
    OVERLOADED = "overloaded"
    INVALID = "measurement invalid"

    @property
    def ours(self) -> bool:
        """Whether the measurement failed, and not the configuration."""
        return self is FailureKind.INVALID

    @property
    def never_up(self) -> bool:
        """Whether the server never came to answer."""
        return self in (FailureKind.PREPARE, FailureKind.START, FailureKind.NOT_READY)

    @property
    def unanswered(self) -> bool:
        """Whether the server gave no answers that others could be compared with."""
        return self.never_up or self in (FailureKind.MISMATCH, FailureKind.WRONG_ANSWERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A launch that gave no measurement, with its reason and the last lines of the server's log."""

    kind: FailureKind
    reason: str
    log_tail: tuple[str, ...] = ()
    phases: Mapping[str, float] = field(default_factory=dict)


Outcome = Measurement | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One configuration, measured once."""

    number: int
    configuration: Configuration
    outcome: Outcome

    @property
    def measurement(self) -> Measurement | None:
        """The measurement, unless the trial failed."""
        return self.outcome if isinstance(self.outcome, Measurement) else None

    @property
    def failure(self) -> Failure | None:
        """The failure, unless the trial was measured."""
        return self.outcome if isinstance(self.outcome, Failure) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """One launch of a finalist after the search: `round` says in which repetition, `trial` which configuration."""

    trial: int
    round: int
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOutcome:
    """An outcome as it lies in `measurement.json` and in the storage; an infinite latency is the text "Infinity".

    `machine` is the one that it was measured on and `settings` what was asked, where that is stored nowhere else.
    """

    outcome: Outcome
    machine: Machine | None = None
    settings: MeasureSettings | None = None
    version: int = OUTCOME_VERSION


_stored = TypeAdapter(StoredOutcome)


def dump_outcome(outcome: Outcome, machine: Machine | None = None, settings: MeasureSettings | None = None) -> str:
    """Write an outcome as versioned JSON."""
    beside = {"machine": machine, "settings": settings}
    stored = StoredOutcome(outcome=outcome, machine=machine, settings=settings)
    return _stored.dump_json(stored, exclude={name for name, value in beside.items() if value is None}).decode()


def load_outcome(text: str) -> Outcome:
    """Read the outcome that `dump_outcome` of this version wrote; raises StorageError for anything else."""
    return load_stored(text).outcome


def load_stored(text: str) -> StoredOutcome:
    """Read everything that `dump_outcome` of this version wrote; raises StorageError for anything else."""
    try:
        stored = _stored.validate_json(text)
    except ValidationError as error:
        raise StorageError(f"a stored outcome cannot be read ({error.error_count()} errors); {OLDER}") from None
    if stored.version != OUTCOME_VERSION:
        raise StorageError(f"an outcome was stored as version {stored.version}, this is {OUTCOME_VERSION}; {OLDER}")
    return stored
