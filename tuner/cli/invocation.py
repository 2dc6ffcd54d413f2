"""What a person typed, with the settings of files and variables under it."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tuner.terminal import Output, cell

_FILES = ("tuner.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The arguments as if all of them had been typed, those of them that were not, and where the verb writes.

    `own` are flags of the target's own that were not typed. The parser knows none of them, and would take them for what
    a verb is to work on. `storage` is a URL that was not typed, for a study that exists and does not keep its password.
    """

    words: Sequence[str]
    settings: Sequence[str] = ()
    own: Mapping[str, str] = field(default_factory=dict)
    storage: str | None = None
    output: Output

    @property
    def command(self) -> list[str]:
        """The command that means the same where there are no settings."""
        return ["tuner", *self.words, *(f"{flag}={value}" for flag, value in self.own.items())]

    @classmethod
    def of(cls, typed: Sequence[str], program: Any, output: Output) -> Self:
        """Lay the settings under what was typed; help needs none of them, and a study that exists keeps its own."""
        verb = program.commands.get(typed[0]) if typed else None
        flags = [flag for option in getattr(verb, "params", ()) for flag in (*option.opts, *option.secondary_opts)]
        if not {"--target", "--storage"} & {*flags} or "--help" in typed or not _are_there():
            return cls(words=typed, output=output)
        # Late: pydantic takes a while to load, and mostly there are no settings.
        from tuner.settings.flags import arguments, beneath
        from tuner.settings.layers import layers, unread

        for told in unread(flags):
            output.progress().print(cell(f"note: {told}"), soft_wrap=True)
        said = beneath(layers(Path.cwd()), typed)
        if "--target" not in flags:
            return cls(words=typed, storage=said.single.get("--storage"), output=output)
        settings = arguments(said, flags)
        return cls(words=[typed[0], *settings, *typed[1:]], settings=settings, own=said.own, output=output)

    @property
    def typed(self) -> Sequence[str]:
        """What a person typed after the verb; settings stand before it."""
        return self.words[1 + len(self.settings) :]

    def explained(self, mistake: str) -> str:
        """Add to a mistake what was not typed: it may be there. A storage's URL and a target's own may be secrets."""
        told = [*(word for word in self.settings if not word.startswith("--storage=")), *self.own]
        return f"{mistake} (set in a file or a variable: {shlex.join(told)})" if told else mistake


def _are_there() -> bool:
    return any(Path(name).exists() for name in _FILES) or any(name.startswith("TUNER_") for name in os.environ)
