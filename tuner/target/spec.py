"""A target as the rest of tuner sees it: every name checked, every bound computed for this machine."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from tuner import bundled
from tuner.errors import TargetFileError, UsageError, unknown
from tuner.machine import cores
from tuner.study.expressions import names_in, resolve
from tuner.study.space import ChoiceKnob, Configuration, Knob, RangeKnob, SearchSpace
from tuner.target import file as target_file
from tuner.target.command import CommandError, run
from tuner.target.file import KnobTable, TargetTable, TimeoutsTable

RESERVED = ("python", "port", "workdir", "artifact", "home", "cores")
_FACTS_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How a request looks and what makes its answer right; `requests` and `field` may be absent."""

    path: str
    requests: Path | None
    field: str | None
    accuracy_knobs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server that can be launched: templates with `$names`, and the space that they span.

    `names` holds every `$name` that has one value for the whole study: options, facts, `$home`, `$cores`, `$python`.
    """

    name: str
    folder: Path
    description: str
    command: tuple[str, ...]
    ready: str
    effective: str | None
    locustfile: Path
    env: Mapping[str, str]
    files: Mapping[str, str]
    prepare: tuple[str, ...] | None
    timeouts: TimeoutsTable
    answers: Answers
    space: SearchSpace
    starts: tuple[Configuration, ...]
    names: Mapping[str, Any]


def find(name: str) -> Path:
    """Find the folder of a target: a bundled name, or a path."""
    here = Path(name)
    if (here / "target.toml").is_file():
        return here.resolve()
    if here.name == "target.toml" and here.is_file():
        return here.parent.resolve()
    folder = bundled.targets() / name
    if (folder / "target.toml").is_file():
        return folder
    if here.is_dir():
        raise TargetFileError(f"{here}: has no target.toml; `tuner targets` shows the bundled ones as examples")
    raise UsageError(f"--target: {unknown('target', name, bundled_names())}, nor is it a folder with a target.toml")


def bundled_names() -> list[str]:
    """The names of the bundled targets."""
    return sorted(path.parent.name for path in bundled.targets().glob("*/target.toml"))


def declared_options(name: str) -> list[str]:
    """The names of the options that a target declares."""
    return list(target_file.read(find(name) / "target.toml").options)


def description(name: str) -> str:
    """What a target says about itself."""
    return target_file.read(find(name) / "target.toml").description


def load(name: str, options: Mapping[str, str] | None = None, locustfile: str | None = None) -> Target:
    """Load a target by name or folder; raises UsageError or TargetFileError with one sentence."""
    folder = find(name)
    path = folder / "target.toml"
    table = target_file.read(path)
    try:
        return _build(folder, table, dict(options or {}), locustfile)
    except TargetFileError:
        raise
    except UsageError as error:
        raise TargetFileError(f"{path}: {error}") from None


def _build(folder: Path, table: TargetTable, options: dict[str, str], locustfile: str | None) -> Target:
    chosen = _options(table, options)
    names: dict[str, Any] = {**chosen, "python": sys.executable, "home": str(folder), "cores": cores()}
    _check_names(table)
    names |= _facts(folder, table, names)
    space = _space(table, names)
    return Target(
        name=folder.name,
        folder=folder,
        description=table.description,
        command=tuple(table.command),
        ready=table.ready,
        effective=table.effective,
        locustfile=_locustfile(folder, locustfile, table.locustfile),
        env=table.env,
        files=table.files,
        prepare=tuple(table.prepare.command) if table.prepare else None,
        timeouts=table.timeouts,
        answers=_answers(folder, table, names, space),
        space=space,
        starts=_starts(table, space, names),
        names=names,
    )


def _options(table: TargetTable, given: dict[str, str]) -> dict[str, str]:
    chosen = {name: option.default for name, option in table.options.items()}
    for name, value in given.items():
        option = table.options.get(name)
        if option is None:
            raise UsageError(unknown("option", f"--{name}", [f"--{known}" for known in table.options]))
        if option.choices is not None and value not in option.choices:
            raise UsageError(f"--{name}: {unknown('choice', value, option.choices)}")
        if option.file and not Path(value).is_file():
            raise UsageError(f"--{name}: there is no file {value}")
        chosen[name] = str(Path(value).resolve()) if option.file else value
    return chosen


def _texts(table: TargetTable) -> dict[str, Iterable[str]]:
    """The templates of a target by the place they stand in."""
    return {
        "command": table.command,
        "[env]": table.env.values(),
        "[files]": [*table.files, *table.files.values()],
        "[prepare]": table.prepare.command if table.prepare else (),
        "[answers]": [table.answers.requests or ""],
    }


def _check_names(table: TargetTable) -> None:
    """Every `$name` must be known, and every knob must be used."""
    for name in table.space:
        if name in RESERVED or name in table.options:
            raise UsageError(f"[space] {name}: the name is taken")
    known = {*RESERVED, *table.options, *table.space}
    used: set[str] = set()
    for place, texts in _texts(table).items():
        for text in texts:
            for name in Template(text).get_identifiers():
                if name not in known:
                    raise UsageError(f"{place}: {unknown('name', f'${name}', [f'${other}' for other in known])}")
                used.add(name)
    for name in table.space:
        if name not in used:
            raise UsageError(f"[space] {name}: no ${name} in command, [env], [files] or [prepare], so it does nothing")
    for place, keys in (("[when]", table.when), ("[answers] accuracy_knobs", table.answers.accuracy_knobs)):
        for name in keys:
            if name not in table.space:
                raise UsageError(f"{place}: {unknown('knob', name, table.space)}")


def substitute(text: str, names: Mapping[str, Any], *, partly: bool = False) -> str:
    """Replace every `$name`; with `partly`, names that have no value yet stay."""
    template = Template(text)
    texts = {name: _text(value) for name, value in names.items()}
    return template.safe_substitute(texts) if partly else template.substitute(texts)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _facts(folder: Path, table: TargetTable, names: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the target's own program what this machine and its model can do."""
    if table.facts is None:
        return {}
    argv = [substitute(part, names) for part in table.facts.command]
    env = {key: substitute(text, names, partly=True) for key, text in table.env.items()}
    try:
        output = run(argv, folder=folder, env=env, seconds=_FACTS_SECONDS)
    except CommandError as error:
        raise UsageError(f"[facts] {error}") from None
    try:
        facts = json.loads(output)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise UsageError(f"[facts] must print one JSON object, but printed {output[:80]!r}")
    return facts


