"""Folders that are built once and kept: whole or not there, one builder each, the longest unused ones removed first."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tuner.errors import StorageError
from tuner.files import locked, remove_folder, write_atomically

MOST_BYTES = 2_000_000_000
_CONTENT = "content"
_MANIFEST = "manifest.json"

Build = Callable[[Path], None]
"""Fill a folder that is there and empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A folder of the cache that nobody removes while `descriptor` is open, in this process or in one that got it."""

    folder: Path
    descriptor: int


@contextmanager
def held(root: Path, key: str, build: Build, most: int = MOST_BYTES) -> Iterator[Held]:
    """Hold the folder of a key, built now if it is missing or damaged; others go until there are `most` bytes."""
    place = root / key
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(_lock(place)):
            descriptor = _hold(place)
            if descriptor is None or not _is_whole(place):
                _close(descriptor)
                descriptor = _built(place, build)
            os.utime(place / _MANIFEST)
        _make_room(root, most)
    except OSError as error:
        raise StorageError(f"{error.filename or root}: {error.strerror}; XDG_CACHE_HOME names another cache") from error
    try:
        yield Held(folder=place / _CONTENT, descriptor=descriptor)
    finally:
        os.close(descriptor)


def digest(path: Path) -> str:
    """The SHA-256 of a file's content."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _hold(place: Path) -> int | None:
    """Lock a folder against removal; None when it is not there, or has just been removed."""
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(descriptor), place.stat()):
            return descriptor
    os.close(descriptor)
    return None


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _is_whole(place: Path) -> bool:
    """Whether every file that was built is as it was then; what a server wrote beside them does not matter."""
    try:
        files = json.loads((place / _MANIFEST).read_text(encoding="utf-8"))["files"]
        return all(digest(place / _CONTENT / name) == known for name, known in files.items())
    except (OSError, ValueError, KeyError):
        return False


def _built(place: Path, build: Build) -> int:
    """Build into a folder that nobody else writes to, put it in place when it is whole, and hold it."""
    for left in place.parent.glob(f".{place.name}.*"):  # of builders that were killed: we have their lock
        shutil.rmtree(left, ignore_errors=True)
    building = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}."))
    try:
        (building / _CONTENT).mkdir()
        build(building / _CONTENT)
        descriptor = _hold(building)
        write_atomically(building / _MANIFEST, _manifest(building / _CONTENT))
        assert descriptor is not None, "nobody else knows of it yet"
        remove_folder(place)
        building.rename(place)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return descriptor


def _manifest(content: Path) -> str:
    files = [path for path in sorted(content.rglob("*")) if path.is_file()]
    digests = {path.relative_to(content).as_posix(): digest(path) for path in files}
    return json.dumps({"bytes": sum(path.stat().st_size for path in files), "files": digests}, indent=1)


def _make_room(root: Path, most: int) -> None:
    """Remove the folders that were not used for the longest time, none that is held, until `most` bytes are left."""
    sizes = {manifest.parent: _size(manifest) for manifest in sorted(root.glob(f"[!.]*/{_MANIFEST}"), key=_last_use)}
    excess = sum(sizes.values()) - most
    for place, size in sizes.items():
        if excess > 0 and _removed(place):
            excess -= size


def _last_use(manifest: Path) -> int:
    with suppress(FileNotFoundError):
        return manifest.stat().st_mtime_ns
    return 0


def _size(manifest: Path) -> int:
    with suppress(OSError, ValueError, KeyError):
        return int(json.loads(manifest.read_text(encoding="utf-8"))["bytes"])
    return 0


def _removed(place: Path) -> bool:
    """Remove a folder unless somebody builds or holds it; say whether it is gone."""
    with ExitStack() as opened, suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(opened.enter_context(_lock(place).open("w")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        opened.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_folder(place)
    return not place.exists()


def _lock(place: Path) -> Path:
    return place.with_name(f"{place.name}.lock")
