"""`[prepare]`: what a target builds once per distinct set of the knobs it names, and then takes from the cache."""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

from platformdirs import user_cache_path

from tuner.errors import TunerError
from tuner.study.space import Configuration
from tuner.target.command import CommandError, run
from tuner.target.names import substitute
from tuner.target.spec import Target


class PrepareError(TunerError):
    """The target's `[prepare]` command failed; the message ends with what it wrote."""

    exit_code = 4


def artifact(target: Target, configuration: Configuration, cache: Path | None = None) -> Path | None:
    """Return the folder that `[prepare]` made for `configuration`, building it if it is not in the cache."""
    if target.prepare is None:
        return None
    root = (cache or user_cache_path("agent-tuner")) / "prepared"
    root.mkdir(parents=True, exist_ok=True)
    folder = root / _key(target, configuration)
    with _locked(folder.with_suffix(".lock")):
        if not folder.is_dir():
            _build(target, configuration, folder)
    return folder


def _key(target: Target, configuration: Configuration) -> str:
    """Name an artifact by its content: the command, what it reads, the program itself and the facts."""
    names = {**target.names, **configuration}
    command = [substitute(part, names, partly=True) for part in target.prepare or ()]
    used = {name for part in target.prepare or () for name in Template(part).get_identifiers()}
    inputs = {
        name: _digest(Path(str(names[name]))) for name in used if name in names and Path(str(names[name])).is_file()
    }
    programs = {str(path.relative_to(target.folder)): _digest(path) for path in sorted(target.folder.rglob("*.py"))}
    facts = {name: value for name, value in target.names.items() if name not in ("cores", "home")}
    content = json.dumps([command, inputs, programs, facts], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:24]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, so that two tuners never build the same artifact at once."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(target: Target, configuration: Configuration, folder: Path) -> None:
    building = folder.with_suffix(".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    names = {**target.names, **configuration, "artifact": building}
    argv = [substitute(part, names) for part in target.prepare or ()]
    env = {key: substitute(text, names, partly=True) for key, text in target.env.items()}
    try:
        run(argv, folder=target.folder, env=env, seconds=target.timeouts.prepare)
    except CommandError as error:
        raise PrepareError(f"[prepare] {error}") from None
    building.rename(folder)
