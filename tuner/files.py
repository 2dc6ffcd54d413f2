"""Files and folders that nobody ever sees half of, be they written or removed, and keeping others out meanwhile."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tuner.errors import UsageError


def require_text(flag: str, path: Path | str) -> None:
    """Refuse a path that no report could name: a disk holds names that are no UTF-8, too."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"{flag}: the path {str(path)!r} is not UTF-8, and no report can name it; rename it") from None


def write_atomically(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with plain line ends: a crash leaves either the old file or the whole new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_folder(place: Path) -> None:
    """Take a folder out of sight in one step, then delete it; who has its files open reads on.

    A process that is killed meanwhile leaves a folder beside it, named with a dot before and after the name of `place`.
    """
    gone = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}."))
    with suppress(FileNotFoundError):
        place.rename(gone / place.name)
    shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock of all processes that name the same file; it stays behind, empty."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
