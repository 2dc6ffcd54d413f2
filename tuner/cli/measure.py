"""`tuner measure`: one configuration, by the protocol of a search."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options

if TYPE_CHECKING:
    from tuner.study.objectives import Slo
    from tuner.study.settings import MeasureSettings
    from tuner.study.trial import Measurement
    from tuner.study.workload import Workload


def measure(
    context: typer.Context,
    target: options.TargetName = "reference",
    sets: options.Sets = None,
    url: Annotated[str | None, typer.Option("--url", help="Measure a server that you started yourself.")] = None,
    users: options.Users = None,
    rate: options.Rate = None,
    slo: options.SloText = None,
    seed: options.Seed = 0,
    out: options.Out = Path("reports"),
    locustfile: options.Locustfile = None,
    runtime_python: options.RuntimePython = None,
    p99_within: options.Within = None,
    measure_at_most: options.AtMost = None,
    load_processes: options.LoadProcesses = 1,
    load_master: options.LoadMaster = None,
) -> None:
    """Measure one configuration: the default as changed by --set, or, with --url, a server you started.

    Exit code 3 where it misses the --slo.

    Example: tuner measure --set workers=2 --set intra_op_threads=1
    """
    from tuner.errors import UsageError

    options.require_url(url, sets)
    output = options.output(context)
    workload = options.workload(users, rate, p99_within, measure_at_most, load_processes, load_master)
    if load_master is not None and url is None and not load_master.startswith("127."):
        raise UsageError(
            "--load-master: other machines cannot reach what tuner launches; start it there and give --url"
        )
    prepared = options.prepared(context, target, workload, locustfile, runtime_python)
    loaded = prepared.target
    configuration = loaded.space.configuration(options.parse_sets(loaded, sets))
    # Late: all this takes a while to load, and what is mistyped is told before.
    from tuner.cli.folders import run_folder
    from tuner.machine import fingerprint
    from tuner.measure import measurement
    from tuner.measure.failed import as_error
    from tuner.measure.protocol import Protocol
    from tuner.measure.verify import Verifier
    from tuner.report.console import print_measurement
    from tuner.report.progress import LaunchProgress
    from tuner.study.objectives import Limits
    from tuner.study.trial import Failure

    limits = Limits(slo=options.slo(slo, loaded))
    folder = run_folder(out, "measure")
    with LaunchProgress(output, aloud=True) as progress:
        protocol = Protocol(
            target=loaded,
            workload=workload,
            limits=limits,
            verifier=Verifier(loaded, folder / "answers", workload.concurrency, seed),
            machine=fingerprint(),
            placement=prepared.placement,
            watcher=progress.watcher,
            seed=seed,
            settings=_settings(target, prepared, workload, locustfile),
        )
        if url is None:
            outcome = measurement.measure(protocol, configuration, folder)
        else:
            outcome = measurement.measure_url(protocol, url.rstrip("/"), folder)
    if isinstance(outcome, Failure):
        # Where nobody answered, nothing has written a log.
        raise as_error(outcome, f"logs in {folder}: " if any(folder.glob("*.log")) else "")
    print_measurement(outcome, folder, output)
    if slo is not None and (asked := limits.slo) is not None:
        require_kept(outcome, asked)


def _settings(
    target: str, prepared: options.Prepared, workload: "Workload", locustfile: str | None
) -> "MeasureSettings":
    """Say what is measured, for whoever compares it later."""
    from tuner.study.settings import MeasureSettings
    from tuner.target import spec

    return MeasureSettings(
        target=spec.reference(target),
        workload=workload,
        options=prepared.given,
        locustfile=str(prepared.target.locustfile) if locustfile else None,
        runtime_python=prepared.target.runtime_python,
    )


def require_kept(measurement: "Measurement", slo: "Slo") -> None:
    """Raise what the exit code says where the SLO that was asked for is missed, or cannot be judged."""
    from tuner.errors import InfeasibleError, InvalidMeasurementError
    from tuner.units import format_seconds

    level = measurement.target
    if slo.metric == "p99" and level.told_p99 is None:
        few = f"{level.requests} requests are too few for a p99 at {level.load}; measure longer with --measure-at-most"
        raise InvalidMeasurementError(f"cannot tell whether the SLO {slo} is met: {few}")
    if (found := level.metric(slo.metric)) > slo.limit:
        raise InfeasibleError(f"the SLO {slo} is missed: {slo.metric} is {format_seconds(found)} at {level.load}")
