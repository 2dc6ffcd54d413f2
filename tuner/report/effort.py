"""Where the time of a study went."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tuner.study.study import Study
from tuner.study.trial import LOAD_PHASES, Measurement, Outcome

_LEVEL = re.compile(r" at .*$")

PHASES = {
    "prepare": "prepare the model",
    "start": "server starts",
    "reconfigure": "server takes other knobs",
    "verify": "check answers",
    "load generator": "load generator starts",
    "drain": "wait for the last answers",
    "stop": "server stops",
    "conclude": "samples are judged",
}
"""What a reader calls the phases whose own name is too short to be understood alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of a launch over all launches; `share` is of the whole study."""

    name: str
    seconds: float
    share: float
    under_load: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Where the time went; `between` is what passed outside of every launch.

    `reused` counts those of the `launches` that were none: they went on with the server of an earlier trial.
    """

    seconds: float
    launches: int
    reused: int
    phases: tuple[Phase, ...]
    between: float

    @property
    def count(self) -> str:
        """How often the study launched a server and measured it."""
        if self.reused:
            return f"{self.launches} measurements on {self.launches - self.reused} servers"
        return f"{self.launches} launch{'' if self.launches == 1 else 'es'}"

    @property
    def load_share(self) -> float:
        """Time under load, warm-up and measurement, as a share of the whole study."""
        return sum(phase.share for phase in self.phases if phase.under_load)

    @property
    def launch_share(self) -> float:
        """Time in launches that was not under load, as a share of the whole study."""
        return sum(phase.share for phase in self.phases if not phase.under_load)

    @property
    def between_share(self) -> float:
        """Time outside of every launch, as a share of the whole study."""
        return self.between / self.seconds if self.seconds else 0.0


def effort(study: Study) -> Effort:
    """Add up the phases of every launch."""
    spent: dict[str, float] = {}
    launches = list(_outcomes(study))
    for outcome in launches:
        for name, seconds in outcome.phases.items():
            phase = _LEVEL.sub("", name)
            spent[phase] = spent.get(phase, 0.0) + seconds
    # Launches on several machines overlap, so together they can last longer than the study.
    total = max(study.seconds, sum(spent.values()))
    phases = tuple(
        Phase(name=name, seconds=seconds, share=seconds / total if total else 0.0, under_load=_loads(name))
        for name, seconds in sorted(spent.items(), key=lambda item: (not _loads(item[0]), -item[1]))
    )
    reused = sum(isinstance(one, Measurement) and one.server_of is not None for one in launches)
    between = total - sum(spent.values())
    return Effort(seconds=total, launches=len(launches), reused=reused, phases=phases, between=between)


def _loads(phase: str) -> bool:
    return phase.startswith(LOAD_PHASES)


def _outcomes(study: Study) -> Iterator[Outcome]:
    yield from (trial.outcome for trial in study.trials)
    yield from (confirmation.outcome for confirmation in study.confirmations)
