"""Diagnoses that are kept, and the one that a search finds."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MACHINE
from tests.doctor.diagnoses import RUNGS, make_diagnosis
from tuner.doctor.diagnosis import dump_diagnosis, load_diagnosis
from tuner.doctor.store import known_noise, save
from tuner.errors import StorageError
from tuner.machine import Machine, Placement
from tuner.study.objectives import Limits
from tuner.study.space import SearchSpace
from tuner.study.study import Header, Settings
from tuner.study.workload import Workload, closed, opened, standard

SPACE = SearchSpace(knobs=())
TODAY = "2027-01-01T00:00:00+00:00"


def header(workload: Workload = standard(closed((4, 32))), machine: Machine = MACHINE, **settings: Any) -> Header:  # noqa: B008
    """What a search begins with, on the machine of the diagnoses."""
    asked = Settings(name="mine", target="reference", workload=workload, limits=Limits(), budget=1, seed=0)
    return Header(
        settings=replace(asked, **settings),
        space=SPACE,
        machine=machine,
        placement=make_diagnosis().placement,
        command="tuner search",
        started=TODAY,
    )


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "agent-tuner" / "doctor"


def test_a_diagnosis_survives_json() -> None:
    lost = replace(RUNGS[0], p99=math.inf)
    for diagnosis in (make_diagnosis(), make_diagnosis((100.0,)), make_diagnosis(rungs=(lost,))):
        assert load_diagnosis(dump_diagnosis(diagnosis)) == diagnosis


def test_nothing_is_known_before_an_examination() -> None:
    assert known_noise(header()) is None


def test_a_search_finds_the_noise_of_its_machine_target_and_loads(state: Path) -> None:
    mine = make_diagnosis()
    path = save(mine)
    assert path.parent == state
    save(make_diagnosis(loads=closed((8,)), measured="2027-01-01T00:00:00+00:00"))
    save(make_diagnosis(target="null", measured="2027-01-01T00:00:00+00:00"))
    assert known_noise(header()) == mine.noise
    assert known_noise(header(options={"model": "mine.onnx"})) is None
    assert known_noise(header(runtime_python="/env/bin/python")) is None
    assert len(list(state.iterdir())) == 3


def test_the_noise_of_another_python_is_another(state: Path) -> None:
    save(make_diagnosis())
    other = replace(make_diagnosis(), runtime_python="/env/bin/python")
    save(other)
    assert len(list(state.iterdir())) == 2
    assert known_noise(header(runtime_python="/env/bin/python")) == other.noise


def test_a_later_examination_takes_the_place_of_an_earlier_one(state: Path) -> None:
    save(make_diagnosis())
    later = make_diagnosis((90.0, 110.0, 95.0), measured="2026-03-14T00:00:00+00:00")
    save(later)
    assert len(list(state.iterdir())) == 1
    assert known_noise(header()) == later.noise


@pytest.mark.parametrize(
    "workload",
    [
        standard(closed((8,))),
        standard(opened((50.0,))),
        replace(standard(closed((4, 32))), measure_most=20.0),
    ],
)
def test_the_noise_of_another_load_or_of_other_windows_decides_nothing(workload: Workload) -> None:
    save(make_diagnosis())
    assert known_noise(header(workload)) is None


def test_the_noise_on_other_cores_decides_nothing() -> None:
    save(make_diagnosis())
    assert known_noise(replace(header(), placement=Placement(server=(0, 1, 2), load=(3,)))) is None
    assert known_noise(header(replace(standard(closed((4, 32))), processes=2))) is not None


@pytest.mark.parametrize("other", [{"cpu": "Other"}, {"cores": 8}, {"versions": {"locust": "3.0"}}])
def test_the_noise_of_another_machine_is_none_of_ours(other: dict[str, object]) -> None:
    save(make_diagnosis())
    assert known_noise(header(machine=replace(MACHINE, **other))) is None  # type: ignore[arg-type]
    assert known_noise(header(machine=replace(MACHINE, memory=1, governor="performance"))) is not None


def test_what_cannot_be_read_is_as_good_as_none(state: Path) -> None:
    path = save(make_diagnosis())
    path.write_text(path.read_text()[:100])
    save(replace(make_diagnosis(loads=closed((8,))), version=2))
    (state / "folder.json").mkdir()
    assert known_noise(header()) is None


def test_a_state_folder_that_cannot_be_written(state: Path) -> None:
    state.parent.write_text("")
    with pytest.raises(StorageError, match="agent-tuner"):
        save(make_diagnosis())
