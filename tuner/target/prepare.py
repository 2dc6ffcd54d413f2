"""`[prepare]`: what a target builds once per distinct set of the knobs it names, and then takes from the cache."""

import fcntl
import hashlib
import json
import shutil
import tempfile
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
    """Name an artifact by its content: the command, its environment, the facts, and every file it may read."""
    names = {**target.names, **configuration}
    texts = [*(target.prepare or ()), *(f"{key}={text}" for key, text in target.env.items())]
    rendered = [substitute(text, names, partly=True) for text in texts]
    given = [Path(str(names[name])) for text in texts for name in Template(text).get_identifiers() if name in names]
    inputs = {str(path): _digest(path) for path in given if path.is_file()}
    own = {str(path.relative_to(target.folder)): _digest(path) for path in _files(target.folder)}
    facts = {name: value for name, value in target.names.items() if name not in ("cores", "home", "cache")}
    content = json.dumps([rendered, inputs, own, facts], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:24]


def _files(folder: Path) -> Iterator[Path]:
    """Yield a target's own files; what tools left there, hidden or cached, is none of them."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
            yield path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, so that two tuners never build the same artifact at once."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(target: Target, configuration: Configuration, folder: Path) -> None:
    """Build into a folder that nobody else writes to, and put it in place when it is whole."""
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}."))
    names = {**target.names, **configuration, "artifact": building}
    argv = [substitute(part, names) for part in target.prepare or ()]
    env = {key: substitute(text, names, partly=True) for key, text in target.env.items()}
    try:
        run(argv, folder=target.folder, env=env, seconds=target.timeouts.prepare)
        building.rename(folder)
    except CommandError as error:
        raise PrepareError(f"[prepare] {error}") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
