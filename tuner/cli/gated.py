"""From two sides to a verdict and its files: what `tuner gate` does once it knows what to launch."""

import time
from datetime import datetime
from pathlib import Path

from tuner.errors import Terminated, TunerError
from tuner.gate.effect import Ruling
from tuner.gate.launches import launches
from tuner.gate.result import Gate, Settings
from tuner.gate.side import Launchable
from tuner.gate.turns import Progress, interrupted, take_turns
from tuner.machine import Placement, fingerprint
from tuner.report.gate.console import GateProgress, print_gate
from tuner.report.gate.write import require_kept, write_gate, write_step_summary
from tuner.terminal import Output, complain, writable


def run(
    settings: Settings,
    baseline: Launchable,
    new: Launchable,
    placement: Placement,
    *,
    command: str,
    folder: Path,
    output: Output,
) -> None:
    """Launch until it is decided, and report what there is, also when a person, a signal or an error ends it."""
    machine, found = fingerprint(), Progress(settings=settings)
    started, began = datetime.now().astimezone().isoformat(timespec="seconds"), time.monotonic()

    def report(error: str | None = None) -> Gate:
        gate = Gate(
            settings=settings,
            machine=machine,
            placement=placement,
            command=command,
            started=started,
            seconds=time.monotonic() - began,
            rounds=tuple(found.rounds),
            looks=tuple(found.looks),
            effects=found.effects,
            quality=found.quality,
            reliability=found.reliability,
            failure=found.failure,
            error=error,
        )
        _report(gate, folder, output)
        return gate

    try:
        with GateProgress(output) as progress:
            launch, compare = launches(settings, baseline, new, folder, machine, placement, progress.watcher)
            take_turns(found, launch, compare, on_round=progress.round)
    except (KeyboardInterrupt, Terminated):
        interrupted(found)
        report("interrupted" if found.ruling is Ruling.INCONCLUSIVE else None)
        raise
    except TunerError as error:
        interrupted(found)
        report(writable(str(error)))
        raise
    require_kept(report())


def _report(gate: Gate, folder: Path, output: Output) -> None:
    """Say the verdict before anything is written: a disk that is full must not keep it secret."""
    print_gate(gate, folder / "index.html", output)
    write_gate(gate, folder)
    if warning := write_step_summary(gate):
        complain(f"warning: {warning}")
    output.say(f"Report: {folder / 'index.html'}")
