"""A configuration and how it was measured as a `tuner.toml`."""

import re
from collections.abc import Mapping

from tuner.report.text import clean, exact
from tuner.report.wanted import Scalar, Table, wanted
from tuner.study.space import Configuration, Value
from tuner.study.study import Settings

HELD = "Every knob is held, so a search here would measure only this configuration; remove [set] before searching."
"""What a reader of the file has to know, in it and beside it."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def settings_file(settings: Settings, configuration: Configuration) -> str:
    """Write the `tuner.toml` with which `tuner measure` and `tuner serve` mean this configuration; tables come last."""
    every = wanted(settings, configuration)
    plain = [f"{one.name} = {_toml(one.value)}" for one in every if not isinstance(one.value, Mapping)]
    tables = [_table(one.name, one.value) for one in every if isinstance(one.value, Mapping)]
    return "\n".join((*plain, *tables))


def _table(name: str, table: Table) -> str:
    remark = f"# {HELD}\n" if name == "set" else ""
    return "\n".join((f"\n{remark}[{name}]", *(f"{_key(key)} = {_toml(value)}" for key, value in table.items())))


def _toml(value: Value | Scalar) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(exact, value))}]"
    return _quoted(value) if isinstance(value, str) else exact(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    """Write a basic string of TOML; whatever a terminal or a page would not show is escaped."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if 0xD800 <= ord(character) < 0xE000:
        return "\ufffd"  # half of a pair is no character, and TOML has no way to write it
    return f"\\u{ord(character):04x}" if clean(character) != character or character in "\n\t" else character
