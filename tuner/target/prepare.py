"""`[prepare]`: what a target builds once per distinct content, and then takes from the cache."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from tuner.errors import StorageError, TunerError
from tuner.study.space import Configuration
from tuner.target.cache import digest, held
from tuner.target.command import CommandError, environment, run
from tuner.target.inputs import own_files
from tuner.target.names import PLACES, substitute
from tuner.target.spec import Target


class PrepareError(TunerError):
    """The target's `[prepare]` command failed; the message ends with what it wrote."""

    exit_code = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What was prepared for a launch, if anything; it stays in the cache as long as a process has the `descriptors`."""

    folder: Path | None = None
    descriptors: tuple[int, ...] = ()


@contextmanager
def artifact(target: Target, configuration: Configuration, cache: Path | None = None) -> Iterator[Artifact]:
    """Hold what `[prepare]` made for `configuration`, built now if it is not in the cache."""
    if target.prepare is None:
        yield Artifact()
        return
    root = (cache or user_cache_path("agent-tuner")) / "prepared"
    with held(root, _key(target, configuration), partial(_build, target, configuration)) as kept:
        yield Artifact(folder=kept.folder, descriptors=(kept.descriptor,))


def _key(target: Target, configuration: Configuration) -> str:
    """Name an artifact by what it is made of: the command, its environment, what it depends on, the files it reads."""
    assert target.prepare is not None
    names = {**target.names, **configuration}
    env = [f"{name}={text}" for name, text in target.env.items()]
    texts = [*target.prepare.command, *env, *target.prepare.depends]
    files = [[str(path.relative_to(target.folder)), digest(path)] for path in own_files(target.folder, target.prepare)]
    content = json.dumps([[_word(text, names, target.folder) for text in texts], files])
    return hashlib.sha256(content.encode()).hexdigest()[:24]


def _word(text: str, names: Mapping[str, Any], folder: Path) -> str:
    """A text of a target with its names filled in; a file stands for its content, wherever it lies."""
    # What the libraries of `$python` are, a target says with `depends`; the interpreter itself is no input.
    path = folder / substitute(text, {**names, "python": "$python"}, partly=True).rpartition("=")[2]
    if os.path.isfile(path):
        return f"{path.name}: {digest(path)}"
    return substitute(text, {name: value for name, value in names.items() if name not in PLACES}, partly=True)


def _build(target: Target, configuration: Configuration, folder: Path) -> None:
    assert target.prepare is not None
    names = {**target.names, **configuration, "artifact": folder}
    argv = [substitute(part, names) for part in target.prepare.command]
    env = {key: substitute(text, names, partly=True) for key, text in target.env.items()}
    try:
        run(argv, folder=target.folder, env=environment(env), seconds=target.timeouts.prepare)
    except CommandError as error:
        if (full := os.strerror(errno.ENOSPC)) in str(error):  # of the disk, which no other configuration mends
            raise StorageError(f"{folder}: {full}; make room, or name another cache with XDG_CACHE_HOME") from None
        raise PrepareError(f"[prepare] {error}") from None
