"""The launches that a finalist was confirmed by, with the samples that they left beside the study."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tuner.load.samples import COLUMNS, Samples, intended_in
from tuner.report.text import short
from tuner.report.verdict import Verdict
from tuner.study import places
from tuner.study.study import Study
from tuner.study.trial import Measurement

_NEEDED = frozenset(COLUMNS[:4])


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One launch; without `samples` they were not found where the report was made, or are `damaged`."""

    measured: Measurement
    samples: Samples | None
    damaged: bool = False

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
            yield _launch(one.outcome, folder and places.confirmation_folder(folder, one.round, trial))


def _searched(study: Study, trial: int, folder: Path | None) -> Iterator[Launch]:
    measured = study.trial(trial).measurement
    assert measured is not None
    yield _launch(measured, folder and places.trial_folder(folder, trial))


def _launch(measured: Measurement, folder: Path | None) -> Launch:
    try:
        samples = _samples(folder / places.SAMPLES) if folder else None
    except FileNotFoundError:
        return Launch(measured=measured, samples=None)
    except (OSError, ValueError, EOFError):
        return Launch(measured=measured, samples=None, damaged=True)
    return Launch(measured=measured, samples=samples, damaged=folder is not None and samples is None)


def _samples(path: Path) -> Samples | None:
    """Map the samples of a launch into memory; None where the file holds something else.

    All finalists' samples together may be more than there is memory: mapped, only what is looked at is there.
    """
    found = np.lib.format.open_memmap(path, mode="r")
    return found if _are_requests(found) else None


def _are_requests(found: npt.NDArray[np.void]) -> bool:
    """Whether an array has rows, and the columns of requests as numbers: a file of another kind has not."""
    numbers = {name for name in found.dtype.names or () if found.dtype[name].kind == "f"}
    return found.ndim == 1 and len(found) > 0 and numbers >= _NEEDED
