"""Everything that tuner raises on purpose.

TunerError                      1  an installation that is broken; else never seen by a user
├── UsageError                  2  what the user wrote cannot be done as written
│   ├── TargetFileError         2  a target.toml is wrong
│   └── StudyExistsError        2  a study of that name is there already
├── InfeasibleError             3  nothing that was measured meets the limits, or the one configuration failed
├── TargetStartError            4  the server does not start, not even as it comes
├── RegressionError             5  what was compared is worse than it may be
├── InvalidMeasurementError     6  the measurement cannot be trusted, or does not decide
├── StorageError                7  the study's folder or database cannot be read or written
└── CommandError, PrepareError (tuner.target), LoadError (tuner.load), LaunchError (tuner.measure): inside a launch,
    they become data before they reach anybody

The number is the exit code of the command line. A message says what is wrong, where, and what to do next.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class TunerError(Exception):
    """The root: catch this to catch everything that tuner raises on purpose."""

    exit_code = 1


class UsageError(TunerError):
    """What the user asked for cannot be done as written."""

    exit_code = 2


class TargetFileError(UsageError):
    """A `target.toml` is missing or wrong; the message starts with its path."""


class StudyExistsError(UsageError):
    """A study of this name exists."""


class InfeasibleError(TunerError):
    """No configuration that was measured meets the limits."""

    exit_code = 3


class TargetStartError(TunerError):
    """The server does not become ready in its default configuration."""

    exit_code = 4


class RegressionError(TunerError):
    """What was compared is worse than what it was compared with, beyond noise and beyond what is allowed."""

    exit_code = 5


class InvalidMeasurementError(TunerError):
    """The measurement was disturbed by something other than the configuration."""

    exit_code = 6


class StorageError(TunerError):
    """The study's folder or database cannot be read or written."""

    exit_code = 7


class Terminated(BaseException):
    """SIGTERM arrived: unwinds like KeyboardInterrupt, so that everything is stopped and reported; exit code 143."""


def study_exists(folder: Path) -> StudyExistsError:
    """Say that the folder of a new study is there already."""
    return StudyExistsError(
        f"{folder} exists already: continue it with `tuner resume {folder}`, or choose another --name"
    )


_ALIKE = 0.7
"""How much two names have in common of which one is a slip of the other; --foo and --out have 0.6."""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is unknown, with the nearest known name and all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=_ALIKE)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {name!r}{hint} (known: {', '.join(names) or 'none'})"
