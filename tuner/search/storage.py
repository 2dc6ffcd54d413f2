"""Where a study lives: Optuna's storage for what was learnt, a folder beside it for the raw material."""

import fcntl
import json
import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import IO, Self

import optuna
from optuna.samplers import PartialFixedSampler, RandomSampler
from optuna.trial import TrialState
from pydantic import TypeAdapter, ValidationError

from tuner.errors import StorageError, UsageError, study_exists
from tuner.files import write_atomically
from tuner.search.database import (
    Database,
    create_database,
    open_database,
    sqlite_url,
    storage_errors,
    without_password,
)
from tuner.search.sampler import constraints, directions, distribution
from tuner.study import places
from tuner.study.judgement import objectives
from tuner.study.space import Configuration
from tuner.study.study import Header, Study
from tuner.study.trial import OLDER, Confirmation, Failure, Outcome, Trial, dump_outcome, load_outcome

_header = TypeAdapter(Header)

_MASK = "***"
"""What SQLAlchemy writes in place of a password."""


class Store:
    """One study, open for writing: at most one tuner at a time has it."""

    def __init__(self, folder: Path, database: Database, lock: IO[str]) -> None:
        self.folder = folder
        self._database = database
        self._study = database.study
        self._lock = lock
        self.header = _read_header(self._study)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Every finished trial, by number."""
        with storage_errors(self.folder):
            return _trials(self._study)

    @property
    def confirmations(self) -> tuple[Confirmation, ...]:
        """Every launch of a finalist so far."""
        with storage_errors(self.folder):
            return _confirmations(self._study)

    def study(self) -> Study:
        """Read everything."""
        with storage_errors(self.folder):
            return _read(self._study)

    def begin(self, configuration: Configuration) -> tuple[int, Configuration]:
        """Open a trial for `configuration`; returns its number and what it shall run."""
        distributions = {knob.name: distribution(knob) for knob in self.header.space.knobs}
        with storage_errors(self.folder), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Optuna's only way to open a trial is to ask a sampler: one that has no choice.
            self._study.sampler = PartialFixedSampler(dict(configuration), RandomSampler())
            trial = self._study.ask(distributions)
        return trial.number, trial.params

    def finish(self, number: int, configuration: Configuration, outcome: Outcome) -> Trial:
        """Store what a trial brought; a failure is stored as a failed trial, without invented values."""
        trial = Trial(number=number, configuration=configuration, outcome=outcome)
        with storage_errors(self.folder), warnings.catch_warnings():
            # A session that was killed here before may have set some constraints already.
            warnings.simplefilter("ignore")
            frozen = self._study.get_trials(deepcopy=False)[number]
            # The id is the only way back to a trial that an earlier session began; Optuna has no public one.
            handle = optuna.Trial(self._study, frozen._trial_id)
            handle.set_user_attr("outcome", dump_outcome(outcome))
            for key, value in constraints(trial, self.header.settings.limits).items():
                handle.set_constraint(key, value)
            if trial.measurement is None:
                self._study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
            else:
                with_quality = self.header.settings.quality_objective
                values = objectives(trial.measurement, with_quality=with_quality)
                self._study.tell(number, values, skip_if_finished=True)
        return trial

    def confirm(self, confirmation: Confirmation) -> None:
        """Store one launch of a finalist."""
        key = f"confirmation:{confirmation.round:02d}:{confirmation.trial:04d}"
        with storage_errors(self.folder):
            self._study.set_user_attr(key, dump_outcome(confirmation.outcome))

    def set_budget(self, budget: int) -> None:
        """Change the budget, the only setting that a resumed study may change."""
        self.header = replace(self.header, settings=replace(self.header.settings, budget=budget))
        with storage_errors(self.folder):
            self._study.set_user_attr("header", _header.dump_json(self.header).decode())

    def add_seconds(self, seconds: float) -> None:
        """Add to the time that was spent on this study."""
        with storage_errors(self.folder):
            self._study.set_user_attr("seconds", self._study.user_attrs.get("seconds", 0.0) + seconds)

    def settle(self) -> None:
        """Finish what an earlier, interrupted session left open: tell what was measured, fail what was not."""
        with storage_errors(self.folder):
            unfinished = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for frozen in unfinished:
            outcome = self._left_behind(self.trial_folder(frozen.number))
            if outcome is not None:
                self.finish(frozen.number, frozen.params, outcome)
                continue
            with storage_errors(self.folder):
                self._study.tell(frozen.number, state=TrialState.FAIL, skip_if_finished=True)

    def _left_behind(self, folder: Path) -> Outcome | None:
        """Read what was measured and not told; an invalid measurement would have been repeated, so it is nothing."""
        path = folder / "measurement.json"
        if not path.exists():
            return None
        outcome = load_outcome(path.read_text(encoding="utf-8"))
        return None if isinstance(outcome, Failure) and outcome.kind.ours else outcome

    def trial_folder(self, number: int) -> Path:
        """Where a trial's raw material lies."""
        return places.trial_folder(self.folder, number)

    def confirmation_folder(self, number: int, trial: int) -> Path:
        """Where the raw material of a finalist lies, by round."""
        return places.confirmation_folder(self.folder, number, trial)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let another tuner have the study."""
        self._database.close()
        self._lock.close()


def _trials(study: optuna.Study) -> tuple[Trial, ...]:
    return tuple(
        Trial(
            number=frozen.number,
            configuration=frozen.params,
            outcome=load_outcome(frozen.user_attrs["outcome"]),
        )
        for frozen in study.get_trials(deepcopy=False)
        if "outcome" in frozen.user_attrs
    )


def _confirmations(study: optuna.Study) -> tuple[Confirmation, ...]:
    found = []
    for key, text in sorted(study.user_attrs.items()):
        kind, _, place = key.partition(":")
        if kind == "confirmation":
            number, _, trial = place.partition(":")
            found.append(Confirmation(trial=int(trial), round=int(number), outcome=load_outcome(text)))
    return tuple(found)


def _read_header(study: optuna.Study) -> Header:
    try:
        return _header.validate_json(study.user_attrs["header"])
    except ValidationError as error:
        raise StorageError(f"the study cannot be read ({error.error_count()} errors); {OLDER}") from None


def _read(study: optuna.Study) -> Study:
    header = _read_header(study)
    return Study(
        **{field.name: getattr(header, field.name) for field in fields(header)},
        seconds=study.user_attrs.get("seconds", 0.0),
        trials=_trials(study),
        confirmations=_confirmations(study),
    )


def create(reports: Path, header: Header, url: str | None) -> Store:
    """Make the folder and the storage of a new study."""
    folder = reports / header.settings.name
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise study_exists(folder) from None
    except OSError as error:
        raise StorageError(f"{folder} cannot be made ({error.strerror}): choose a folder with --out") from None
    try:
        return _take(folder, partial(_fill, folder, header, url))
    except BaseException:
        shutil.rmtree(folder)
        raise


def _fill(folder: Path, header: Header, url: str | None) -> Database:
    """Make the study of a new folder and note where that is."""
    name = header.settings.name
    database = create_database(_url(folder, url), name, directions(header.settings.quality_objective))
    database.study.set_user_attr("header", _header.dump_json(header).decode())
    write_atomically(folder / "study.json", json.dumps(storage_place(name, url), indent=2))
    return database


def open_study(folder: Path, url: str | None = None, *, secret: str | None = None) -> Store:
    """Open an existing study for writing; `secret` is a URL that counts if it is its own with the password."""
    folder = folder.resolve()
    name, url = _known_storage(folder, url, secret)
    return _take(folder, partial(open_database, url, name))


def _take(folder: Path, database: Callable[[], Database]) -> Store:
    """Lock a study and open its database; one that cannot be opened is left to others."""
    lock = _lock(folder)
    try:
        with storage_errors(folder):
            return Store(folder, database(), lock)
    except BaseException:
        lock.close()
        raise


def read_study(folder: Path, url: str | None = None, *, secret: str | None = None) -> Study:
    """Read a study without touching it; where it is stored is told as to `open_study`."""
    name, url = _known_storage(folder, url, secret)
    with storage_errors(folder):
        database = open_database(url, name)
        try:
            return _read(database.study)
        finally:
            database.close()


def _url(folder: Path, url: str | None) -> str:
    return url or sqlite_url(folder.resolve() / "study.db")


def storage_place(name: str, url: str | None) -> dict[str, str | None]:
    """Say where a study is stored; a password never goes into a file."""
    return {"name": name, "storage": without_password(url) if url else None}


def lacks_password(folder: Path) -> bool:
    """Whether a study cannot be opened without somebody who knows the password of its storage."""
    stored = _place(folder)[1]
    return stored is not None and _MASK in stored


def _known_storage(folder: Path, url: str | None, secret: str | None) -> tuple[str, str]:
    name, stored = _place(folder)
    if url is None and stored is not None and _MASK in stored:
        if secret is None or without_password(secret) != stored:
            told = "give the URL with its password as --storage, or in TUNER_STORAGE"
            raise UsageError(f"{folder} is stored at {stored}: {told}")
        return name, secret
    if url is None and stored is None and not (folder / "study.db").is_file():
        raise StorageError(f"{folder} has lost its study.db: nothing can be read from it")
    return name, _url(folder, url or stored)


def _place(folder: Path) -> tuple[str, str | None]:
    try:
        place = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        return place["name"], place["storage"]
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{folder} is not a study: it has no study.json") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{folder / 'study.json'} cannot be read: {error}") from None


def _lock(folder: Path) -> IO[str]:
    """Take the study for this process; the lock goes with it, however it ends."""
    try:
        handle = (folder / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{folder} cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with handle:
            handle.seek(0)
            raise StorageError(f"{folder} is in use by process {handle.read().strip() or '?'}") from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle
