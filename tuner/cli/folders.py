"""The folders that a verb is given, and the one of its own that a run gets below --out."""

from collections.abc import Callable
from datetime import datetime
from itertools import count
from pathlib import Path

from tuner.errors import StorageError, UsageError
from tuner.files import require_text


def folder_for(flag: str) -> Callable[[str], Path]:
    """Return what reads the folder that a flag or an argument names."""

    def read(text: str) -> Path:
        if not text:
            raise UsageError(f"{flag} '': give a folder; . is this one")
        require_text(flag, Path(text).resolve())
        return Path(text)

    return read


def run_folder(out: Path, verb: str) -> Path:
    """Make the folder of a run that begins now; one that begins in the same second gets another."""
    name = f"{verb}-{datetime.now():%Y%m%d-%H%M%S}"
    for number in count(1):
        folder = out.resolve() / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise StorageError(f"{folder} cannot be made ({error.strerror}): choose a folder with --out") from None
        return folder
    raise AssertionError("numbers do not end")
