"""The launches that a finalist was confirmed by, with the samples that they left beside the study."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuner.load.samples import COLUMNS, Samples, intended_in
from tuner.report.text import short
from tuner.report.verdict import Verdict
from tuner.study import places
from tuner.study.study import Study
from tuner.study.trial import Measurement

_NEEDED = frozenset(COLUMNS[:4])


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One launch; without `samples` they were not found where the report was made."""

    measured: Measurement
    samples: Samples | None

    def window(self, level: int) -> Samples:
        """Return the requests that were to start while a level was measured."""
        assert self.samples is not None
        found = self.measured.levels[level]
        return intended_in(self.samples, found.opened, found.opened + found.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """All launches of one configuration that were measured; `once` says that they are those of the search."""

    trial: int
    name: str
    role: str
    launches: tuple[Launch, ...]
    once: bool

    @property
    def title(self) -> str:
        """What a legend calls them."""
        return f"#{self.trial} {self.role}"

    @property
    def sampled(self) -> tuple[Launch, ...]:
        """The launches whose samples were found."""
        return tuple(launch for launch in self.launches if launch.samples is not None)


def runs(study: Study, found: Verdict, folder: Path | None) -> tuple[Runs, ...]:
    """Collect the launches of every finalist; where nothing was confirmed, the best trial's and the default's."""
    confirmed = {finalist.trial for finalist in found.finalists}
    chosen = found.chosen.trial if found.chosen else None
    default = study.default_trial.number if study.default_trial else None
    trials = [finalist.trial for finalist in found.finalists] or _measured_once(study, found)
    return tuple(
        Runs(
            trial=trial,
            name=f"#{trial} {short(study.trial(trial).configuration, study.default)}",
            role="default" if trial == default else "winner" if trial == chosen else "finalist",
            launches=tuple(
                _confirming(study, trial, folder) if trial in confirmed else _searched(study, trial, folder)
            ),
            once=trial not in confirmed,
        )
        for trial in trials
    )


def _measured_once(study: Study, found: Verdict) -> list[int]:
    shown = [trial for trial in (found.best, study.default_trial) if trial is not None and trial.measurement]
    return list(dict.fromkeys(trial.number for trial in shown))


def _confirming(study: Study, trial: int, folder: Path | None) -> Iterator[Launch]:
    for one in study.confirmations:
        if one.trial == trial and isinstance(one.outcome, Measurement):
            place = folder and places.confirmation_folder(folder, one.round, trial)
            yield Launch(measured=one.outcome, samples=_samples(place))


def _searched(study: Study, trial: int, folder: Path | None) -> Iterator[Launch]:
    measured = study.trial(trial).measurement
    assert measured is not None
    yield Launch(measured=measured, samples=_samples(folder and places.trial_folder(folder, trial)))


def _samples(folder: Path | None) -> Samples | None:
    """Read the samples of a launch; what cannot be read is not there, for the report is about the rest too."""
    try:
        found = np.load(folder / places.SAMPLES, allow_pickle=False) if folder else None
    except (OSError, ValueError, EOFError):
        return None
    # A file of another kind has no such columns.
    return found if found is not None and set(found.dtype.names or ()) >= _NEEDED else None
