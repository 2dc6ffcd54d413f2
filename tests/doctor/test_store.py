"""Diagnoses that are kept, and the one that a search finds."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.doctor.diagnoses import MACHINE, RUNGS, make_diagnosis
from tuner.doctor.diagnosis import dump_diagnosis, load_diagnosis
from tuner.doctor.store import known_noise, save
from tuner.errors import StorageError
from tuner.study.workload import Workload, closed, opened

LADDER = Workload(loads=closed((4, 32)))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "agent-tuner" / "doctor"


def test_a_diagnosis_survives_json() -> None:
    lost = replace(RUNGS[0], p99=math.inf)
    for diagnosis in (make_diagnosis(), make_diagnosis((100.0,)), make_diagnosis(rungs=(lost,))):
        assert load_diagnosis(dump_diagnosis(diagnosis)) == diagnosis


def test_nothing_is_known_before_an_examination() -> None:
    assert known_noise("reference", LADDER, MACHINE) is None


def test_a_search_finds_the_noise_of_its_machine_target_and_loads(state: Path) -> None:
    mine = make_diagnosis()
    path = save(mine)
    assert path.parent == state
    save(make_diagnosis(loads=closed((8,)), measured="2027-01-01T00:00:00+00:00"))
    save(make_diagnosis(target="null", measured="2027-01-01T00:00:00+00:00"))
    assert known_noise("reference", LADDER, MACHINE) == mine.noise
    assert len(list(state.iterdir())) == 3


def test_a_later_examination_takes_the_place_of_an_earlier_one(state: Path) -> None:
    save(make_diagnosis())
    later = make_diagnosis((90.0, 110.0, 95.0), measured="2026-03-14T00:00:00+00:00")
    save(later)
    assert len(list(state.iterdir())) == 1
    assert known_noise("reference", LADDER, MACHINE) == later.noise


def test_else_it_is_the_newest_one_under_other_loads_of_the_same_loop() -> None:
    save(make_diagnosis(loads=closed((8,)), measured="2026-03-13T12:00:00+02:00"))
    newer = make_diagnosis(loads=closed((16,)), measured="2026-03-13T11:00:00+00:00")
    save(newer)
    assert known_noise("reference", LADDER, MACHINE) == newer.noise
    assert known_noise("reference", Workload(loads=opened((50.0,))), MACHINE) is None


@pytest.mark.parametrize("other", [{"cpu": "Other"}, {"cores": 8}, {"versions": {"locust": "3.0"}}])
def test_the_noise_of_another_machine_is_none_of_ours(other: dict[str, object]) -> None:
    save(make_diagnosis())
    assert known_noise("reference", LADDER, replace(MACHINE, **other)) is None  # type: ignore[arg-type]
    assert known_noise("reference", LADDER, replace(MACHINE, memory=1, governor="performance")) is not None


def test_what_cannot_be_read_is_as_good_as_none(state: Path) -> None:
    path = save(make_diagnosis())
    path.write_text(path.read_text()[:100])
    save(replace(make_diagnosis(loads=closed((8,))), version=2))
    (state / "folder.json").mkdir()
    assert known_noise("reference", LADDER, MACHINE) is None


def test_a_state_folder_that_cannot_be_written(state: Path) -> None:
    state.parent.write_text("")
    with pytest.raises(StorageError, match="agent-tuner"):
        save(make_diagnosis())
