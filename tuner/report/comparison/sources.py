"""What can be compared: of a study the default and what it says to deploy, of measurements all of them together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tuner.errors import StorageError, UsageError
from tuner.machine import Machine, same_hardware
from tuner.report.comparison.facts import Facts, machine_facts, measurement_facts, study_facts
from tuner.report.comparison.locustfiles import Locustfile, differ, locustfile
from tuner.report.text import ladder, short
from tuner.report.verdict import verdict
from tuner.study.settings import MeasureSettings
from tuner.study.study import Noise, Study
from tuner.study.trial import Failure, Measurement, Outcome, StoredOutcome, load_stored
from tuner.study.workload import Load

_FILE = "measurement.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launches:
    """What was launched once or several times, under the name that its counterpart has.

    `failed` gave no figures. `fault` says why there are none at all, where that speaks against what was launched.
    """

    name: str
    what: str
    measured: tuple[Measurement, ...] = ()
    failed: tuple[Failure, ...] = ()
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One side of a comparison; `facts` are what may differ in words.

    `loads` is empty where nothing was measured; `machine` and `locustfile` are None where they were not stored.
    `recorded` says whether it was stored what was measured.
    """

    place: str
    loads: tuple[Load, ...]
    launches: tuple[Launches, ...]
    machine: Machine | None = None
    noise: Noise | None = None
    locustfile: Locustfile | None = None
    facts: Facts = field(default_factory=dict)
    recorded: bool = True

    def says(self, what: str) -> str:
        """Return one of the facts in words, also where it is not known."""
        return self.facts.get(what, "–" if self.recorded else "not recorded")


def of_study(study: Study, place: str) -> Source:
    """Read what a study says about its default and about what it chose."""
    settings = study.settings
    made = locustfile(settings.target, settings.locustfile)
    return Source(
        place=place,
        loads=settings.workload.loads,
        launches=tuple(_contenders(study)),
        machine=study.machine,
        noise=study.noise,
        locustfile=made,
        facts=study_facts(study, made),
    )


def _contenders(study: Study) -> Iterator[Launches]:
    found = verdict(study)
    if study.default_trial is not None:
        yield _launches(study, "default", "the default", study.default_trial.number)
    number = found.chosen.trial if found.chosen else found.best.number if found.best else None
    if number is not None:
        configuration = study.trial(number).configuration
        yield _launches(study, "chosen", f"what to deploy: {short(configuration, study.default)}", number)
    elif study.trials:
        yield Launches(name="chosen", what="nothing to deploy", fault=found.sentence)


def _launches(study: Study, name: str, what: str, number: int) -> Launches:
    """Return the confirming launches of a trial, or where none was measured the trial itself."""
    outcomes = [one.outcome for one in study.confirmations if one.trial == number]
    if not any(isinstance(one, Measurement) for one in outcomes):
        outcomes.append(study.trial(number).outcome)
    return _sorted(name, what, outcomes)


def _sorted(name: str, what: str, outcomes: Sequence[Outcome]) -> Launches:
    """Part what was measured from what failed; a disturbed measurement speaks against nobody."""
    measured = tuple(one for one in outcomes if isinstance(one, Measurement))
    failed = tuple(one for one in outcomes if isinstance(one, Failure))
    faults = [f"{one.kind}: {one.reason}" for one in failed if not one.kind.ours]
    fault = faults[-1] if faults and not measured else None
    return Launches(name=name, what=what, measured=measured, failed=failed, fault=fault)


def is_measurements(folder: Path) -> bool:
    """Whether a folder is one that `tuner measure` wrote, or holds some of those."""
    return any(_files(folder))


def _files(folder: Path) -> list[Path]:
    own = folder / _FILE
    return [own] if own.is_file() else sorted(folder.glob(f"*/{_FILE}"))


def of_measurements(folder: Path) -> Source:
    """Read a folder of measurements, which have to be of one configuration under one load."""
    stored = {path.parent.name: _stored(path) for path in _files(folder)}
    outcomes = [one.outcome for one in stored.values()]
    machine = _machine(folder, [one.machine for one in stored.values()])
    loads, settings = _one_load(folder, stored.values()), _settings(folder, stored)
    made = locustfile(settings.target, settings.locustfile) if settings is not None else None
    asked = measurement_facts(settings, made) if settings is not None and made is not None else {}
    return Source(
        place=str(folder),
        loads=loads,
        launches=(_sorted("measured", f"{len(outcomes)} launched", outcomes),),
        machine=machine,
        locustfile=made,
        facts={**asked, **(machine_facts(machine) if machine is not None else {})},
        recorded=settings is not None,
    )


def _one_load(folder: Path, stored: Iterable[StoredOutcome]) -> tuple[Load, ...]:
    """Return the loads of all measurements; what failed may say which they were to be."""
    found = {loads for one in stored if (loads := _loads(one))}
    if len(found) > 1:
        told = "; ".join(sorted(map(ladder, found)))
        raise UsageError(f"{folder}: its measurements are under different loads ({told}); put them into folders apart")
    return found.pop() if found else ()


def _loads(stored: StoredOutcome) -> tuple[Load, ...]:
    if isinstance(stored.outcome, Measurement):
        return tuple(level.load for level in stored.outcome.levels)
    return stored.settings.workload.loads if stored.settings is not None else ()


def _settings(folder: Path, stored: Mapping[str, StoredOutcome]) -> MeasureSettings | None:
    """Return what all measurements were asked; None where one of them does not say it."""
    known = [(name, one.settings) for name, one in stored.items() if one.settings is not None]
    for name, other in known[1:]:
        first, settings = known[0]
        if told := "; ".join(_differing(settings, other)):
            raise UsageError(
                f"{folder}: {first} and {name} do not repeat one measurement ({told}), so they say nothing together; "
                "put them into folders apart"
            )
    return known[0][1] if len(known) == len(stored) else None


def _differing(one: MeasureSettings, other: MeasureSettings) -> Iterator[str]:
    """Yield in what two measurements were not asked the same; a locustfile may lie in two places."""
    makes = [locustfile(settings.target, settings.locustfile) for settings in (one, other)]
    facts = [dict(measurement_facts(settings, made)) for settings, made in zip((one, other), makes, strict=True)]
    if not differ(*makes):
        facts[1]["locustfile"] = facts[0]["locustfile"]
    for what in dict.fromkeys((*facts[0], *facts[1])):
        was, now = (said.get(what, "–") for said in facts)
        if was != now:
            yield f"{what}: {was} and {now}"


def _machine(folder: Path, machines: Sequence[Machine | None]) -> Machine | None:
    """Return the machine of all measurements; None where one of them does not say it."""
    known = [one for one in machines if one is not None]
    if any(not same_hardware(known[0], one) for one in known):
        raise UsageError(f"{folder}: its measurements are of different machines; put them into folders apart")
    return known[0] if len(known) == len(machines) else None


def _stored(path: Path) -> StoredOutcome:
    try:
        return load_stored(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StorageError(f"{path} cannot be read: it is not text in UTF-8") from None
