"""A target as the rest of tuner sees it: every name checked, every bound computed for this machine."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from pydantic import TypeAdapter, ValidationError

from tuner import bundled
from tuner.errors import TargetFileError, UsageError, unknown
from tuner.files import require_text
from tuner.machine import cores, place
from tuner.runtimes import store
from tuner.runtimes.known import advice
from tuner.runtimes.python import interpreter
from tuner.study.expressions import names_in, resolve
from tuner.study.objectives import Slo, parse_slo
from tuner.study.space import ChoiceKnob, Configuration, Knob, RangeKnob, SearchSpace
from tuner.target import file as target_file
from tuner.target.answers import Answers, answers
from tuner.target.command import CommandError, environment, run
from tuner.target.file import KnobTable, TargetTable, TimeoutsTable
from tuner.target.inputs import Prepare, preparation
from tuner.target.names import PLACES, check, check_facts, substitute

_FACTS_SECONDS = 60.0
_CLOSED_LOOP = bundled.locustfiles() / "agent.py"
_OPEN_LOOP = bundled.locustfiles() / "open_loop.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hot:
    """The knobs that a running server takes without a restart, and the path that it takes them at."""

    path: str
    knobs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server that can be launched: templates with `$names`, and the space that they span.

    `open_locustfile` sends the same requests as `locustfile` on a schedule; nothing does where that is one's own.
    `names` holds every `$name` that has one value for the whole study: options, facts, `$home`, `$cores`, `$python`,
    `$cache`. `notes` are sentences of the [facts] that people should read before anything is measured.
    A search leaves the knobs `left_alone` at their defaults, unless it is asked to vary them, and keeps `slo`, unless
    it is given another.
    """

    name: str
    folder: Path
    command: tuple[str, ...]
    ready: str
    effective: str | None
    locustfile: Path
    open_locustfile: Path | None
    env: Mapping[str, str]
    files: Mapping[str, str]
    prepare: Prepare | None
    timeouts: TimeoutsTable
    answers: Answers
    space: SearchSpace
    starts: tuple[Configuration, ...]
    names: Mapping[str, Any]
    notes: tuple[str, ...]
    hot: Hot | None
    left_alone: tuple[str, ...]
    slo: Slo | None

    @property
    def cold_accuracy_knobs(self) -> tuple[str, ...]:
        """The knobs that can change an answer, without those that a running server takes."""
        hot = self.hot.knobs if self.hot else ()
        return tuple(name for name in self.answers.accuracy_knobs if name not in hot)

    @property
    def tells_rows(self) -> bool:
        """Whether its load says which request an answer is to, so that answers under load can be compared."""
        return self.open_locustfile is not None

    @property
    def runs(self) -> Mapping[str, Mapping[str, str]]:
        """Of each execution provider that was tried the precisions, with the reason why not, or ""; a fact."""
        found: Mapping[str, Mapping[str, str]] = self.names.get("runs", {})
        return found

    def why_not(self, provider: str) -> str:
        """Why an execution provider runs no precision here, and what to do; empty for all that is not known to fail."""
        reasons = list(self.runs.get(provider, {}).values())
        if not reasons or not all(reasons):
            return ""
        return "; ".join(filter(None, (reasons[0], advice(provider))))

    @property
    def runtime_python(self) -> str | None:
        """The interpreter of the target's programs, where it is not ours."""
        python = str(self.names["python"])
        return None if python == sys.executable else python

    def starts_with(self, pinned: Configuration) -> list[Configuration]:
        """The expert starts with some knobs pinned; one that is about a knob that is left alone is left out."""
        space, default = self.space.pinned(pinned), self.space.default()
        alone = [name for name in self.left_alone if name in pinned]
        return [
            space.configuration({**start, **pinned})
            for start in self.starts
            if all(start[name] in (default[name], pinned[name]) for name in alone)
        ]


