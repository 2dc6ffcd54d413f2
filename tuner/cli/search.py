"""`tuner search`: the main job."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import options


def search(
    context: typer.Context,
    target: options.TargetName = "reference",
    budget: Annotated[int, typer.Option("--budget", min=1, help="How many configurations to measure.")] = 50,
    users: options.Users = None,
    rate: options.Rate = None,
    slo: options.SloText = None,
    max_accuracy_drop: options.Drop = "1pt",
    quality_objective: options.QualityObjective = False,
    sets: options.Sets = None,
    vary: options.Vary = None,
    seed: options.Seed = 0,
    name: Annotated[str | None, typer.Option("--name", help="Name of the study; default: target and time.")] = None,
    out: options.Out = Path("reports"),
    storage: options.Storage = None,
    locustfile: options.Locustfile = None,
    runtime_python: options.RuntimePython = None,
    p99_within: options.Within = None,
    measure_at_most: options.AtMost = None,
    load_processes: options.LoadProcesses = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and how long it takes.")] = False,
) -> None:
    """Measure configurations of a target, confirm the best, and write the report.

    Example: tuner search --budget 50 --users 4,32 --slo p99=50ms
    """
    from tuner.errors import UsageError, study_exists
    from tuner.target import spec
    from tuner.terminal import writable
    from tuner.units import parse_share

    output = options.output(context)
    workload = options.workload(users, rate, p99_within, measure_at_most, load_processes)
    prepared = options.prepared(context, target, workload, locustfile, runtime_python)
    loaded = prepared.target
    # Late: all this takes a while to load, and what is mistyped is told before.
    from tuner.study.objectives import Limits
    from tuner.study.study import Settings

    drop = options.read("--max-accuracy-drop", parse_share, max_accuracy_drop)
    limits = Limits(slo=options.slo(slo, loaded), max_accuracy_drop=drop)
    if quality_objective and not loaded.answers.compared:
        raise UsageError(f"--quality-objective: {loaded.name} has no [answers] with requests and field to compare")
    settings = Settings(
        name=options.study_name(name, loaded.name),
        # A path may hold any bytes. That such a study cannot be resumed is better than that it cannot be kept.
        target=writable(spec.reference(target)),
        options={option: writable(value) for option, value in prepared.given.items()},
        pinned=options.held(loaded, sets, vary),
        workload=workload,
        limits=limits,
        budget=budget,
        seed=seed,
        locustfile=writable(str(loaded.locustfile)) if locustfile else None,
        quality_objective=quality_objective,
        runtime_python=writable(loaded.runtime_python) if loaded.runtime_python else None,
    )
    words: Sequence[str] = context.obj.command
    if storage is not None:
        from tuner.search.database import absolute, without_password

        words = [word.replace(storage, without_password(storage)) for word in words]
        storage = absolute(storage)
    if dry_run:
        from tuner.cli.plan import print_plan

        if (folder := out.resolve() / settings.name).exists():
            raise study_exists(folder)
        print_plan(settings, loaded, output)
    else:
        from tuner.cli.run import run

        run(
            settings,
            loaded,
            prepared.placement,
            command=writable(shlex.join(words)),
            out=out,
            storage=storage,
            output=output,
        )
