"""A target's own short commands: run to their end, with what went wrong in one sentence."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tuner.errors import TunerError


class CommandError(TunerError):
    """A command of the target failed; the message is the last line that it wrote."""


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a target's programs: ours, its own, and no bytecode written beside its files."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env}


def run(argv: Sequence[str], *, folder: Path, env: Mapping[str, str], seconds: float) -> str:
    """Run a command in the target's folder and return what it printed."""
    try:
        result = subprocess.run(
            argv,
            check=False,
            cwd=folder,
            env=environment(env),
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise CommandError(f"{argv[0]} did not end within {seconds:g} s") from None
    except OSError as error:
        raise CommandError(f"{argv[0]}: {error.strerror}") from None
    if result.returncode != 0:
        raise CommandError((result.stderr.strip().splitlines() or [f"exit code {result.returncode}"])[-1])
    return result.stdout
