"""How the two sides of a gate are launched: by the protocol of a search, each with answers of its own."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tuner.gate.result import Settings, Side
from tuner.gate.side import Launchable
from tuner.gate.turns import Compare, Launch
from tuner.machine import Machine, Placement
from tuner.measure.measurement import measure
from tuner.measure.protocol import Protocol, Repetition, Watcher
from tuner.measure.verify import Verifier
from tuner.study.objectives import Limits
from tuner.study.quality import Quality
from tuner.study.trial import Outcome


def launches(
    settings: Settings,
    baseline: Launchable,
    new: Launchable,
    folder: Path,
    machine: Machine,
    placement: Placement,
    watcher: Watcher,
) -> tuple[Launch, Compare]:
    """Return what launches a side, and what compares the answers of both; all that they leave behind is in `folder`.

    In open loop both sides of a round meet the same arrivals, and each round others.
    """
    sides: Mapping[Side, Launchable] = {Side.BASELINE: baseline, Side.NEW: new}
    protocols = {
        side: Protocol(
            target=one.target,
            workload=settings.workload,
            limits=Limits(max_accuracy_drop=settings.max_accuracy_drop),
            verifier=_verifier(settings, one, folder / "answers" / side.value),
            machine=machine,
            placement=placement,
            watcher=watcher,
            seed=settings.seed,
        )
        for side, one in sides.items()
    }

    def launch(side: Side, number: int) -> Outcome:
        place = folder / "launches" / f"{number:04}-{side.value}"
        title = f"{side.value}, round {number + 1}"
        while place.exists():
            # The launch before failed: its log says why, and stays.
            place, title = place.with_name(f"{place.name}-again"), f"{title}, again"
        told = replace(protocols[side], watcher=watcher.titled(title))
        return measure(told, sides[side].configuration, place, Repetition(round=number))

    def compare() -> Quality | None:
        mine, theirs = protocols[Side.NEW].verifier, protocols[Side.BASELINE].verifier
        return mine.against(new.configuration, theirs, baseline.configuration)

    return launch, compare


def _verifier(settings: Settings, one: Launchable, folder: Path) -> Verifier:
    return Verifier(one.target, folder, settings.workload.concurrency, settings.seed, one.configuration)
