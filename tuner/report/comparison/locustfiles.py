"""Which locustfile made the load of one side, and whether that of the other side is the same."""

from dataclasses import dataclass
from pathlib import Path

from tuner.errors import UsageError
from tuner.target import spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Locustfile:
    """What made the load: `given`, or else the target's own; `path` says where it is, if that is known."""

    given: str | None
    path: Path | None

    def __str__(self) -> str:
        own = f"that of its target, {self.path}" if self.path else "that of its target"
        return self.given or own

    @property
    def name(self) -> str | None:
        """The file's name, wherever it is."""
        return self.path.name if self.path else None


def locustfile(target: str, given: str | None) -> Locustfile:
    """Find what made the load of a target; who gives the target's own by its path has given none."""
    own = _own(target)
    if given is None or (own is not None and Path(given) == own.resolve()):
        return Locustfile(given=None, path=own)
    return Locustfile(given=given, path=Path(given))


def _own(target: str) -> Path | None:
    try:
        return spec.locustfile_of(target)
    except UsageError:
        # The target was moved or removed since.
        return None


def both_read(one: Locustfile, other: Locustfile) -> bool:
    """Whether what is in them can be compared."""
    return None not in (_content(one), _content(other))


def differ(one: Locustfile, other: Locustfile) -> bool:
    """Whether two are not the same: by what is in them, or by name where not both can be read any more."""
    if both_read(one, other):
        return _content(one) != _content(other)
    # Two targets' own are what was to be compared, if one of the targets is not there any more.
    given = one.given is not None or other.given is not None
    return given and one.name != other.name


def _content(one: Locustfile) -> bytes | None:
    try:
        return one.path.read_bytes() if one.path and one.path.is_file() else None
    except OSError:
        return None
