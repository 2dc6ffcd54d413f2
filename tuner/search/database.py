"""The database under a study: Optuna's own, SQLite in the study's folder or PostgreSQL by URL."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from sqlalchemy.exc import SQLAlchemyError

from tuner.errors import StorageError
from tuner.search.sampler import DIRECTIONS

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
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError, OSError) as error:
        cause = str(error.__cause__ or error).strip().splitlines()[0]
        raise StorageError(f"the storage of {folder} failed: {cause}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Optuna's study and the storage whose connections it uses."""

    study: optuna.Study
    storage: optuna.storages.RDBStorage

    def close(self) -> None:
        """Close every connection."""
        self.storage.remove_session()
        self.storage.engine.dispose()


def open_database(url: str, name: str, *, create: bool) -> Database:
    """Open Optuna's study; two programs that create a database at once may fail, so creation is tried again."""
    options = {"connect_args": {"timeout": _LOCKED_SECONDS}} if url.startswith("sqlite") else {}
    for attempt in range(_CREATE_TRIES):
        try:
            storage = optuna.storages.RDBStorage(url, engine_kwargs=options)
            study = (
                optuna.create_study(study_name=name, storage=storage, directions=DIRECTIONS, load_if_exists=True)
                if create
                else optuna.load_study(study_name=name, storage=storage)
            )
            return Database(study=study, storage=storage)
        except KeyError:
            raise StorageError(f"the storage has no study {name!r}") from None
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError):
            if not create or attempt == _CREATE_TRIES - 1:
                raise
            time.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")
