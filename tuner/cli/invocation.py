"""What a person typed, with the settings of files and variables under it."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tuner.terminal import Output

_FILES = ("tuner.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The arguments as if all of them had been typed, those of them that were not, and where the verb writes."""

    words: Sequence[str]
    settings: Sequence[str] = ()
    output: Output

    @classmethod
    def of(cls, typed: Sequence[str], program: Any, output: Output) -> Self:
        """Lay the settings under what was typed, for a verb that has a target; help needs none of them."""
        verb = program.commands.get(typed[0]) if typed else None
        flags = [flag for option in getattr(verb, "params", ()) for flag in (*option.opts, *option.secondary_opts)]
        if verb is None or "--target" not in flags or "--help" in typed or not _are_there():
            return cls(words=typed, output=output)
        # Late: pydantic takes a while to load, and mostly there are no settings.
        from tuner.settings.flags import arguments
        from tuner.settings.layers import layers

        takes_own = bool(verb.context_settings.get("allow_extra_args"))
        below = arguments(layers(Path.cwd()), typed, flags, takes_own=takes_own)
        return cls(words=[typed[0], *below, *typed[1:]], settings=below, output=output)

    @property
    def typed(self) -> Sequence[str]:
        """What a person typed after the verb; settings stand before it."""
        return self.words[1 + len(self.settings) :]

    def explained(self, mistake: str) -> str:
        """Add to a mistake what was not typed: it may be there. A URL of a storage may hold a password."""
        told = [word for word in self.settings if not word.startswith("--storage=")]
        return f"{mistake} (set in a file or a variable: {shlex.join(told)})" if told else mistake


def _are_there() -> bool:
    return any(Path(name).exists() for name in _FILES) or any(name.startswith("TUNER_") for name in os.environ)
