"""A gate on a made-up server and a made-up clock: what it decides, when, and after how much."""

from collections import Counter

import pytest

from tests.gate.gates import DISTURBED, LAUNCH_SECONDS, SCATTER, gate, outcome, played, settings
from tuner.errors import InfeasibleError, TargetStartError
from tuner.gate.effect import Ruling
from tuner.gate.result import dump_gate, load_gate
from tuner.gate.run import Side
from tuner.study.trial import Failure, FailureKind, Outcome


def scattered(number: int) -> float:
    return SCATTER[(3 * number + 1) % len(SCATTER)]


def test_the_same_server_twice_is_no_regression() -> None:
    found, _ = played(scattered)
    assert [effect.ruling for effect in found.effects] == [Ruling.NO_REGRESSION] * 2
    assert len(found.rounds) < 10


def test_ten_per_cent_slower_is_a_regression() -> None:
    found, _ = played(lambda number: 1.10 * scattered(number))
    rulings = {effect.limit.figure.value: effect.ruling for effect in found.effects}
    assert rulings["p99"] is Ruling.REGRESSION
    assert gate(found).ruling is Ruling.REGRESSION


def test_it_ends_at_the_first_look_that_decides() -> None:
    found, order = played(lambda _: 1.5)
    assert [one.pairs for one in found.looks] == [3]
    assert len(order) == 6


