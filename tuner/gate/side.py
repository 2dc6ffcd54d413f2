"""The two sides of a gate: what is to be launched as the new one, and as the baseline that it is held against."""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tuner.errors import UsageError
from tuner.gate.result import Described
from tuner.gate.revision import Checkout, checkout
from tuner.settings.file import Scalar, SettingsTable, validated
from tuner.settings.layers import FILE
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


@contextmanager
def baseline(text: str, new: New) -> Iterator[Launchable]:
    """Make what `text` names launchable, as long as needed.

    A file is a configuration, written as a `tuner.toml`; it stands for itself, whatever --set says. A folder is another
    version of the target, launched in the same configuration as the new one. So is a revision; but what `tuner.toml`
    says about knobs and options is what it said then.
    """
    path = Path(text)
    if path.is_file() and path.name != "target.toml":
        yield _of_file(path, new)
    elif path.exists():
        yield _of_folder(spec.find(text), text, new, new.sets, new.options)
    else:
        with checkout(text, new.target.folder) as found:
            yield _of_revision(found, text, new)


def _of_file(path: Path, new: New) -> Launchable:
    said = _read(path)
    name = spec.reference(said.target) if said.target is not None else new.reference
    options = {key: _text(value) for key, value in said.options.items()}
    options = {**new.options, **options} if name == new.reference else options
    target = _load(name, options, new)
    return _side(target, str(path), name, options, _values(target, said.set))


def _of_folder(
    folder: Path, source: str, new: New, sets: Mapping[str, Value], options: Mapping[str, str]
) -> Launchable:
    if not (folder / "target.toml").is_file():
        raise UsageError(f"--baseline {source}: has no {folder.name}/target.toml, so there is nothing to launch")
    return _side(_load(str(folder), options, new), source, new.reference, options, sets)


def _of_revision(found: Checkout, text: str, new: New) -> Launchable:
    """Return the target and the settings of a revision; a file that an option names is taken from it, too."""
    here = Path.cwd().resolve() / FILE
    now, then = (_read(path) if path.is_file() else SettingsTable() for path in (here, found.at(here)))
    folder = found.at(new.target.folder)
    # What tuner.toml says now has come in as flags; those that say something else were typed.
    typed = {name: value for name, value in new.options.items() if _text(now.options.get(name, "")) != value}
    said = {**{name: _text(value) for name, value in then.options.items()}, **typed}
    options = {name: _at(found, value) for name, value in said.items()}
    source = f"{text} ({found.commit[:12]})"
    held = {name: value for name, value in new.sets.items() if now.set.get(name) != value}
    side = _of_folder(folder, source, new, {}, options)
    return _side(side.target, source, new.reference, options, {**_values(side.target, then.set), **held})


def _at(found: Checkout, value: str) -> str:
    path = Path(value)
    return str(found.at(path.resolve())) if path.is_file() else value


def _read(path: Path) -> SettingsTable:
    try:
        return validated(tomllib.loads(path.read_text(encoding="utf-8")), str(path), strict=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}; a file as a baseline is a tuner.toml with its knobs in [set]") from None


def _values(target: Target, said: Mapping[str, Scalar]) -> dict[str, Value]:
    return {name: target.space.knob(name).parse(_text(value)) for name, value in said.items()}


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _side(
    target: Target, source: str, reference: str, options: Mapping[str, str], sets: Mapping[str, Value]
) -> Launchable:
    configuration = target.space.configuration(sets)
    if broken := target.space.violated(configuration):
        raise UsageError(f"--baseline {source}: breaks {broken!r}")
    described = Described(source=source, target=reference, options=options, configuration=configuration)
    return Launchable(target=target, configuration=configuration, described=described)


def _load(name: str, options: Mapping[str, str], new: New) -> Target:
    """Load the baseline's target; it is driven by the new one's load and with its requests, or nothing compares."""
    target = spec.load(name, options, None, new.cores, new.target.runtime_python)
    asked = replace(target.answers, requests=new.target.answers.requests, test=new.target.answers.test)
    locustfile, opened = new.target.locustfile, new.target.open_locustfile
    return replace(target, locustfile=locustfile, open_locustfile=opened, answers=asked)
