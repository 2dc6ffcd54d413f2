"""From a search request to a finished report: what `search` and `resume` have in common."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tuner.cli.options import parse_sets
from tuner.errors import InfeasibleError, Terminated, UsageError
from tuner.machine import comparable, fingerprint
from tuner.measure.measurement import Protocol, Watcher, measure
from tuner.measure.verify import Verifier
from tuner.report.console import Console, print_plan, print_verdict
from tuner.report.verdict import verdict
from tuner.search import engine
from tuner.search.storage import Header, Store, create
from tuner.study.objectives import Limits
from tuner.study.study import Settings
from tuner.study.workload import Workload
from tuner.target import spec
from tuner.target.spec import Target

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asked of a search, before the target has had its say."""

    target: str
    options: Mapping[str, str]
    sets: tuple[str, ...]
    workload: Workload
    limits: Limits
    budget: int
    seed: int
    name: str | None
    locustfile: str | None
    command: str
    rounds: int = 4


def _header(request: Request) -> tuple[Header, Target]:
    target = spec.load(request.target, request.options, request.locustfile)
    pinned = parse_sets(target.space, request.sets)
    name = request.name or f"{target.name}-{datetime.now():%Y%m%d-%H%M%S}"
    if not _NAME.match(name):
        raise UsageError(f"--name {name!r}: use letters, digits, dots, dashes and underscores, at most 64 of them")
    settings = Settings(
        name=name,
        target=request.target if request.target in spec.bundled_names() else str(target.folder),
        workload=request.workload,
        limits=request.limits,
        budget=request.budget,
        seed=request.seed,
        options=request.options,
        pinned=pinned,
        locustfile=request.locustfile,
        rounds=request.rounds,
    )
    header = Header(
        settings=settings,
        space=target.space.pinned(pinned),
        machine=fingerprint(),
        command=request.command,
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    return header, target


def dry(request: Request) -> None:
    """Print what a search would do."""
    header, _ = _header(request)
    print_plan(header.settings, header.space)


def run(request: Request, out: Path, storage: str | None) -> None:
    """Create the study and search."""
    header, target = _header(request)
    with create(out.resolve(), header, storage) as store:
        _finish(store, target)


def go_on(store: Store) -> None:
    """Search on in a study that exists."""
    settings = store.header.settings
    target = spec.load(settings.target, settings.options, settings.locustfile)
    if target.space.pinned(settings.pinned) != store.header.space:
        raise UsageError(f"{store.folder}: the knobs of {settings.target} changed since it began; start a new study")
    if not comparable(fingerprint(), store.header.machine):
        raise UsageError(f"{store.folder}: was begun on another machine or with other versions; start a new study")
    _finish(store, target)


def _finish(store: Store, target: Target) -> None:
    """Search, and write the report of whatever there is, also when a person or a signal ends it."""
    settings, space = store.header.settings, store.header.space
    starts = [space.configuration({**start, **settings.pinned}) for start in target.starts]
    try:
        with Console(store.header.space.default(), settings) as console:
            protocol = Protocol(
                target=target,
                workload=settings.workload,
                limits=settings.limits,
                verifier=Verifier(target, store.folder / "answers", settings.workload.target, settings.seed),
                watcher=Watcher(on_phase=console.phase, on_tick=console.tick),
                seed=settings.seed,
            )
            engine.search(
                store, starts, lambda configuration, folder: measure(protocol, configuration, folder), console
            )
    except (KeyboardInterrupt, Terminated):
        _report(store)
        print(f"\ninterrupted; go on with: tuner resume {store.folder}", file=sys.stderr)
        raise
    _report(store)
    if verdict(store.study()).configuration is None:
        raise InfeasibleError(f"no configuration keeps the limits ({settings.limits})")


def _report(store: Store) -> None:
    # Imported late: a second of plotly and pandas that the trials need not wait for.
    from tuner.report.write import write_report

    study = store.study()
    print_verdict(study, write_report(study, store.folder))
