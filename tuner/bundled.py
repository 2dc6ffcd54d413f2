"""Where the bundled targets and locustfiles are: inside the wheel, or beside the package in a checkout."""

from pathlib import Path

from tuner.errors import TunerError

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    for folder in (_PACKAGE / "_bundled" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise TunerError(f"the bundled folder {name!r} is missing: install agent-tuner again")


def targets() -> Path:
    """The folder that holds one folder per bundled target."""
    return _find("targets")


def target_names() -> list[str]:
    """The names of the bundled targets."""
    return sorted(path.parent.name for path in targets().glob("*/target.toml"))


def locustfiles() -> Path:
    """The folder of the bundled locustfiles."""
    return _find("locustfiles")
