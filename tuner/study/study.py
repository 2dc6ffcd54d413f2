"""A whole study: what was asked, where, and everything that was learnt."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.machine import Machine, Placement
from tuner.study.objectives import Limits
from tuner.study.space import Configuration, SearchSpace, Value, identity
from tuner.study.trial import Confirmation, Trial
from tuner.study.workload import Load, Loop, Workload

_OVERHEAD_SECONDS = 1.6
"""Start, verification and stop of one launch of the bundled agent, for estimates before one was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was asked: two searches with equal settings on one machine do the same work.

    `target` is a bundled name or a folder, `options` the target's own flags, `runtime_python` the interpreter of its
    programs where that is not tuner's, `pinned` the knobs held at one value; the `finalists` best configurations and
    the default are launched `rounds` times more for the confirmation. `quality_objective` makes the share of right
    answers a third objective.
    """

    name: str
    target: str
    workload: Workload
    limits: Limits
    budget: int
    seed: int
    options: Mapping[str, str] = field(default_factory=dict)
    pinned: Mapping[str, Value] = field(default_factory=dict)
    locustfile: str | None = None
    runtime_python: str | None = None
    finalists: int = 2
    rounds: int = 4
    quality_objective: bool = False

    @property
    def launches(self) -> int:
        """The most launches that the study takes: its budget, then every finalist and the default in every round."""
        return self.budget + (self.finalists + 1) * self.rounds

    @property
    def seconds(self) -> float:
        """How long the study takes, in seconds, as far as anybody knows before its first launch has ended."""
        seconds = self.launches * (self.workload.seconds + _OVERHEAD_SECONDS)
        if self.workload.loop is Loop.CLOSED:
            # Finalists are driven in open loop as well.
            seconds += (self.launches - self.budget) * self.workload.seconds / len(self.workload.loads)
        return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What this machine makes of one and the same configuration, launched several times: `tuner doctor` measures it.

    The figures are standard deviations of the logarithm between launches: of throughput at the target load, and of p99
    under each of the `loads`. `measured` says when.
    """

    target: str
    options: Mapping[str, str] = field(default_factory=dict)
    loads: tuple[Load, ...]
    measured: str
    launches: int
    throughput: float
    p99: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is fixed when a study begins.

    `placement` names the cores that server and load run on, `noise` what `tuner doctor` had found out by then.
    """

    settings: Settings
    space: SearchSpace
    machine: Machine
    command: str
    started: str
    placement: Placement
    noise: Noise | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Study(Header):
    """Everything that a report needs, as it was stored.

    `seconds` is the time spent searching, from the start to the last confirmation, over all sessions.
    """

    seconds: float
    trials: tuple[Trial, ...]
    confirmations: tuple[Confirmation, ...] = ()

    @property
    def default(self) -> Configuration:
        """The configuration that everything is compared with."""
        return self.space.default()

    @property
    def default_trial(self) -> Trial | None:
        """The trial that measured the default configuration, or one that failed to."""
        wanted = identity(self.default)
        found = [trial for trial in self.trials if identity(trial.configuration) == wanted]
        # A default whose measurement was disturbed is measured again in another trial.
        return next((trial for trial in found if trial.measurement is not None), found[0] if found else None)

    def trial(self, number: int) -> Trial:
        """Find a trial by its number."""
        return next(trial for trial in self.trials if trial.number == number)
