"""`tuner gate`: is what you changed worse than what was there?"""

import shlex
import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from tuner.cli import options

if TYPE_CHECKING:
    from tuner.gate.result import Gate, Settings
    from tuner.gate.run import Progress
    from tuner.gate.side import Launchable
    from tuner.machine import Machine, Placement
    from tuner.study.workload import Workload
    from tuner.terminal import Output

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
Longest = Annotated[str, typer.Option("--at-most", help="Longest time for all launches together.")]


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

    Exit codes: 0 no regression; 5 regression; 6 the launches did not decide, or were disturbed.

    Example: tuner gate --target ./server --baseline origin/main --max-p99 +5% --min-throughput -5%
    """
    from tuner.gate.effect import Figure, Limit
    from tuner.gate.result import Settings
    from tuner.gate.side import New
    from tuner.gate.side import baseline as launchable
    from tuner.machine import cores, place
    from tuner.target import spec
    from tuner.units import parse_change, parse_seconds, parse_share

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
        begun = Begun.now(shlex.join(["tuner", *context.obj.words]))
        _gate(settings, before, new.side, out.resolve() / name, begun, options.output(context))


def _workload(
    users: str | None, rate: str | None, within: str | None, at_most: str | None, processes: int
) -> "Workload":
    """Read the load; of a ladder only the target, as time is better spent on more launches than on more loads."""
    one = users or (None if rate is not None else "32")
    workload = options.workload(one, rate, within, at_most, processes)
    return replace(workload, loads=(workload.target,))


def _gate(
    settings: "Settings", baseline: "Launchable", new: "Launchable", folder: Path, begun: "Begun", output: "Output"
) -> None:
    """Launch until it is decided, and report what there is, also when a person or a signal ends it."""
    from tuner.errors import Terminated
    from tuner.gate import run
    from tuner.gate.launches import launches
    from tuner.machine import cores, fingerprint, place
    from tuner.measure.protocol import Watcher
    from tuner.report.gate.console import GateProgress, print_gate
    from tuner.report.gate.write import require_kept, write_gate

    machine, placement = fingerprint(), place(cores(), settings.workload.processes_here)
    found = run.Progress()
    try:
        with GateProgress(output) as progress:
            watcher = Watcher(on_phase=progress.phase, on_tick=progress.tick)
            launch = launches(settings, baseline, new, folder, machine, placement, watcher)
            run.run(settings, launch, found, on_round=progress.round)
    except (KeyboardInterrupt, Terminated):
        run.interrupted(settings, found)
        gate = begun.ended(settings, found, machine, placement)
        print_gate(gate, write_gate(gate, folder), output)
        raise
    gate = begun.ended(settings, found, machine, placement)
    print_gate(gate, write_gate(gate, folder), output)
    require_kept(gate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """When a gate began, and by which command."""

    command: str
    started: str
    moment: float

    @classmethod
    def now(cls, command: str) -> Self:
        """Return the beginning that is now."""
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        return cls(command=command, started=started, moment=time.monotonic())

    def ended(self, settings: "Settings", found: "Progress", machine: "Machine", placement: "Placement") -> "Gate":
        """Put together what was found until now."""
        from tuner.gate.result import Gate

        return Gate(
            settings=settings,
            machine=machine,
            placement=placement,
            command=self.command,
            started=self.started,
            seconds=time.monotonic() - self.moment,
            rounds=tuple(found.rounds),
            looks=tuple(found.looks),
            effects=found.effects,
            failure=found.failure,
        )
