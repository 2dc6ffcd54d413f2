"""The options of a target's own: what the parser of a verb left over, checked against what the target declares."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import typer

from tuner.errors import TargetFileError, UsageError, unknown

_OF_EVERY_VERB = ("--json", "--quiet", "--no-color", "--help")


def target_options(context: typer.Context, name: str) -> dict[str, str]:
    """Read the options of the target's own: those of the settings, and over them those that were typed."""
    from tuner.settings.flags import flag_of
    from tuner.target import spec

    known = {flag_of(option): option for option in spec.declared_options(name)}
    for flag in sorted(known.keys() & _flags_of_tuner(context)):
        path = spec.find(name) / "target.toml"
        raise TargetFileError(f"{path}: [options] {known[flag]}: {flag} is a flag of tuner; choose another name")
    found: dict[str, str] = {}
    for flag, value in (*context.obj.own.items(), *_left_over(context.args)):
        if flag not in known:
            raise UsageError(_mistake(context, flag, known))
        if value is None:
            raise UsageError(f"{flag} needs a value")
        found[known[flag]] = value
    return found


def _mistake(context: typer.Context, word: str, known: Iterable[str]) -> str:
    """Say what is wrong with a word that neither the verb nor the target knows, and what was meant."""
    if not word.startswith("-"):
        meant = "--set" if "=" in word else "--target"
        return f"`{context.command_path}` takes no argument {word!r}; did you mean {meant} {word}?"
    if word == "-h":
        return "unknown option '-h'; did you mean '--help'?"
    return unknown("option", word, (*known, *_flags_of([context.command]), *_OF_EVERY_VERB))


def _flags_of_tuner(context: typer.Context) -> set[str]:
    """Return the flags of every verb: an option of a target by such a name would never be reached."""
    program: Any = context.find_root().command
    return {"--help", *_flags_of([program, *program.commands.values()])}


def _flags_of(verbs: Iterable[Any]) -> Iterator[str]:
    options = [option for verb in verbs for option in verb.params]
    return (flag for option in options for flag in (*option.opts, *option.secondary_opts) if flag.startswith("--"))


def _left_over(words: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield what the parser left over: `--flag value` and `--flag=value`, which may be the target's, and lone words."""
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=") if word.startswith("-") else (word, "", "")
        yield flag, value if equals else next(rest, None)