def test_both_sides_are_launched_in_every_round_and_either_begins_as_often() -> None:
    found, order = played(lambda number: 1.05 * scattered(number))
    assert Counter(order) == {(side, number): 1 for side in Side for number in range(len(found.rounds))}
    first = [side for (side, _), (_, _) in zip(order[::2], order[1::2], strict=True)]
    whole = first[: len(first) // 2 * 2]
    assert Counter(whole)[Side.NEW] == len(whole) // 2
    assert [one.new_first for one in found.rounds] == [side is Side.NEW for side in first]
    assert all(set(pair) == {Side.NEW, Side.BASELINE} for pair in zip(whole[::2], whole[1::2], strict=True))


def test_a_change_of_just_what_is_allowed_stays_inconclusive_and_says_that_nothing_helps() -> None:
    found, _ = played(lambda number: 1.05 * scattered(number), throughput=lambda _: 1.0)
    ended = gate(found)
    assert ended.ruling is Ruling.INCONCLUSIVE
    assert found.looks[-1].share == 1.0


def test_it_never_begins_a_round_that_does_not_fit() -> None:
    """A fifth longer than the longest so far, it may still end in time."""
    asked = settings(seconds=57.0)
    found, _ = played(lambda number: 1.05 * scattered(number), asked=asked)
    assert 2 * LAUNCH_SECONDS == 10.0
    assert len(found.rounds) == 5
    assert found.looks[-1].share == 1.0


def test_time_for_preparing_counts_once() -> None:
    """A first round of a minute, nearly all of it spent on preparing, does not make the second one look as long."""
    prepared = Failure(kind=FailureKind.INVALID, reason="", phases={"prepare": 2 * LAUNCH_SECONDS})
    asked = settings(seconds=5.5 * LAUNCH_SECONDS)
    found, _ = played(scattered, asked=asked, new=lambda number: outcome(0.04, 400.0) if number else prepared)
    assert len(found.rounds) == 2


def test_too_little_time_decides_nothing() -> None:
    found, _ = played(lambda _: 2.0, asked=settings(seconds=2.2 * 2 * LAUNCH_SECONDS))
    ended = gate(found)
    assert ended.ruling is Ruling.INCONCLUSIVE
    assert all(effect.ratio is None for effect in found.effects)
    assert ended.needed is None


def test_a_limit_that_is_kept_stays_kept() -> None:
    """p99 is clear at the first look; what it does later changes nothing, while throughput is still open."""
    found, _ = played(lambda number: 1.0 if number < 3 else 1.04, throughput=lambda number: (0.93, 0.99)[number % 2])
    p99 = found.effects[0]
    assert p99.ruling is Ruling.NO_REGRESSION
    assert p99.pairs == 3
    assert found.effects[1].pairs > 3


def test_disturbed_rounds_are_left_out_and_counted() -> None:
    found, _ = played(
        scattered,
        new=lambda number: DISTURBED if number == 1 else outcome(0.040 * SCATTER[number % 8], 400.0),
    )
    ended = gate(found)
    assert ended.ruling is Ruling.NO_REGRESSION
    assert ended.invalid == 1
    assert found.effects[0].pairs == found.pairs == len(found.rounds) - 1


def test_where_nothing_can_be_measured_nothing_is_decided() -> None:
    found, _ = played(scattered, new=lambda _: DISTURBED)
    assert gate(found).ruling is Ruling.INCONCLUSIVE
    assert gate(found).invalid == len(found.rounds)


def test_a_new_side_that_crashes_is_a_regression_at_once() -> None:
    crash = Failure(kind=FailureKind.CRASH, reason="the server ended under load (SIGKILL)")
    found, order = played(scattered, new=lambda _: crash)
    assert found.failure == crash
    assert {side for side, _ in order} == set(Side)
    assert len(order) == 2
    assert gate(found).ruling is Ruling.REGRESSION


def test_a_new_side_that_crashes_later_ends_the_gate() -> None:
    crash = Failure(kind=FailureKind.CRASH, reason="the server ended under load (SIGKILL)")
    found, order = played(scattered, new=lambda number: crash if number == 1 else outcome(0.04, 400.0))
    assert found.failure == crash
    assert len(found.rounds) == 1
    assert order.count((Side.NEW, 1)) == 1
    assert max(number for _, number in order) == 1


def test_where_both_fail_it_is_no_regression() -> None:
    crash = Failure(kind=FailureKind.CRASH, reason="out of memory")
    with pytest.raises(InfeasibleError, match="the baseline: crashed: out of memory"):
        played(scattered, baseline=lambda _: crash, new=lambda _: crash)


@pytest.mark.parametrize(
    ("kind", "error"), [(FailureKind.START, TargetStartError), (FailureKind.CRASH, InfeasibleError)]
)
def test_against_a_baseline_that_fails_there_is_no_verdict(kind: FailureKind, error: type[Exception]) -> None:
    def broken(_: int) -> Outcome:
        return Failure(kind=kind, reason="exit code 3")

    with pytest.raises(error, match=f"the baseline: {kind}: exit code 3"):
        played(scattered, baseline=broken)


@pytest.mark.parametrize(
    ("before", "now", "less"), [(900, 890, False), (900, 889, True), (900, 1000, False), (0, 0, False)]
)
def test_answers_that_are_wrong_more_often_are_a_regression(before: int, now: int, less: bool) -> None:
    found, _ = played(
        scattered,
        baseline=lambda _: outcome(0.04, 400.0, right=before),
        new=lambda number: outcome(0.04 * SCATTER[number % 8], 400.0 * SCATTER[-1 - number % 8], right=now),
    )
    assert gate(found).less_accurate is less
    assert gate(found).ruling is (Ruling.REGRESSION if less else Ruling.NO_REGRESSION)


def test_how_many_more_launches_it_takes_would_do() -> None:
    asked = settings(seconds=6.3 * 2 * LAUNCH_SECONDS)
    noisy = (0.93, 1.06, 1.0, 0.95, 1.08, 0.98)
    found, _ = played(lambda number: noisy[number % 6] / scattered(number), asked=asked)
    ended = gate(found, asked)
    assert ended.ruling is Ruling.INCONCLUSIVE
    assert ended.needed is not None
    more = settings(seconds=(len(found.rounds) + 1.5 * ended.needed) * 2 * LAUNCH_SECONDS)
    again, _ = played(lambda number: noisy[number % 6] / scattered(number), asked=more)
    assert gate(again, more).ruling is Ruling.NO_REGRESSION


def test_a_gate_is_read_back_as_it_was_stored() -> None:
    found, _ = played(scattered, new=lambda number: DISTURBED if number == 1 else outcome(0.04, 400.0))
    ended = gate(found)
    assert load_gate(dump_gate(ended)) == ended
