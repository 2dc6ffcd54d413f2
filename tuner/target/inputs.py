"""Which of a target's own files an artifact is made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from tuner.errors import UsageError, unknown
from tuner.target.file import PrepareTable
from tuner.target.names import substitute


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """A target's `[prepare]`: `files` are patterns in its folder, `depends` texts with `$names`."""

    command: tuple[str, ...]
    files: tuple[str, ...]
    depends: tuple[str, ...]


def preparation(folder: Path, table: PrepareTable, names: Mapping[str, Any], knobs: Iterable[str]) -> Prepare:
    """Read `[prepare]`; refuse names that nothing has, and patterns that name no file."""
    known = {*names, *knobs}
    for text in table.depends:
        for name in Template(text).get_identifiers():
            if name not in known:
                raise UsageError(f"[prepare] depends: {unknown('name', f'${name}', [f'${one}' for one in known])}")
    files = tuple(substitute(pattern, names) for pattern in table.files)
    _require_files(folder, files)
    return Prepare(command=tuple(table.command), files=files, depends=tuple(table.depends))


def own_files(folder: Path, prepare: Prepare) -> list[Path]:
    """The files that the patterns name, sorted; what tools left there, hidden or cached, is none of them."""
    return sorted({path for pattern in prepare.files for path in _matches(folder, pattern)})


def _require_files(folder: Path, patterns: Iterable[str]) -> None:
    """Refuse a pattern that names nothing: a slip of the pen would serve what was built of other files."""
    for pattern in patterns:
        try:
            found = any(_matches(folder, pattern))
        except (ValueError, NotImplementedError):  # empty, absolute, or out of the folder
            found = False
        if not found:
            raise UsageError(f"[prepare] files: {pattern!r} names no file in {folder}")


def _matches(folder: Path, pattern: str) -> Iterable[Path]:
    for path in folder.glob(pattern):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
            yield path
