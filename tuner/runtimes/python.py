"""The interpreter that runs a target's programs."""

import os
import subprocess
import sys
from pathlib import Path

from tuner.errors import UsageError

_OLDEST = (3, 11)
_SECONDS = 20.0
_ASK = "import sys; print(sys.version_info >= {oldest}, '.'.join(map(str, sys.version_info[:3])))"


def interpreter(given: str | None) -> str:
    """Return the path of the interpreter that was given, or of our own; refuse what is no Python that we can use."""
    if given is None:
        return sys.executable
    # A virtual environment is found by the path of its link: it must stay as it is.
    path = Path(given).absolute()
    if not path.is_file() or not os.access(path, os.X_OK):
        raise UsageError(f"--runtime-python: there is no program {given}; give the bin/python of an environment")
    try:
        asked = subprocess.run(
            [path, "-I", "-c", _ASK.format(oldest=_OLDEST)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
        enough, version = asked.stdout.split()
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise UsageError(f"--runtime-python: {given} is no Python interpreter") from None
    if enough != "True":
        raise UsageError(f"--runtime-python: {given} is Python {version}, needed is {'.'.join(map(str, _OLDEST))}")
    return str(path)
