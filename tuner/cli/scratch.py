"""Folders that a verb needs only while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tuner.errors import StorageError


@contextmanager
def scratch(verb: str) -> Iterator[Path]:
    """Make a temporary folder, gone at the end; raises StorageError where none can be made."""
    try:
        made = TemporaryDirectory(prefix=f"tuner-{verb}-")
    except OSError as error:
        raise StorageError(f"no temporary folder can be made ({error.strerror}); name a place with TMPDIR") from None
    with made as name:
        yield Path(name)
