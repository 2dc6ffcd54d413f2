"""What a search needs beside its storage: a made-up measurement, a header, and somebody to tell."""

from pathlib import Path

from tests.conftest import make_measurement
from tuner.files import write_atomically
from tuner.machine import cores, fingerprint, place
from tuner.measure.protocol import ONCE, Repetition
from tuner.study.objectives import Limits, Slo
from tuner.study.space import Configuration, SearchSpace
from tuner.study.study import Header, Settings
from tuner.study.trial import Failure, FailureKind, Outcome, Trial, dump_outcome
from tuner.study.workload import Workload, closed


class Silent:
    """Progress that only remembers its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def trial_started(self, number: int, configuration: Configuration) -> None:
        pass

    def trial_finished(self, trial: Trial) -> None:
        pass

    def confirmation_started(self, done: int, total: int, trial: int) -> None:
        pass

    def confirmation_finished(self) -> None:
        pass

    def note(self, message: str) -> None:
        self.notes.append(message)


def header(space: SearchSpace, name: str = "mine", budget: int = 6, slo: Slo | None = None) -> Header:
    settings = Settings(
        name=name,
        target="null",
        workload=Workload(loads=closed((4, 32))),
        limits=Limits(slo=slo),
        budget=budget,
        seed=0,
        rounds=2,
    )
    return Header(
        settings=settings,
        space=space,
        machine=fingerprint(),
        placement=place(cores()),
        command="tuner search",
        started="2026-11-23",
    )


def measured(configuration: Configuration, folder: Path, _repetition: Repetition = ONCE) -> Outcome:
    """Faster with more workers and int8; batches of more than 16 crash."""
    if float(configuration["batch"]) > 16:
        return Failure(kind=FailureKind.CRASH, reason="out of memory", log_tail=("killed",))
    speed = 100.0 * float(configuration["workers"]) * (2.0 if configuration["precision"] == "int8" else 1.0)
    outcome = make_measurement(throughput=speed + float(configuration["batch"]), light=1 / speed, target=8 / speed)
    folder.mkdir(parents=True)
    write_atomically(folder / "measurement.json", dump_outcome(outcome))
    return outcome
