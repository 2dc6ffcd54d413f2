"""What can be compared: of a study the default and what it says to deploy, of measurements all of them together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tuner.errors import StorageError, UsageError
from tuner.machine import Machine
from tuner.report.text import ladder, short
from tuner.report.verdict import verdict
from tuner.study.study import Noise, Study
from tuner.study.trial import Measurement, load_outcome
from tuner.study.workload import Load

_FILE = "measurement.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launches:
    """What was launched once or several times, under the name that its counterpart has."""

    name: str
    what: str
    measured: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One side of a comparison; `machine` is None where it was not stored, `facts` are what may differ in words."""

    place: str
    loads: tuple[Load, ...]
    launches: tuple[Launches, ...]
    machine: Machine | None = None
    noise: Noise | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def of_study(study: Study, place: str) -> Source:
    """Read what a study says about its default and about what it chose."""
    settings, machine = study.settings, study.machine
    return Source(
        place=place,
        loads=settings.workload.loads,
        launches=tuple(_contenders(study)),
        machine=machine,
        noise=study.noise,
        facts={
            "target": settings.target,
            **{f"--{name}": value for name, value in settings.options.items()},
            "limits": str(settings.limits),
            "budget": f"{settings.budget} trials",
            "seed": str(settings.seed),
            "processor": f"{machine.cpu}, {machine.cores} cores",
            "system": machine.system,
            "frequency governor": machine.governor,
            "Python": machine.python,
            **machine.versions,
            "default": short(study.default, {}),
            "verdict": verdict(study).sentence,
        },
    )


def _contenders(study: Study) -> Iterator[Launches]:
    found = verdict(study)
    default = study.default_trial
    if default is not None and (measured := _measured(study, default.number)):
        yield Launches(name="default", what="the default", measured=measured)
    number = found.chosen.trial if found.chosen else found.best.number if found.best else None
    if number is not None and (measured := _measured(study, number)):
        configuration = study.trial(number).configuration
        what = f"what to deploy: {short(configuration, study.default)}"
        yield Launches(name="chosen", what=what, measured=measured)


def _measured(study: Study, number: int) -> tuple[Measurement, ...]:
    """Return the confirming launches of a trial, or where it has none the trial itself."""
    outcomes = [one.outcome for one in study.confirmations if one.trial == number]
    confirmed = tuple(one for one in outcomes if isinstance(one, Measurement))
    once = study.trial(number).measurement
    return confirmed or ((once,) if once is not None else ())


def is_measurements(folder: Path) -> bool:
    """Whether a folder is one that `tuner measure` wrote, or holds some of those."""
    return any(_files(folder))


def _files(folder: Path) -> list[Path]:
    own = folder / _FILE
    return [own] if own.is_file() else sorted(folder.glob(f"*/{_FILE}"))


def of_measurements(folder: Path) -> Source:
    """Read a folder of measurements, which should all be of one configuration."""
    found = tuple(_outcomes(_files(folder)))
    if not found:
        raise UsageError(f"{folder}: none of its measurements gave figures, so there is nothing to compare")
    loads = {_loads(one) for one in found}
    if len(loads) > 1:
        told = "; ".join(sorted(map(ladder, loads)))
        raise UsageError(f"{folder}: its measurements are under different loads ({told}); put them into folders apart")
    launches = Launches(name="measured", what=f"{len(found)} measured", measured=found)
    return Source(place=str(folder), loads=loads.pop(), launches=(launches,))


def _outcomes(files: Sequence[Path]) -> Iterator[Measurement]:
    for path in files:
        try:
            outcome = load_outcome(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}") from None
        if isinstance(outcome, Measurement):
            yield outcome


def _loads(measurement: Measurement) -> tuple[Load, ...]:
    return tuple(level.load for level in measurement.levels)
