"""A whole study with a made-up measurement: stored, resumed, confirmed; no server, no clock."""

import contextlib
import json
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import make_measurement
from tests.search.searches import Silent, header, measured
from tuner.errors import (
    InfeasibleError,
    InvalidMeasurementError,
    StorageError,
    StudyExistsError,
    TargetStartError,
    UsageError,
)
from tuner.measure.protocol import ONCE, Repetition
from tuner.search import engine
from tuner.search.confirm import finalists, first_round, schedule
from tuner.search.database import open_database, sqlite_url
from tuner.search.storage import Store, create, lacks_password, open_study, read_study, storage_place
from tuner.study.objectives import Slo
from tuner.study.space import Configuration, SearchSpace, identity
from tuner.study.trial import Confirmation, Failure, FailureKind, Outcome


@pytest.fixture
def store(space: SearchSpace, tmp_path: Path) -> Iterator[Store]:
    with create(tmp_path, header(space), None) as opened:
        yield opened


def test_a_search_spends_its_budget_and_confirms(store: Store) -> None:
    engine.search(store, (), measured, Silent())
    study = store.study()
    assert [trial.number for trial in study.trials] == list(range(6))
    assert study.trials[0].configuration == study.default
    assert {(c.round, c.trial) for c in study.confirmations} == {
        (round_, trial) for round_ in (0, 1) for trial in finalists(study)
    }
    assert len(finalists(study)) == 3
    assert read_study(store.folder) == study


def test_the_storage_tells_optuna_what_really_happened(store: Store) -> None:
    def crash(configuration: Configuration, folder: Path, _repetition: Repetition = ONCE) -> Outcome:
        if identity(configuration) == identity(store.header.space.default()):
            return measured(configuration, folder)
        return Failure(kind=FailureKind.CRASH, reason="planted")

    engine.search(store, (), crash, Silent())
    database = open_database(sqlite_url(store.folder / "study.db"), "mine")
    trials = database.study.trials
    database.close()
    assert [trial.state.name for trial in trials] == ["COMPLETE"] + ["FAIL"] * 5
    assert trials[0].values == [100.0 + 1, 0.01]
    assert all(trial.values is None for trial in trials[1:])
    assert all(set(trial.constraints) == {"slo", "quality", "failed"} for trial in trials)


def test_a_third_objective_is_told_to_optuna_and_survives_a_resume(space: SearchSpace, tmp_path: Path) -> None:
    asked = header(space)
    asked = replace(asked, settings=replace(asked.settings, quality_objective=True))
    with create(tmp_path, asked, None) as opened:
        engine.search(opened, (), measured, Silent())
    with open_study(tmp_path / "mine") as opened:
        assert opened.header == asked
        opened.set_budget(8)
        engine.search(opened, (), measured, Silent())
    database = open_database(sqlite_url(tmp_path / "mine" / "study.db"), "mine")
    directions, trials = database.study.directions, database.study.trials
    database.close()
    assert [direction.name for direction in directions] == ["MAXIMIZE", "MINIMIZE", "MAXIMIZE"]
    assert {len(trial.values) for trial in trials if trial.values} == {3}
    assert trials[0].values == [100.0 + 1, 0.01, 0.9]


def test_nothing_measured_is_lost_and_nothing_is_measured_twice(store: Store) -> None:
    """Interrupt every third launch of a study; each time resume; the result is that of an uninterrupted one."""
    launches: list[str] = []

    def interrupted_every_third(configuration: Configuration, folder: Path, _repetition: Repetition = ONCE) -> Outcome:
        launches.append(identity(configuration))
        if len(launches) % 3 == 0:
            raise KeyboardInterrupt
        return measured(configuration, folder)

    store.__exit__()
    for _ in range(20):
        with contextlib.suppress(KeyboardInterrupt), open_study(store.folder) as opened:
            engine.search(opened, (), interrupted_every_third, Silent())
            break
    study = read_study(store.folder)
    assert len(study.trials) == 6
    assert len({identity(trial.configuration) for trial in study.trials}) == 6
    assert len(study.confirmations) == 6
    interruptions = len(launches) // 3
    assert len(launches) == 6 + 6 + interruptions


