"""`tuner gate`: is what you changed worse than what was there?"""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options

if TYPE_CHECKING:
    from tuner.study.workload import Workload

Baseline = Annotated[
    str,
    typer.Option(
        "--baseline",
        help="What to hold the new one against: a git revision or a folder of the target, both launched in the same "
        "configuration; or a file with the baseline's knobs in \\[set], such as an earlier tuner.toml.",
    ),
]
MaxP99 = Annotated[str, typer.Option("--max-p99", help="Most that p99 may rise, such as +5%.")]
MinThroughput = Annotated[str, typer.Option("--min-throughput", help="Most that throughput may fall, such as -5%.")]
Drop = Annotated[
    str, typer.Option("--max-accuracy-drop", help="Most accuracy to lose against the baseline, such as 1pt.")
]
Users = Annotated[
    str | None, typer.Option("--users", help="Closed loop: so many users, or the last of a ladder; default: 32.")
]
Rate = Annotated[
    str | None, typer.Option("--rate", help="Open loop instead: arrivals a second, or the last of a ladder.")
]
Longest = Annotated[str, typer.Option("--at-most", help="Time for all launches: no round begins that would end later.")]


def gate(
    context: typer.Context,
    baseline: Baseline,
    target: options.TargetName = "reference",
    sets: options.Sets = None,
    max_p99: MaxP99 = "+5%",
    min_throughput: MinThroughput = "-5%",
    max_accuracy_drop: Drop = "1pt",
    at_most: Longest = "3min",
    users: Users = None,
    rate: Rate = None,
    p99_within: options.Within = None,
    measure_at_most: options.AtMost = None,
    load_processes: options.LoadProcesses = 1,
    seed: options.Seed = 0,
    out: options.Out = Path("reports"),
    locustfile: options.Locustfile = None,
    runtime_python: options.RuntimePython = None,
) -> None:
    """Launch baseline and new in turns until it is clear whether the new one is worse, and write reports for CI.

    Exit codes: 0 no regression; 5 regression, also where only the new one fails; 6 the launches did not decide, or were
    disturbed; 3 the baseline fails, 4 the baseline does not start, so that nothing can be compared.

    Example: tuner gate --target ./server --baseline origin/main --max-p99 +5% --min-throughput -5%
    """
    from tuner.cli import gated
    from tuner.cli.folders import run_folder
    from tuner.errors import UsageError
    from tuner.files import require_text
    from tuner.gate.effect import Figure, Limit
    from tuner.gate.result import Settings
    from tuner.gate.side import New, launchable_baseline
    from tuner.target import spec
    from tuner.terminal import writable
    from tuner.units import parse_change, parse_seconds, parse_share

    require_text("--baseline", baseline)
    limits = (
        Limit(figure=Figure.P99, ratio=options.read("--max-p99", parse_change, max_p99)),
        Limit(figure=Figure.THROUGHPUT, ratio=options.read("--min-throughput", parse_change, min_throughput)),
    )
    drop = options.read("--max-accuracy-drop", parse_share, max_accuracy_drop)
    seconds = options.read("--at-most", parse_seconds, at_most)
    if seconds <= 0.0:
        raise UsageError(f"--at-most {at_most}: nothing can be launched in no time; give some minutes, such as 3min")
    workload = _workload(users, rate, p99_within, measure_at_most, load_processes)
    prepared, output = options.prepared(context, target, workload, locustfile, runtime_python), options.output(context)
    loaded = prepared.target
    new = New(
        target=loaded,
        named=spec.named(target),
        reference=spec.reference(target),
        options=prepared.given,
        sets=options.parse_sets(loaded, sets),
        typed=context.obj.typed,
        cores=prepared.placement.server,
    )
    with launchable_baseline(baseline, new) as before:
        options.show_lines([f"baseline: {note}" for note in before.notes if note not in loaded.notes], output)
        folder = run_folder(out, "gate")
        settings = Settings(
            name=folder.name,
            baseline=before.described,
            new=new.launchable.described,
            workload=workload,
            limits=limits,
            max_accuracy_drop=drop,
            seconds=seconds,
            seed=seed,
        )
        command = writable(shlex.join(context.obj.command))
        gated.run(settings, before, new.launchable, prepared.placement, command=command, folder=folder, output=output)


def _workload(
    users: str | None, rate: str | None, within: str | None, at_most: str | None, processes: int
) -> "Workload":
    """Read the load; of a ladder only the target, as time is better spent on more launches than on more loads."""
    one = "32" if users is None and rate is None else users
    workload = options.workload(one, rate, within, at_most, processes)
    return replace(workload, loads=(workload.target,))
