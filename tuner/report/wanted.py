"""A configuration and how it was measured as settings of tuner: a `tuner.toml`, and variables for a shell."""

import re
from collections.abc import Iterator, Mapping

from tuner.report.commands import workload_flags
from tuner.report.text import clean, exact, in_shell
from tuner.study.space import Configuration, Value
from tuner.study.study import Settings
from tuner.study.workload import Loop

_BARE = re.compile(r"[A-Za-z0-9_-]+")

Setting = Value | list[int | float] | Mapping[str, Value]


def settings_file(settings: Settings, configuration: Configuration) -> str:
    """Write the `tuner.toml` with which `tuner measure` and `tuner serve` mean this configuration; tables come last."""
    found = dict(_settings(settings, configuration))
    lines = [f"{name} = {_toml(value)}" for name, value in found.items() if not isinstance(value, Mapping)]
    for name, table in found.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{name}]", *(f"{_key(key)} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines)


def variables(settings: Settings, configuration: Configuration) -> str | None:
    """Write the variables TUNER_* that mean the same; None where a value has a space, which would be two words."""
    found = dict(_settings(settings, configuration))
    words = {name: value for name, value in found.items() if isinstance(value, Mapping)}
    if any(re.search(r"\s", f"{key}{exact(value)}") for table in words.values() for key, value in table.items()):
        return None
    return "\n".join(f"export TUNER_{name.upper()}={in_shell(_word(value))}" for name, value in found.items())


def _settings(settings: Settings, configuration: Configuration) -> Iterator[tuple[str, Setting]]:
    workload = settings.workload
    yield "target", settings.target
    if settings.runtime_python:
        yield "runtime_python", settings.runtime_python
    if settings.locustfile:
        yield "locustfile", settings.locustfile
    loads = [load.amount for load in workload.loads]
    yield ("users", [int(one) for one in loads]) if workload.loop is Loop.CLOSED else ("rate", loads)
    if settings.limits.slo is not None:
        yield "slo", f"{settings.limits.slo.metric}={settings.limits.slo.limit * 1e3:.15g}ms"
    yield "seed", settings.seed
    for flag, value in workload_flags(workload):
        yield flag.removeprefix("--").replace("-", "_"), int(value) if value.isdigit() else value
    yield "set", configuration
    if options := {name: value for name, value in settings.options.items() if value != ""}:
        yield "options", options


def _word(value: Setting) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={exact(one)}" for name, one in value.items())
    return ",".join(f"{one:.15g}" for one in value) if isinstance(value, list) else exact(value)


def _toml(value: Value | list[int | float]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(f'{one:.15g}' for one in value)}]"
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