def test_what_was_measured_but_not_told_is_told_on_resume(store: Store) -> None:
    number, configuration = store.begin(store.header.space.default())
    measured(configuration, store.trial_folder(number))
    store.__exit__()
    with open_study(store.folder) as again:
        again.settle()
        assert [trial.number for trial in again.trials] == [number]


def test_an_invalid_measurement_is_repeated_once(store: Store) -> None:
    folders: list[str] = []

    def invalid_at_first(configuration: Configuration, folder: Path, _repetition: Repetition = ONCE) -> Outcome:
        folders.append(folder.name)
        if len(folders) == 1:
            folder.mkdir(parents=True)
            return Failure(kind=FailureKind.INVALID, reason="the load process was late")
        return measured(configuration, folder)

    progress = Silent()
    store.set_budget(1)
    engine.search(store, (), invalid_at_first, progress)
    assert folders[:2] == ["0000", "0000"]
    assert store.trial_folder(0).with_name("0000-invalid").is_dir()
    assert progress.notes == ["measured again: the load process was late"]
    assert store.trials[0].measurement is not None


def test_a_default_that_does_not_start_ends_the_search_with_its_log(store: Store) -> None:
    def dead(_configuration: Configuration, _folder: Path, _repetition: Repetition = ONCE) -> Outcome:
        return Failure(kind=FailureKind.START, reason="exit code 3", log_tail=("no such model",))

    with pytest.raises(TargetStartError, match="exit code 3\n  no such model"):
        engine.search(store, (), dead, Silent())
    assert len(store.trials) == 1


@pytest.mark.parametrize("kind", [FailureKind.WRONG_ANSWERS, FailureKind.MISMATCH])
def test_a_default_that_gives_nothing_to_compare_with_ends_the_search(store: Store, kind: FailureKind) -> None:
    def wrong(_configuration: Configuration, _folder: Path, _repetition: Repetition = ONCE) -> Outcome:
        return Failure(kind=kind, reason="no field decision")

    with pytest.raises(InfeasibleError, match=f"in its default configuration: {kind}: no field decision"):
        engine.search(store, (), wrong, Silent())
    assert len(store.trials) == 1


def test_a_default_that_cannot_be_measured_ends_the_search_and_is_measured_first_on_resume(store: Store) -> None:
    def disturbed(_configuration: Configuration, folder: Path, _repetition: Repetition = ONCE) -> Outcome:
        folder.mkdir(parents=True)
        return Failure(kind=FailureKind.INVALID, reason="the load process was late")

    with pytest.raises(InvalidMeasurementError, match=r"in its default configuration: .*late"):
        engine.search(store, (), disturbed, Silent())
    engine.search(store, (), measured, Silent())
    assert [trial.measurement is not None for trial in store.trials[:2]] == [False, True]
    assert store.trials[1].configuration == store.header.space.default()


@pytest.mark.parametrize(("pins", "trials"), [({}, "2 trials"), ({"precision": "fp32"}, "1 trial")])
def test_a_space_that_ends_before_the_budget_is_said(
    tmp_path: Path, space: SearchSpace, pins: dict[str, str], trials: str
) -> None:
    small = space.pinned({"batch": 1, "workers": 1, **pins})
    progress = Silent()
    with create(tmp_path, header(small), None) as store:
        engine.search(store, (), measured, progress)
    assert progress.notes == [f"every configuration of the space was measured after {trials}"]


def test_finalists_with_an_slo_keep_it(tmp_path: Path, space: SearchSpace) -> None:
    with create(tmp_path, header(space, budget=12, slo=Slo(metric="p99", limit=0.03)), None) as store:
        engine.search(store, (), measured, Silent())
        study = store.study()
    chosen = [study.trial(number) for number in finalists(study)[1:]]
    assert chosen
    assert all(trial.measurement and trial.measurement.target.p99.value <= 0.03 for trial in chosen)


