"""Where the runtimes lie that are laid over the installed ONNX Runtime: one folder each, whole or not there."""

import os
from importlib.metadata import PathDistribution, distributions
from pathlib import Path

from platformdirs import user_cache_path

from tuner.errors import StorageError, UsageError
from tuner.files import remove_folder
from tuner.runtimes.known import Runtime


def folder() -> Path:
    """The folder of all runtimes, which need not be there."""
    return user_cache_path("agent-tuner") / "runtimes"


def installed(runtime: Runtime) -> str | None:
    """The version of a runtime that is installed; None without one."""
    wanted = runtime.package.lower()
    found = (one for one in distributions(path=[str(folder() / runtime.name)]) if isinstance(one, PathDistribution))
    return next((one.version for one in found if one.name.lower() == wanted), None)


def put(runtime: Runtime, whole: Path) -> None:
    """Put a runtime that is whole in its place."""
    place = folder() / runtime.name
    remove_folder(place)
    os.rename(whole, place)


def remove(runtime: Runtime) -> None:
    """Remove a runtime; a server that runs with it has loaded its libraries and goes on."""
    place = folder() / runtime.name
    if not place.is_dir():
        raise UsageError(f"{runtime.name} is not installed, so there is nothing to remove")
    try:
        remove_folder(place)
    except OSError as error:
        raise StorageError(f"{error.filename or place}: cannot be removed ({error.strerror})") from error


def size(runtime: Runtime) -> int:
    """How many bytes the files of a runtime have."""
    files = (path for path in (folder() / runtime.name).rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)
