"""A whole study: what was asked, where, and everything that was learnt."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from tuner.machine import Machine
from tuner.study.objectives import Limits
from tuner.study.space import Configuration, SearchSpace, Value
from tuner.study.trial import Confirmation, Trial
from tuner.study.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was asked: two searches with equal settings on one machine do the same work.

    `target` is a bundled name or a folder, `options` the target's own flags, `pinned` the knobs held at one value;
    the `finalists` best configurations and the default are launched `rounds` times more for the confirmation.
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
    finalists: int = 2
    rounds: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Everything that a report needs, as it was stored.

    `seconds` is the time spent searching, from the start to the last confirmation, over all sessions.
    """

    settings: Settings
    space: SearchSpace
    machine: Machine
    command: str
    started: str
    seconds: float
    trials: tuple[Trial, ...]
    confirmations: tuple[Confirmation, ...] = ()

    @property
    def default(self) -> Configuration:
        """The configuration that everything is compared with."""
        return self.space.default()

    def trial(self, number: int) -> Trial:
        """Find a trial by its number."""
        return next(trial for trial in self.trials if trial.number == number)


settings_json = TypeAdapter(Settings)
