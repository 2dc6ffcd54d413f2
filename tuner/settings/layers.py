"""Where settings come from: each layer wins over those before it, and a flag over all of them."""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tuner.errors import UsageError
from tuner.settings.file import SettingsTable, validated

FILE = "tuner.toml"
_PYPROJECT = "pyproject.toml"
_PREFIX = "TUNER_"
_ALIKE = 0.8
_OF_A_SERVICE = re.compile(r"(^|_)(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$")
"""What Kubernetes tells every container of a service that is named tuner, or tuner-something."""


def layers(folder: Path, environment: Mapping[str, str] = os.environ) -> Iterator[SettingsTable]:
    """Yield what `[tool.tuner]`, `tuner.toml` and the variables TUNER_* say, the weakest first."""
    project = _table(_toml(folder / _PYPROJECT).get("tool", {}), f"{_PYPROJECT}: tool")
    where = f"{_PYPROJECT}: [tool.tuner]"
    if content := _table(project.get("tuner", {}), f"{where}:"):
        yield validated(content, where, strict=True)
    if content := _toml(folder / FILE):
        yield validated(content, FILE, strict=True)
    variables = _variables(environment)
    for name, value in variables.items():
        validated({name: value}, f"{_PREFIX}{name.upper()}", strict=False)
    if variables:
        yield validated(variables, f"{_PREFIX}*", strict=False)


def of_file(path: Path) -> SettingsTable:
    """Read a file of any name that is written as a `tuner.toml`."""
    return validated(_toml(path), path.name, strict=True)


def _table(found: Any, where: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise UsageError(f"{where} must be a table")
    return found


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path.name}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name}: is not TOML: {error}") from None


def _variables(environment: Mapping[str, str]) -> dict[str, Any]:
    """Read the variables that are settings; lists and tables are words: `TUNER_SET="batch=8 threads=1"`."""
    known = SettingsTable.model_fields
    found: dict[str, Any] = {}
    for variable, text in sorted(environment.items()):
        name = variable.removeprefix(_PREFIX).lower()
        # Whoever sets a variable to nothing takes it back.
        if not variable.startswith(_PREFIX) or variable != variable.upper() or not text:
            continue
        if name in known:
            found[name] = _parsed(variable, known[name].annotation, text)
        # Others may own a TUNER_* too, such as TUNER_PORT in a cluster with a service of that name.
        elif near := get_close_matches(name, known, n=1, cutoff=_ALIKE):
            raise UsageError(f"{variable}: unknown setting; did you mean {_PREFIX}{near[0].upper()}?")
    return found


def _parsed(variable: str, kind: object, text: str) -> Any:
    if kind == list[str]:
        return text.split()
    if not str(kind).startswith("dict"):
        return text
    pairs = [word.partition("=") for word in text.split()]
    if not all(equals for _, equals, _ in pairs):
        raise UsageError(f"{variable}: expected words such as NAME=VALUE, but got {text!r}")
    return {name: value for name, _, value in pairs}


def unread(flags: Iterable[str], environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Yield why a variable TUNER_* is not read, for each that is no setting; `flags` are those of a verb."""
    typed = {f"{_PREFIX}{flag.removeprefix('--').replace('-', '_').upper()}": flag for flag in flags}
    for variable, text in sorted(environment.items()):
        name = variable.removeprefix(_PREFIX)
        ours = variable.startswith(_PREFIX) and text and not _OF_A_SERVICE.search(name)
        if ours and name.lower() not in SettingsTable.model_fields:
            flag = typed.get(variable)
            why = f"{flag} cannot be set by a variable; pass it as a flag" if flag else "no setting has that name"
            yield f"{variable} is not read: {why}"
