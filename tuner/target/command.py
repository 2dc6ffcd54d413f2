"""A target's own short commands: run to their end, with what went wrong in one sentence."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tuner.errors import TunerError
from tuner.target.process import describe, reaped


class CommandError(TunerError):
    """A command of the target failed; the message is the last line that it wrote."""


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a target's programs: ours, its own, and no bytecode written beside its files."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env}


def run(argv: Sequence[str], *, folder: Path, env: Mapping[str, str], seconds: float) -> str:
    """Run a command in a folder, with nothing but `env`; nothing of it outlives us. Return what it printed."""
    control, hold = os.pipe()
    status, tell = os.pipe()
    try:
        process = subprocess.Popen(
            reaped(argv, control, tell),
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
            pass_fds=(control, tell),
        )
    finally:
        os.close(control)
        os.close(tell)
    with os.fdopen(status) as ending, os.fdopen(hold, "w") as held:
        try:
            output, errors = process.communicate(timeout=seconds)
        except BaseException as error:
            held.close()
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise CommandError(f"{argv[0]} did not end within {seconds:g} s") from None
            raise
        if (ended := describe(ending.read())) != "exit code 0":
            raise CommandError((errors.strip().splitlines() or [ended])[-1])
    return output
