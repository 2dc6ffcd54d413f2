"""What a reader can copy into a shell: commands, and the variables TUNER_* that mean the same."""

import re
from collections.abc import Iterator, Mapping

from tuner.report.text import exact, in_shell
from tuner.report.wanted import Scalar, Setting, Table, wanted
from tuner.settings.flags import flag_of
from tuner.study.space import Configuration
from tuner.study.study import Settings

Command = tuple[str, ...]
"""The parts of a command, quoted: the program and its verb, then each option with its value."""

_OF_SERVE = frozenset(("target", "options", "runtime_python", "set"))
_NOT_OF_MEASURE = frozenset(("max_accuracy_drop",))


def serve(settings: Settings, configuration: Configuration) -> Command:
    """Return the command that serves a configuration."""
    every = wanted(settings, configuration)
    return _command("tuner serve", [one for one in every if one.name in _OF_SERVE])


def measure(settings: Settings, configuration: Configuration) -> Command:
    """Return the command that measures a configuration as the study did."""
    every = wanted(settings, configuration)
    return _command("tuner measure", [one for one in every if one.name not in _NOT_OF_MEASURE])


def _command(program: str, asked: list[Setting]) -> Command:
    return (program, *(f"{in_shell(flag)} {in_shell(value)}" for one in asked for flag, value in _flags(one)))


def _flags(one: Setting) -> Iterator[tuple[str, str]]:
    if not isinstance(one.value, Mapping):
        yield flag_of(one.name), _word(one.value)
    elif one.name == "set":
        yield from (("--set", f"{name}={exact(value)}") for name, value in one.value.items())
    else:
        yield from ((flag_of(name), exact(value)) for name, value in one.value.items())


def variables(settings: Settings, configuration: Configuration) -> str | None:
    """Write the variables TUNER_* that mean the same; None where a value has a space, which would be two words."""
    every = wanted(settings, configuration)
    if any(_has_space(one.value) for one in every if isinstance(one.value, Mapping)):
        return None
    return "\n".join(f"export TUNER_{one.name.upper()}={in_shell(_word(one.value))}" for one in every)


def _has_space(table: Table) -> bool:
    return any(re.search(r"\s", f"{name}{exact(value)}") for name, value in table.items())


def _word(value: Scalar | Table) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={exact(one)}" for name, one in value.items())
    return ",".join(map(exact, value)) if isinstance(value, list) else exact(value)
