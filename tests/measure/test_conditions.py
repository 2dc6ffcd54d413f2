"""What else went on on the machine, from counters before and after."""

import time
from dataclasses import replace

import pytest

from tuner.machine import cores, fingerprint
from tuner.measure import conditions
from tuner.measure.conditions import Snapshot
from tuner.target.process import Usage

BEFORE = Snapshot(
    taken=100.0,
    busy=50.0,
    stolen=1.0,
    ours=20.0,
    load=5.0,
    asleep=3.0,
    throttled=7,
    server=Usage(cpu=10.0, memory=1, pids=frozenset({1, 2})),
)


def after(**changes: object) -> Snapshot:
    """Ten seconds later."""
    return replace(BEFORE, taken=110.0, **changes)  # type: ignore[arg-type]


def test_other_programs_are_what_was_busy_and_not_ours() -> None:
    used = conditions.other_programs(BEFORE, after(busy=50.0 + 8.0, ours=20.0 + 6.0))
    assert used == pytest.approx(2.0 / 10.0 / len(cores()))
    assert conditions.other_programs(BEFORE, after(busy=51.0, ours=22.0)) == 0.0, "counters tick apart"
    theirs = replace(BEFORE, server=None)
    assert conditions.other_programs(theirs, after(server=None)) is None, (
        "a server of somebody else's is no other program"
    )


def test_stolen_time_and_throttled_periods() -> None:
    assert conditions.stolen(BEFORE, after(stolen=1.5)) == pytest.approx(0.05 / len(cores()))
    assert conditions.stolen(replace(BEFORE, stolen=None), after()) is None
    assert conditions.throttled(BEFORE, after(throttled=9)) == 2
    assert conditions.throttled(BEFORE, after(throttled=None)) is None


def test_processes_that_ended_are_counted_and_new_ones_are_not() -> None:
    assert conditions.processes_lost(BEFORE, after(server=Usage(cpu=1.0, memory=1, pids=frozenset({2, 3})))) == 1
    assert conditions.processes_lost(BEFORE, after(server=None)) == 0


def test_a_machine_that_changed() -> None:
    machine = fingerprint()
    assert list(conditions.changes(machine, BEFORE, after())) == []
    other = replace(machine, cores=machine.cores + 1, governor="powersave")
    told = list(conditions.changes(other, BEFORE, after(asleep=5.0)))
    assert len(told) == 3
    assert "suspended for 2.00 s" in told[-1]


def test_counters_of_this_machine_only_grow() -> None:
    first = conditions.snapshot(None, ())
    # The kernel counts in ticks of a hundredth of a second.
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    second = conditions.snapshot(None, ())
    assert second.busy >= first.busy > 0.0
    assert second.ours > first.ours
    assert second.taken > first.taken
