"""The two sides of a gate: what is to be launched as the new one, and as the baseline that it is held against."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tuner.errors import UsageError
from tuner.gate.result import Described
from tuner.gate.revision import checkout
from tuner.study.space import Configuration, Value
from tuner.target import spec
from tuner.target.spec import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Launchable:
    """One side: a target in one configuration, and how it is described."""

    target: Target
    configuration: Configuration
    described: Described


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """The new side as it was asked for: a target with options of its own, and the knobs that --set holds."""

    target: Target
    reference: str
    options: Mapping[str, str]
    sets: Mapping[str, Value]
    cores: tuple[int, ...]

    @property
    def side(self) -> Launchable:
        """What is launched."""
        configuration = self.target.space.configuration(self.sets)
        described = Described(source="new", target=self.reference, options=self.options, configuration=configuration)
        return Launchable(target=self.target, configuration=configuration, described=described)


class _File(BaseModel):
    """A file that says a configuration: knobs in `[set]`, and options of the target in `[options]`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    set: dict[str, bool | int | float | str] = {}
    options: dict[str, str] = {}


@contextmanager
def baseline(text: str, new: New) -> Iterator[Launchable]:
    """Make what `text` names launchable, as long as needed.

    A file is a configuration of the new side's target; it stands for itself, whatever --set says. A folder and a
    revision are another version of the target, which is launched in the same configuration as the new one.
    """
    path = Path(text)
    if path.is_file() and path.name != "target.toml":
        yield _of_file(path, new)
    elif path.exists():
        yield _of_folder(spec.find(text), text, new, new.options)
    else:
        with checkout(text, new.target.folder) as found:
            options = {name: _at(found.at, value) for name, value in new.options.items()}
            yield _of_folder(found.at(new.target.folder), f"{text} ({found.commit[:12]})", new, options)


def _at(place: Callable[[Path], Path], value: str) -> str:
    """Take a file that an option names from the revision too, if it lies in the repository."""
    path = Path(value)
    return str(place(path.resolve())) if path.is_file() else value


def _of_file(path: Path, new: New) -> Launchable:
    read = _read(path)
    options = {**new.options, **read.options}
    target = _load(new.reference, options, new)
    configuration = target.space.configuration(read.set)
    if broken := target.space.violated(configuration):
        raise UsageError(f"{path}: breaks {broken!r}")
    described = Described(source=str(path), target=new.reference, options=options, configuration=configuration)
    return Launchable(target=target, configuration=configuration, described=described)


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise UsageError(
                f"{path}: {where}: {first['msg']}; expected knobs in [set] and options of the target in [options]"
            ) from None
        raise UsageError(f"{path}: {error}; expected TOML with the baseline's knobs in [set]") from None


def _of_folder(folder: Path, source: str, new: New, options: Mapping[str, str]) -> Launchable:
    if not (folder / "target.toml").is_file():
        raise UsageError(f"--baseline {source}: has no {folder.name}/target.toml, so there is nothing to launch")
    target = _load(str(folder), options, new)
    configuration = target.space.configuration(new.sets)
    described = Described(source=source, target=new.reference, options=options, configuration=configuration)
    return Launchable(target=target, configuration=configuration, described=described)


def _load(name: str, options: Mapping[str, str], new: New) -> Target:
    """Load the baseline's target; it is driven by the new one's load and with its requests, or nothing compares."""
    target = spec.load(name, options, None, new.cores, new.target.runtime_python)
    asked = replace(target.answers, requests=new.target.answers.requests, test=new.target.answers.test)
    return replace(
        target,
        locustfile=new.target.locustfile,
        open_locustfile=new.target.open_locustfile,
        answers=asked,
    )
