"""`tuner gate`: is what you changed worse than what was there?"""

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options

if TYPE_CHECKING:
    from tuner.gate.result import Gate, Settings
    from tuner.gate.side import Launchable
    from tuner.study.workload import Workload
    from tuner.terminal import Output

Baseline = Annotated[
    str,
    typer.Option(
        "--baseline",
        help="What to hold the new one against: a git revision or a folder of the target, both launched in the same "
        "configuration; or a file with the baseline's knobs in [set].",
    ),
]
MaxP99 = Annotated[str, typer.Option("--max-p99", help="Most that p99 may rise, such as +5%.")]
MinThroughput = Annotated[str, typer.Option("--min-throughput", help="Most that throughput may fall, such as -5%.")]
Longest = Annotated[str, typer.Option("--at-most", help="Longest time for all launches together.")]


def gate(
    context: typer.Context,
    baseline: Baseline,
    target: options.TargetName = "reference",
    sets: options.Sets = None,
    max_p99: MaxP99 = "+5%",
    min_throughput: MinThroughput = "-5%",
    max_accuracy_drop: options.Drop = "1pt",
    at_most: Longest = "3min",
    users: options.Users = None,
    rate: options.Rate = None,
    p99_within: options.Within = None,
    measure_at_most: options.AtMost = None,
    load_processes: options.LoadProcesses = 1,
    seed: options.Seed = 0,
    out: options.Out = Path("reports"),
    locustfile: options.Locustfile = None,
    runtime_python: options.RuntimePython = None,
) -> None:
    """Launch baseline and new in turns until it is clear whether the new one is worse, and write reports for CI.

    Exit code 0: no regression; 5: regression; 6: the launches did not decide, or were disturbed.

    Example: tuner gate --target ./server --baseline origin/main --max-p99 +5% --min-throughput -5%
    """
    from tuner.gate.effect import Figure, Limit
    from tuner.gate.result import Settings
    from tuner.gate.side import New
    from tuner.gate.side import baseline as launchable
    from tuner.machine import cores, place
    from tuner.report.gate.console import print_gate
    from tuner.report.gate.write import require_kept, write_gate
    from tuner.target import spec
    from tuner.units import parse_change, parse_seconds, parse_share

    output = options.output(context)
    limits = (
        Limit(figure=Figure.P99, ratio=parse_change(max_p99)),
        Limit(figure=Figure.THROUGHPUT, ratio=parse_change(min_throughput)),
    )
    drop, seconds = parse_share(max_accuracy_drop), parse_seconds(at_most)
    workload = _workload(users, rate, p99_within, measure_at_most, load_processes)
    placement = place(cores(), workload.processes_here)
    own = options.target_options(context, target)
    loaded = spec.load(target, own, locustfile, placement.server, runtime_python)
    options.require_open_loop(workload, loaded)
    given = {name: str(loaded.names[name]) for name in own}
    held = options.parse_sets(loaded, sets)
    new = New(target=loaded, reference=spec.reference(target), options=given, sets=held, cores=placement.server)
    name = f"gate-{datetime.now():%Y%m%d-%H%M%S}"
    with launchable(baseline, new) as before:
        settings = Settings(
            name=name,
            baseline=before.described,
            new=new.side.described,
            workload=workload,
            limits=limits,
            max_accuracy_drop=drop,
            seconds=seconds,
            seed=seed,
        )
        found = _run(settings, before, new.side, out.resolve() / name, output)
    print_gate(found, write_gate(found, out.resolve() / name), output)
    require_kept(found)


def _workload(
    users: str | None, rate: str | None, within: str | None, at_most: str | None, processes: int
) -> "Workload":
    """Read the one load of a gate: the time is better spent on more launches than on more loads."""
    from tuner.errors import UsageError

    one = users or (None if rate is not None else "32")
    workload = options.workload(one, rate, within, at_most, processes)
    if len(workload.loads) > 1:
        raise UsageError(f"a gate has one load, but got {', '.join(map(str, workload.loads))}: give the target load")
    return workload


def _run(settings: "Settings", baseline: "Launchable", new: "Launchable", folder: Path, output: "Output") -> "Gate":
    """Launch until it is decided, and put together what was found."""
    import time

    from tuner.gate import run
    from tuner.gate.launches import launches
    from tuner.gate.result import Gate
    from tuner.machine import cores, fingerprint, place
    from tuner.measure.protocol import Watcher
    from tuner.report.gate.console import GateProgress

    machine, placement = fingerprint(), place(cores(), settings.workload.processes_here)
    started, began = datetime.now().astimezone().isoformat(timespec="seconds"), time.monotonic()
    with GateProgress(output) as progress:
        watcher = Watcher(on_phase=progress.phase, on_tick=progress.tick)
        launch = launches(settings, baseline, new, folder, machine, placement, watcher)
        found = run.run(settings, launch, on_round=progress.round)
    return Gate(
        settings=settings,
        machine=machine,
        placement=placement,
        command=shlex.join(["tuner", *sys.argv[1:]]),
        started=started,
        seconds=time.monotonic() - began,
        rounds=tuple(found.rounds),
        looks=tuple(found.looks),
        effects=found.effects,
        failure=found.failure,
    )
