"""From settings to a finished report: what `search` and `resume` have in common."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from tuner.cli.options import show_notes
from tuner.doctor.store import known_noise
from tuner.errors import InfeasibleError, InvalidMeasurementError, TunerError, UsageError
from tuner.machine import Placement, comparable, cores, fingerprint
from tuner.measure.kept import Keeper
from tuner.measure.measurement import measure
from tuner.measure.protocol import Protocol
from tuner.measure.verify import Verifier
from tuner.report.console import print_verdict
from tuner.report.progress import SearchProgress
from tuner.report.text import in_shell
from tuner.report.verdict import Verdict, verdict
from tuner.search import engine
from tuner.search.storage import Store, create, lacks_password
from tuner.study.objectives import Limits
from tuner.study.study import Header, Settings
from tuner.target import spec
from tuner.target.spec import Target
from tuner.terminal import PLAIN, Output, complain


def run(
    settings: Settings,
    target: Target,
    placement: Placement,
    *,
    command: str,
    out: Path,
    storage: str | None = None,
    output: Output = PLAIN,
) -> None:
    """Create a study and search."""
    header = Header(
        settings=settings,
        space=target.space.pinned(settings.pinned),
        machine=fingerprint(),
        placement=placement,
        command=command,
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    header = replace(header, noise=known_noise(header))
    with create(out.resolve(), header, storage) as store:
        _search(store, target, output)


def go_on(store: Store, output: Output = PLAIN, budget: int | None = None) -> None:
    """Search on in a study that exists, if nothing that its figures depend on has changed; only the budget may."""
    settings = store.header.settings
    server = store.header.placement.server
    target = spec.load(settings.target, settings.options, settings.locustfile, server, settings.runtime_python)
    if target.space.pinned(settings.pinned) != store.header.space:
        raise UsageError(f"{store.folder}: the knobs of {settings.target} changed since it began; start a new study")
    if not comparable(fingerprint(), store.header.machine):
        raise UsageError(f"{store.folder}: was begun on another machine or with other versions; start a new study")
    placement = store.header.placement
    if not {*placement.server, *placement.load} <= set(cores()):
        raise UsageError(f"{store.folder}: began on other cores than we may use now; start a new study")
    show_notes(target, output)
    if budget is not None:
        store.set_budget(budget)
    _search(store, target, output)


def _search(store: Store, target: Target, output: Output) -> None:
    """Search, and write the report of whatever there is, also when a person, a signal or an error ends it."""
    settings, default = store.header.settings, store.header.space.default()
    users = settings.workload.concurrency
    output.go_on = f"tuner resume {in_shell(str(store.folder))}"
    if lacks_password(store.folder):
        output.go_on += " (with the password of its storage in --storage or TUNER_STORAGE)"
    try:
        with SearchProgress(settings, default, store.trials, output) as progress, Keeper() as keeper:
            protocol = Protocol(
                target=target,
                workload=settings.workload,
                limits=settings.limits,
                verifier=Verifier(target, store.folder / "answers", users, settings.seed, default),
                machine=store.header.machine,
                placement=store.header.placement,
                watcher=progress.watcher,
                seed=settings.seed,
            )
            starts = target.starts_with(settings.pinned)
            engine.search(store, starts, partial(measure, protocol, keeper=keeper), progress)
        found = _report(store, output)
    except BaseException:
        _report_if_possible(store, output)
        raise
    _require_result(found, settings.limits)


def _require_result(found: Verdict, limits: Limits) -> None:
    """Raise what the exit code says where a search names nothing to serve, or confirmed nothing."""
    if found.configuration is None and found.unjudged:
        few = "too few requests for a p99; measure longer with --measure-at-most"
        raise InvalidMeasurementError(f"cannot tell whether a configuration meets the limits ({limits}): {few}")
    if found.configuration is None:
        raise InfeasibleError(f"no configuration meets the limits ({limits})")
    if not found.finalists:
        raise InvalidMeasurementError("nothing was confirmed, as every launch for it failed; the report says why")


def _report_if_possible(store: Store, output: Output) -> None:
    """Write the report of what there is; what ended the search matters more than why there is none."""
    try:
        _report(store, output)
    except TunerError as error:
        complain(f"note: there is no report of what was measured: {error}")


def _report(store: Store, output: Output) -> Verdict:
    # Imported late: plotly takes a while to load, and the trials need not wait for it.
    from tuner.report.write import write_report

    study = store.study()
    print_verdict(study, write_report(study, store.folder), output)
    return verdict(study)