def _space(table: TargetTable, names: Mapping[str, Any]) -> SearchSpace:
    constants = {name: value for name, value in names.items() if name not in ("python", "home")}
    known = {*constants, *table.space}
    for place, expressions in (("[when]", table.when.values()), ("constraints", table.constraints)):
        for expression in expressions:
            for name in names_in(expression) - known:
                raise UsageError(f"{place} {expression!r}: {unknown('name', name, known)}")
    return SearchSpace(
        knobs=tuple(_knob(name, knob, constants) for name, knob in table.space.items()),
        conditions=table.when,
        constraints=tuple(table.constraints),
        constants=constants,
    )


def _knob(name: str, table: KnobTable, constants: Mapping[str, Any]) -> Knob:
    default = resolve(table.default, constants)
    if table.choices is not None:
        if table.low is not None or table.high is not None:
            raise UsageError(f"[space] {name}: give low and high, or choices, not both")
        choices = tuple(resolve(table.choices, constants))
        return ChoiceKnob(name=name, choices=choices, default=default, description=table.description)
    if table.low is None or table.high is None:
        raise UsageError(f"[space] {name}: needs low and high, or choices")
    low, high = resolve(table.low, constants), resolve(table.high, constants)
    return RangeKnob(
        name=name,
        low=low,
        high=high,
        default=default,
        integer=all(isinstance(value, int) for value in (low, high, default)),
        log=table.log,
        description=table.description,
    )


def _answers(folder: Path, table: TargetTable, names: Mapping[str, Any], space: SearchSpace) -> Answers:
    requests = None
    if table.answers.requests is not None:
        requests = folder / substitute(table.answers.requests, names)
        if not requests.is_file():
            raise UsageError(f"[answers] requests: there is no file {requests}")
    return Answers(
        path=table.answers.path,
        requests=requests,
        field=table.answers.field,
        accuracy_knobs=tuple(table.answers.accuracy_knobs) or space.names,
    )


def _starts(table: TargetTable, space: SearchSpace, names: Mapping[str, Any]) -> tuple[Configuration, ...]:
    """The expert starts that are possible here; one that asks for more than this machine has is left out."""
    starts = []
    for values in table.starts:
        for name in values:
            space.knob(name)
        try:
            configuration = space.configuration({name: resolve(value, names) for name, value in values.items()})
        except UsageError:
            continue
        if space.violated(configuration) is None:
            starts.append(configuration)
    return tuple(starts)


def _locustfile(folder: Path, override: str | None, own: str | None) -> Path:
    if override is not None:
        path = Path(override)
        if not path.is_file():
            raise UsageError(f"--locustfile: there is no file {path}")
        return path.resolve()
    if own is None:
        return bundled.locustfiles() / "agent.py"
    for candidate in (folder / own, bundled.locustfiles() / own):
        if candidate.is_file():
            return candidate
    raise UsageError(f"locustfile: there is no file {own} in {folder} or among the bundled locustfiles")
