"""The `$names` of a `target.toml`: where each may stand, and what is put in their place."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from string import Template
from typing import Any

from tuner.errors import UsageError, unknown
from tuner.target.file import HotTable, TargetTable

PLACES = ("home", "runtimes", "cache")
"""Reserved names of folders: the target's own, the one of the runtimes that `tuner runtime add` installs, and one where
the target's [facts] may keep files."""

STUDY_NAMES = ("python", "cores", *PLACES)
"""Reserved names that have one value for the whole study."""

RESERVED = (*STUDY_NAMES, "port", "workdir", "artifact")


def substitute(text: str, names: Mapping[str, Any], *, partly: bool = False) -> str:
    """Replace every `$name`; with `partly`, names that have no value yet stay."""
    template = Template(text)
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in names.items()}
    return template.safe_substitute(texts) if partly else template.substitute(texts)


def _places(table: TargetTable, facts: Collection[str]) -> Iterator[tuple[str, Iterable[str], set[str]]]:
    """Yield each place of a target file with its templates and the names that have a value there."""
    study = {*STUDY_NAMES, *table.options, *facts}
    launch = {*RESERVED, *table.options, *facts, *table.space}
    yield "command", table.command, launch
    yield "[env]", table.env.values(), launch
    yield "[files]", [*table.files, *table.files.values()], launch
    yield "[prepare]", table.prepare.command if table.prepare else (), {*study, *table.space, "artifact"}
    yield "[prepare] files", table.prepare.files if table.prepare else (), study
    yield "[answers] requests", [table.answers.requests or ""], study
    yield "[answers] test", [table.answers.test or ""], study


def check_facts(table: TargetTable) -> None:
    """Refuse, before it is run, a [facts] command with a name that has no value."""
    if table.facts is not None:
        _names_in("[facts]", table.facts.command, {*STUDY_NAMES, *table.options})


def check(table: TargetTable, facts: Collection[str] = ()) -> None:
    """Refuse a name that has no value where it stands, and a knob that is used nowhere; `facts` are names too."""
    for name in table.space:
        if name in RESERVED or name in table.options or name in facts:
            raise UsageError(f"[space] {name}: the name is taken")
    for name in facts:
        if name in RESERVED:
            raise UsageError(f"[facts] prints {name!r}: the name is taken")
    used = {name for place, texts, known in _places(table, facts) for name in _names_in(place, texts, known)}
    for name in table.space:
        if name not in used:
            raise UsageError(f"[space] {name}: no ${name} in command, [env], [files] or [prepare], so it does nothing")
    for place, keys in (
        ("[when]", table.when),
        ("[answers] accuracy_knobs", table.answers.accuracy_knobs),
        ("[hot] knobs", table.hot.knobs if table.hot else ()),
    ):
        for name in keys:
            if name not in table.space:
                raise UsageError(f"{place}: {unknown('knob', name, table.space)}")
    if table.hot is not None:
        _check_hot(table, table.hot)


def _names_in(place: str, texts: Iterable[str], known: Collection[str]) -> set[str]:
    """The names in the templates of a place, each of which must be known."""
    used: set[str] = set()
    for text in texts:
        template = Template(text)
        if not template.is_valid():
            raise UsageError(f"{place}: {text!r} has a $ that begins no name; write $$ for a plain one")
        for name in template.get_identifiers():
            if name not in known:
                raise UsageError(f"{place}: {unknown('name', f'${name}', [f'${other}' for other in known])}")
            used.add(name)
    return used


def _check_hot(table: TargetTable, hot: HotTable) -> None:
    """Refuse knobs that a running server cannot take, or that nobody would know it has taken."""
    if table.effective is None:
        raise UsageError("[hot]: needs `effective`, the path where a running server says that it took its knobs")
    built = _built_from(table)
    for name in hot.knobs:
        if name in built:
            reason = f"{built[name]} uses ${name}, so another value needs another artifact, and a new launch"
            raise UsageError(f"[hot] knobs: {reason}; leave {name} out")


def _built_from(table: TargetTable) -> dict[str, str]:
    """Map each name that an artifact depends on to where it stands: [prepare] sees [env] too."""
    if table.prepare is None:
        return {}
    own = (*table.prepare.command, *table.prepare.depends)
    places = (("[env], which [prepare] sees,", table.env.values()), ("[prepare]", own))
    return {name: place for place, texts in places for text in texts for name in Template(text).get_identifiers()}