def find(name: str) -> Path:
    """Find the folder of a target: a bundled name, or a path."""
    folder = named(name)
    require_text("--target", folder)
    return folder if folder.parent == bundled.targets() else folder.resolve()


def named(name: str) -> Path:
    """Return the folder of a target as it was named: links in its path are not followed."""
    if not name:
        raise UsageError("--target '': give a bundled target's name, or a folder; . is this one")
    here = Path(name)
    if (here / "target.toml").is_file():
        return here
    if here.name == "target.toml" and here.is_file():
        return here.parent
    folder = bundled.targets() / name
    if (folder / "target.toml").is_file():
        return folder
    if here.is_dir():
        raise TargetFileError(f"{here}: has no target.toml; `tuner targets` shows the bundled ones as examples")
    raise UsageError(
        f"--target: {unknown('target', name, bundled.target_names())}, nor is it a folder with a target.toml"
    )


def reference(name: str) -> str:
    """Write a target's name so that it means the same from any folder: a bundled name, or a whole path."""
    folder = find(name)
    return folder.name if folder.parent == bundled.targets() else str(folder)


def declared_options(name: str) -> dict[str, str]:
    """The options that a target declares, each with what it is."""
    return {key: option.help for key, option in target_file.read(find(name) / "target.toml").options.items()}


def locustfile_of(name: str) -> Path:
    """Find the locustfile that a target is driven with where none is given."""
    folder = find(name)
    return _locustfile(folder, target_file.read(folder / "target.toml").locustfile)


def description(name: str) -> str:
    """What a target says about itself."""
    return target_file.read(find(name) / "target.toml").description


def load(
    name: str,
    options: Mapping[str, str] | None = None,
    locustfile: str | None = None,
    server_cores: Sequence[int] | None = None,
    runtime_python: str | None = None,
) -> Target:
    """Load a target by name or folder; raises UsageError or TargetFileError with one sentence.

    `server_cores` are those that it runs on: `$cores` counts them. `runtime_python` is its `$python`, or else ours.
    """
    folder = find(name)
    path = folder / "target.toml"
    table = target_file.read(path)
    # What the user typed is judged before, and apart from, what the file says.
    chosen = _options(table, options or {})
    own_locustfile = _own_locustfile(locustfile)
    names = {
        **chosen,
        "python": interpreter(runtime_python),
        "home": str(folder),
        "runtimes": str(store.folder()),
        "cache": str(user_cache_path("agent-tuner") / "facts" / folder.name),
        "cores": len(server_cores or place(cores()).server),
    }
    try:
        return _build(folder, table, names, own_locustfile)
    except TargetFileError:
        raise
    except UsageError as error:
        raise TargetFileError(f"{path}: {error}") from None


def _build(folder: Path, table: TargetTable, known: Mapping[str, Any], own_locustfile: Path | None) -> Target:
    check_facts(table)
    facts = _facts(folder, table, known)
    check(table, facts)
    # A fact settles an option of the same name that was left open.
    names = {**known, **facts}
    space = _space(table, names)
    if broken := space.violated(space.default()):
        raise UsageError(f"[space]: the defaults together break {broken!r}; choose defaults that satisfy it")
    locustfile = own_locustfile or _locustfile(folder, table.locustfile)
    return Target(
        name=folder.name,
        folder=folder,
        command=tuple(table.command),
        ready=table.ready,
        effective=table.effective,
        locustfile=locustfile,
        open_locustfile=_OPEN_LOOP if locustfile == _CLOSED_LOOP else None,
        env=table.env,
        files=table.files,
        prepare=preparation(folder, table.prepare, names, space.names) if table.prepare else None,
        timeouts=table.timeouts,
        answers=answers(folder, table, names, space),
        space=space,
        starts=_starts(table, space, names),
        names=names,
        notes=tuple(map(str, facts.get("notes", ()))),
        hot=Hot(path=table.hot.path, knobs=tuple(table.hot.knobs)) if table.hot else None,
        left_alone=tuple(name for name, knob in table.space.items() if not knob.search),
        slo=parse_slo(slo, "slo") if (slo := str(resolve(table.slo or "", names))) else None,
    )


