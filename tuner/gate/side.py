"""The two sides of a gate: what is to be launched as the new one, and as the baseline that it is held against."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tuner.errors import TargetFileError, UsageError
from tuner.gate.result import Described
from tuner.gate.revision import Checkout, checkout, is_revision
from tuner.settings.flags import beneath, flag_of, of_arguments, of_table
from tuner.settings.layers import layers, of_file
from tuner.study.space import Configuration, Value
from tuner.target import file as target_file
from tuner.target import spec
from tuner.target.file import OptionTable
from tuner.target.spec import Target
from tuner.terminal import writable


@dataclass(frozen=True, slots=True, kw_only=True)
class Launchable:
    """One side: a target in one configuration, how it is described, and what a person should know of it."""

    target: Target
    configuration: Configuration
    described: Described
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """The new side as it was asked for: a target with options of its own, and the knobs that are held.

    `named` is the folder of the target as it was named: a link in it may have led elsewhere in a revision. `typed` are
    the words of the command line. They are said of both sides; what stands in files of settings is of the new side
    only, and a revision has files of its own.
    """

    target: Target
    named: Path
    reference: str
    options: Mapping[str, str]
    sets: Mapping[str, Value]
    cores: tuple[int, ...]
    typed: Sequence[str] = field(default=())

    @property
    def launchable(self) -> Launchable:
        """What is launched."""
        configuration = self.target.space.configuration(self.sets)
        described = _described("new", self.reference, self.options, configuration)
        return Launchable(target=self.target, configuration=configuration, described=described, notes=self.target.notes)


@contextmanager
def launchable_baseline(text: str, new: New) -> Iterator[Launchable]:
    """Make what `text` names launchable, as long as needed.

    A file is a configuration, written as a `tuner.toml`; it stands for itself, whatever --set says. A folder is another
    version of the target, launched in the same configuration as the new one. So is a revision; but what `tuner.toml`
    and `[tool.tuner]` say about knobs and options is what they said then.
    """
    path = Path(text)
    if path.exists():
        yield _of_path(path, text, new)
    else:
        with checkout(text, new.target.folder) as found:
            yield _of_revision(found, text, new)


def _of_path(path: Path, text: str, new: New) -> Launchable:
    """Return what a file or folder is; where its name has two meanings, say which was taken."""
    kind, read = ("file", _of_file) if path.is_file() and path.name != "target.toml" else ("folder", _of_folder)
    note = f"{text} is a {kind} and a git revision: the {kind} was taken; for the revision write {text}~0"
    notes = (note,) if is_revision(text, new.target.folder) else ()
    try:
        side = read(text, new)
    except UsageError as error:
        if not notes:
            raise
        raise UsageError(f"{error}; {note}") from None
    return replace(side, notes=(*notes, *side.notes))


def _of_file(text: str, new: New) -> Launchable:
    path = Path(text)
    try:
        said = of_file(path)
    except UsageError as error:
        message = f"--baseline {error}; a file as a baseline is a tuner.toml with its knobs in [set]"
        raise UsageError(message) from None
    name = spec.reference(said.target) if said.target is not None else new.reference
    flags = of_table(said)
    options = _named(flags.own, _declared(spec.find(name)))
    options = {**new.options, **options} if name == new.reference else options
    with _told_of(text):
        target = _load(name, options, new)
        return _side(target, text, name, options, _parsed(target, flags.held))


def _of_folder(text: str, new: New) -> Launchable:
    folder = spec.find(text)
    with _told_of(text):
        target = _load(str(folder), new.options, new)
        return _side(target, text, new.reference, new.options, _shared(new.sets, target))


def _of_revision(found: Checkout, text: str, new: New) -> Launchable:
    """Return the target and the settings of a revision, under what was typed now."""
    folder, source = found.followed(new.named), f"{text} ({found.commit[:12]})"
    if not (folder / "target.toml").is_file():
        raise UsageError(f"--baseline {source}: has no {folder.name}/target.toml, so there is nothing to launch")
    with _told_of(source):
        said, typed = beneath(layers(found.at(Path.cwd())), new.typed), of_arguments(new.typed)
        declared = _declared(folder)
        own = {name: value for name, value in new.options.items() if flag_of(name) in typed.single}
        options = {**_named(said.own, declared), **own}
        launched = {
            name: _then(found, value) if name in declared and declared[name].file else value
            for name, value in options.items()
        }
        target = _load(str(folder), launched, new)
        held = {name: value for name, value in new.sets.items() if name in typed.held}
        sets = {**_parsed(target, said.held), **_shared(held, target)}
        return _side(target, source, new.reference, options, sets)


@contextmanager
def _told_of(source: str) -> Iterator[None]:
    """Say of a mistake that it is the baseline's; that of a `target.toml` begins with its path."""
    try:
        yield
    except TargetFileError:
        raise
    except UsageError as error:
        raise UsageError(f"--baseline {source}: {error}") from None


def _declared(folder: Path) -> Mapping[str, OptionTable]:
    return target_file.read(folder / "target.toml").options


def _named(flags: Mapping[str, str], options: Collection[str]) -> dict[str, str]:
    """Return the options that flags stand for; a flag of none of them is refused where the target is loaded."""
    known = {flag_of(name): name for name in options}
    return {known.get(flag, flag.removeprefix("--")): value for flag, value in flags.items()}


def _then(found: Checkout, value: str) -> str:
    """Return where a file lies in a revision; one that the revision does not have is where it is now.

    A link is followed there, not here: it may have led to another file.
    """
    then = found.followed(Path(value))
    return str(then) if then.is_file() else value


def _parsed(target: Target, said: Mapping[str, str]) -> dict[str, Value]:
    return {name: target.space.knob(name).parse(value) for name, value in said.items()}


def _shared(sets: Mapping[str, Value], target: Target) -> Mapping[str, Value]:
    """Return knobs that are held on both sides, if the baseline's target takes them."""
    try:
        target.space.configuration(sets)
    except UsageError as error:
        raise UsageError(
            f"{error}; both sides are launched with what --set says: where only the new one takes it, make it the "
            "default in its target.toml"
        ) from None
    return sets


def _side(
    target: Target, source: str, reference: str, options: Mapping[str, str], sets: Mapping[str, Value]
) -> Launchable:
    configuration = target.space.configuration(sets)
    if broken := target.space.violated(configuration):
        raise UsageError(f"breaks {broken!r}")
    described = _described(source, reference, options, configuration)
    return Launchable(target=target, configuration=configuration, described=described, notes=target.notes)


def _described(source: str, reference: str, options: Mapping[str, str], configuration: Configuration) -> Described:
    """Describe a side by what can be written: a path may hold any bytes."""
    told = {name: writable(value) for name, value in options.items()}
    return Described(source=writable(source), target=writable(reference), options=told, configuration=configuration)


def _load(name: str, options: Mapping[str, str], new: New) -> Target:
    """Load the baseline's target; it is driven by the new one's load and with its requests, or nothing compares."""
    target = spec.load(name, options, None, new.cores, new.target.runtime_python)
    asked = replace(target.answers, requests=new.target.answers.requests, test=new.target.answers.test)
    locustfile, opened = new.target.locustfile, new.target.open_locustfile
    return replace(target, locustfile=locustfile, open_locustfile=opened, answers=asked)
