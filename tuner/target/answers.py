"""`[answers]`: what a target is asked, and what its answers are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.errors import UsageError
from tuner.study.space import SearchSpace
from tuner.target.file import TargetTable
from tuner.target.names import substitute


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How a request looks and what makes its answer right; `requests`, `field` and `test` may be absent.

    `test` are the requests that confirming launches are verified with, in place of `requests`.
    """

    path: str
    requests: Path | None
    test: Path | None
    field: str | None
    accuracy_knobs: tuple[str, ...]

    @property
    def compared(self) -> bool:
        """Whether answers are compared with anything."""
        return self.requests is not None and self.field is not None


def answers(folder: Path, table: TargetTable, names: Mapping[str, Any], space: SearchSpace) -> Answers:
    """Read `[answers]`; its files must be there."""
    if table.answers.test is not None and table.answers.requests is None:
        raise UsageError("[answers] test: needs `requests` beside it, which the search itself is verified with")
    return Answers(
        path=table.answers.path,
        requests=_rows(folder, "requests", table.answers.requests, names),
        test=_rows(folder, "test", table.answers.test, names),
        field=table.answers.field,
        accuracy_knobs=tuple(table.answers.accuracy_knobs) or space.names,
    )


def _rows(folder: Path, key: str, template: str | None, names: Mapping[str, Any]) -> Path | None:
    if template is None:
        return None
    path = folder / substitute(template, names)
    if not path.is_file():
        raise UsageError(f"[answers] {key}: there is no file {path}")
    return path