def _options(table: TargetTable, given: Mapping[str, str]) -> dict[str, str]:
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


def _facts(folder: Path, table: TargetTable, names: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the target's own program what this machine and its model can do."""
    if table.facts is None:
        return {}
    argv = [substitute(part, names) for part in table.facts.command]
    env = {key: substitute(text, names, partly=True) for key, text in table.env.items()}
    try:
        output = run(argv, folder=folder, env=environment(env), seconds=_FACTS_SECONDS)
    except CommandError as error:
        raise UsageError(f"[facts] {error}") from None
    try:
        facts = json.loads(output)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise UsageError(f"[facts] must print one JSON object, but printed {output[:80]!r}")
    if not isinstance(facts.get("notes", []), list):
        raise UsageError(f"[facts] notes must be a list of sentences, but is {facts['notes']!r}")
    try:
        TypeAdapter(dict[str, dict[str, str]]).validate_python(facts.get("runs", {}), strict=True)
    except ValidationError:
        raise UsageError("[facts] runs: must be an object of providers, each one of precisions with a text") from None
    return facts


def _space(table: TargetTable, names: Mapping[str, Any]) -> SearchSpace:
    # A fact that is a table is there to be read by people: no expression could.
    constants = {
        name: value for name, value in names.items() if name not in ("python", *PLACES) and not isinstance(value, dict)
    }
    known = {*constants, *table.space}
    for where, expressions in (("[when]", table.when.values()), ("constraints", table.constraints)):
        for expression in expressions:
            for name in names_in(expression) - known:
                raise UsageError(f"{where} {expression!r}: {unknown('name', name, known)}")
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
        choices = resolve(table.choices, constants)
        if not isinstance(choices, list):
            raise UsageError(f"[space] {name}: choices is {choices!r}, which is no list")
        return ChoiceKnob(name=name, choices=tuple(choices), default=default, description=table.description)
    if table.low is None or table.high is None:
        raise UsageError(f"[space] {name}: needs low and high, or choices")
    low, high = resolve(table.low, constants), resolve(table.high, constants)
    for key, value in (("low", low), ("high", high), ("default", default)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"[space] {name}: {key} is {value!r}, which is no number")
    return RangeKnob(
        name=name,
        low=low,
        high=high,
        default=default,
        integer=all(isinstance(value, int) for value in (low, high, default)),
        log=table.log,
        description=table.description,
    )


def _starts(table: TargetTable, space: SearchSpace, names: Mapping[str, Any]) -> tuple[Configuration, ...]:
    """The expert starts that are possible here; one that asks for more than this machine has is left out."""
    starts = []
    for values in table.starts:
        resolved = {name: resolve(value, names) for name, value in values.items()}
        if not all(space.knob(name).offers(value) for name, value in resolved.items()):
            continue
        configuration = space.configuration(resolved)
        if space.violated(configuration) is None:
            starts.append(configuration)
    return tuple(starts)


def _own_locustfile(given: str | None) -> Path | None:
    if given is None:
        return None
    if "," in given:
        raise UsageError(f"--locustfile {given!r}: Locust reads a comma as the end of a name; rename the file")
    path = Path(given)
    if not path.is_file():
        raise UsageError(f"--locustfile: there is no file {path}")
    if path.suffix != ".py":
        raise UsageError(f"--locustfile {given}: Locust reads Python only; give a file whose name ends in .py")
    require_text("--locustfile", path.resolve())
    return path.resolve()


def _locustfile(folder: Path, name: str | None) -> Path:
    if name is None:
        return _CLOSED_LOOP
    for candidate in (folder / name, bundled.locustfiles() / name):
        if candidate.is_file():
            return candidate
    raise UsageError(f"locustfile: there is no file {name} in {folder} or among the bundled locustfiles")
