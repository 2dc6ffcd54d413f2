"""The database under a study: Optuna's own, SQLite in the study's folder or PostgreSQL by URL."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import optuna
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from tuner.errors import StorageError, StudyExistsError, UsageError
from tuner.search.sampler import Direction

_CREATE_TRIES = 5
_LOCKED_SECONDS = 60.0


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn whatever a database raises into one sentence."""
    try:
        yield
    except ImportError as error:
        raise StorageError(
            f"the storage needs a driver ({error}); PostgreSQL: pip install 'agent-tuner[postgres]'"
        ) from None
    except (optuna.exceptions.OptunaError, SQLAlchemyError, OSError) as error:
        cause = str(error.__cause__ or error).strip().splitlines()[0]
        raise StorageError(f"the storage of {folder} failed: {cause}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Optuna's study and the storage whose connections it uses."""

    study: optuna.Study
    storage: optuna.storages.RDBStorage

    def close(self) -> None:
        """Close every connection."""
        _close(self.storage)


def sqlite_url(path: Path) -> str:
    """Write the URL of a database file; Optuna formats URLs, so braces in a path are doubled."""
    url = URL.create("sqlite", database=str(path)).render_as_string()
    return url.replace("{", "{{").replace("}", "}}")


def without_password(url: str) -> str:
    """Mask the password of a storage URL."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        # What stands before an @ may be a password, wherever the mistake is.
        shown = repr(f"***{url[url.rindex('@') :]}" if "@" in url else url)
        raise UsageError(
            f"--storage {shown} is not a database URL, such as postgresql+psycopg://user@host/db"
        ) from None


def absolute(url: str) -> str:
    """Make the path of an SQLite URL absolute, so that it means the same from any folder."""
    without_password(url)
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return url
    return sqlite_url(Path(parsed.database).resolve())


def _storage(url: str) -> optuna.storages.RDBStorage:
    options = {"connect_args": {"timeout": _LOCKED_SECONDS}} if url.startswith("sqlite") else {}
    return optuna.storages.RDBStorage(url, engine_kwargs=options)


def _close(storage: optuna.storages.RDBStorage) -> None:
    storage.remove_session()
    storage.engine.dispose()


def open_database(url: str, name: str) -> Database:
    """Open a study that exists."""
    storage = _storage(url)
    try:
        return Database(study=optuna.load_study(study_name=name, storage=storage), storage=storage)
    except KeyError:
        _close(storage)
        raise StorageError(f"the storage has no study {name!r}") from None


def create_database(url: str, name: str, directions: Sequence[Direction]) -> Database:
    """Make a new study; the schema is made with it, and two programs that do that at once may fail and try again."""
    for attempt in count():
        try:
            storage = _storage(url)
            study = optuna.create_study(study_name=name, storage=storage, directions=directions)
            return Database(study=study, storage=storage)
        except optuna.exceptions.DuplicatedStudyError:
            _close(storage)
            raise StudyExistsError(f"the storage has a study {name!r} already: choose another --name") from None
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError):
            if attempt == _CREATE_TRIES - 1:
                raise
            time.sleep(0.1 * 2**attempt)
    raise StorageError(f"the storage did not make the study {name!r}")
