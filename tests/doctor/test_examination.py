"""One examination from end to end, with made-up launches."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import MACHINE, make_level, make_measurement
from tests.doctor.diagnoses import TOO_LATE
from tuner.doctor import generator, noise
from tuner.doctor.conclusion import trustworthy
from tuner.doctor.examination import examine
from tuner.errors import InfeasibleError, TargetStartError
from tuner.load.samples import ROW
from tuner.machine import Placement
from tuner.measure import attempt as attempts
from tuner.measure.attempt import attempt
from tuner.measure.protocol import Protocol, Repetition, Watcher
from tuner.measure.verify import Verifier
from tuner.study.objectives import Limits
from tuner.study.space import Configuration
from tuner.study.trial import Failure, FailureKind, Outcome
from tuner.study.workload import Workload, closed
from tuner.target import spec

Attempt = Callable[[Protocol, Configuration, Path, str], Outcome]


@pytest.fixture
def protocol(tmp_path: Path) -> Protocol:
    target = spec.load("null")
    return Protocol(
        target=target,
        workload=Workload(loads=closed((4, 32))),
        limits=Limits(),
        verifier=Verifier(target, tmp_path / "answers", 2),
        machine=MACHINE,
        placement=Placement(server=(0, 1), load=(0, 1)),
    )


def use(monkeypatch: pytest.MonkeyPatch, attempted: Attempt) -> None:
    for module in (noise, generator):
        monkeypatch.setattr(module, "attempt", attempted)


def test_from_launches_to_a_diagnosis(protocol: Protocol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    titles = []

    def attempted(asked: Protocol, configuration: Configuration, folder: Path, title: str) -> Outcome:
        titles.append((title, configuration["delay_ms"]))
        if asked.workload == protocol.workload:
            return make_measurement()
        if asked.workload.target.amount > 1000.0:
            return TOO_LATE
        folder.mkdir()
        np.save(folder / "samples.npy", np.full(10, 0.005, dtype=ROW))
        return replace(make_measurement(), levels=(make_level(asked.workload.target, 300.0, 0.006),))

    use(monkeypatch, attempted)
    found = examine(protocol, "mine", {}, 3, tmp_path)
    assert titles == [
        *((f"noise, launch {number}/3", 10.0) for number in (1, 2, 3)),
        ("ceiling of the load generator", 0.0),
        *((f"error at {rate} req/s", 5.0) for rate in ("250", "500", "1,000", "2,000")),
    ]
    assert found.noise is not None
    assert (found.noise.target, found.noise.launches, found.noise.throughput) == ("mine", 3, 0.0)
    assert [rung.invalid == "" for rung in found.rungs] == [True, True, True, False]
    best = trustworthy(found.rungs)
    assert best is not None
    assert best.rate == 1000.0
    assert {"cores", "open files", "launches", "drift"} < {check.name for check in found.checks}


@pytest.mark.parametrize(
    ("kind", "error"), [(FailureKind.START, TargetStartError), (FailureKind.CRASH, InfeasibleError)]
)
def test_a_default_that_does_not_work_ends_the_examination(
    protocol: Protocol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: FailureKind, error: type[Exception]
) -> None:
    use(monkeypatch, lambda *_: Failure(kind=kind, reason="exit code 3"))
    with pytest.raises(error, match=re.escape(f"in its default configuration: {kind}: exit code 3")):
        examine(protocol, "mine", {}, 3, tmp_path)


def test_an_invalid_launch_is_measured_once_more_in_an_empty_folder(
    protocol: Protocol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[Outcome] = [make_measurement(), TOO_LATE]
    phases: list[str] = []

    def measure(asked: Protocol, _: Configuration, folder: Path, __: Repetition) -> Outcome:
        folder.mkdir()
        asked.watcher.on_phase("start")
        return outcomes.pop()

    monkeypatch.setattr(attempts, "measure", measure)
    watched = replace(protocol, watcher=Watcher(on_phase=phases.append))
    assert attempt(watched, {}, tmp_path / "launch", "noise") == make_measurement()
    assert phases == ["noise: start"] * 2