def test_every_round_launches_every_finalist_in_an_order_of_its_own() -> None:
    plan = list(schedule([0, 3, 5], first=0, rounds=6, seed=1))
    orders = [[trial for number, trial in plan if number == round_] for round_ in range(6)]
    assert all(sorted(order) == [0, 3, 5] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert plan == list(schedule([0, 3, 5], first=0, rounds=6, seed=1))


def launches(*rounds: set[int]) -> list[Confirmation]:
    outcome = make_measurement()
    return [Confirmation(trial=trial, round=n, outcome=outcome) for n, trials in enumerate(rounds) for trial in trials]


@pytest.mark.parametrize(
    ("rounds", "first"),
    [
        ([], 0),
        ([{0, 3, 5}, {0, 3, 5}], 0),
        ([{0, 3, 5}, {0, 3}], 0),
        ([{0, 3, 9}, {0, 3, 9}], 2),
        ([{0, 3, 9}, {0, 3, 5}, {5}], 1),
        ([{0}, {0}], 1),
    ],
)
def test_only_rounds_of_the_same_finalists_are_gone_on_with(rounds: list[set[int]], first: int) -> None:
    assert first_round([0, 3, 5], launches(*rounds)) == first


def test_a_study_of_that_name_is_never_overwritten(store: Store, space: SearchSpace) -> None:
    with pytest.raises(StudyExistsError, match="tuner resume"):
        create(store.folder.parent, header(space), None)


def test_a_study_in_a_shared_storage_is_never_joined_by_accident(tmp_path: Path, space: SearchSpace) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with create(tmp_path / "one", header(space), url):
        pass
    with pytest.raises(StudyExistsError, match="choose another --name"):
        create(tmp_path / "two", header(space, budget=7), url)
    assert not (tmp_path / "two" / "mine").exists()
    assert read_study(tmp_path / "one" / "mine").trials == ()


def test_a_password_is_never_written_down_and_asked_for_again(store: Store) -> None:
    place = storage_place("mine", "postgresql://user:secret@localhost:9/studies")
    assert "secret" not in json.dumps(place)
    (store.folder / "study.json").write_text(json.dumps(place))
    with pytest.raises(UsageError, match="with its password as --storage, or in TUNER_STORAGE"):
        read_study(store.folder)
    assert lacks_password(store.folder)
    with pytest.raises(UsageError, match="is stored at"):
        read_study(store.folder, secret="postgresql://user:secret@localhost/others")
    # Its own URL is used: there is no such database, or no driver for it.
    with pytest.raises(StorageError):
        read_study(store.folder, secret="postgresql://user:secret@localhost:9/studies")


def test_a_storage_that_is_at_hand_is_not_that_of_every_study(store: Store) -> None:
    assert not lacks_password(store.folder)
    assert read_study(store.folder, secret="postgresql://user:secret@localhost/studies").trials == ()


def _hold(folder: str, held: Callable[[], None], release: Callable[[], None]) -> None:
    with open_study(Path(folder)):
        held()
        release()


def test_two_tuners_do_not_share_a_study(store: Store) -> None:
    store.__exit__()
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(store.folder), held.set, release.wait))
    other.start()
    try:
        assert held.wait(30)
        with pytest.raises(StorageError, match=f"in use by process {other.pid}"):
            open_study(store.folder)
    finally:
        release.set()
        other.join()
    with open_study(store.folder):
        pass


@pytest.mark.parametrize("damage", ["missing", "junk", "no database", "junk database"])
def test_a_damaged_study_is_refused_in_one_sentence(store: Store, damage: str) -> None:
    store.__exit__()
    place, database = store.folder / "study.json", store.folder / "study.db"
    if damage == "missing":
        place.unlink()
    elif damage == "junk":
        place.write_text("{")
    elif damage == "no database":
        database.unlink()
    else:
        database.write_bytes(b"junk" * 1000)
    with pytest.raises((StorageError, UsageError)) as caught:
        read_study(store.folder)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path, space: SearchSpace) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made"):
        create(tmp_path / "file", header(space), None)
