"""A gate on a made-up server and a made-up clock: what it decides, when, and after how much."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace

import pytest

from tests.conftest import make_level
from tests.gate.gates import DISTURBED, LAUNCH_SECONDS, SCATTER, answers, gate, outcome, played, settings
from tuner.errors import InfeasibleError, TargetStartError
from tuner.gate.effect import Ruling
from tuner.gate.reliability import Reliability, reliability
from tuner.gate.result import GATE_VERSION, Side, dump_gate, load_gate
from tuner.gate.turns import Progress, interrupted, judged, take_turns
from tuner.statistics.paired import shortfall
from tuner.statistics.sequential import planned
from tuner.study.quality import Basis, Quality
from tuner.study.trial import Failure, FailureKind, Outcome

CRASH = Failure(kind=FailureKind.CRASH, reason="the server ended under load (SIGKILL)")


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


@pytest.mark.parametrize("phase", ["prepare", "verify"])
def test_what_is_done_once_does_not_make_the_second_round_look_as_long(phase: str) -> None:
    """A first round of ten seconds, all of it spent on what the second one need not do."""

    def new(number: int) -> Outcome:
        return replace(outcome(0.04, 400.0), phases={phase: 2 * LAUNCH_SECONDS if number == 0 else 0.0})

    found, _ = played(scattered, asked=settings(seconds=4.2 * LAUNCH_SECONDS), new=new)
    assert len(found.rounds) == 2


def test_after_the_second_round_the_first_one_tells_nothing_of_the_next() -> None:
    """Verifying every answer once may take longer than its phase says: threads start, caches fill."""
    now = 0.0

    def launch(_: Side, number: int) -> Outcome:
        nonlocal now
        now += 20.0 if number == 0 else 1.0
        return outcome(0.04, 400.0)

    found = Progress(settings=settings(seconds=89.0))
    take_turns(found, launch, clock=lambda: now)
    assert len(found.rounds) == 3


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


def test_a_new_side_that_crashes_twice_is_a_regression_at_once() -> None:
    found, order = played(scattered, new=lambda _: CRASH)
    assert found.failure == CRASH
    assert Counter(order) == {(Side.NEW, 0): 2, (Side.BASELINE, 0): 1}
    assert gate(found).ruling is Ruling.REGRESSION
    assert [name for name, _ in gate(found).without_figures()] == ["new, round 1, first try", "new, round 1"]


def test_a_new_side_that_crashes_twice_later_ends_the_gate() -> None:
    found, order = played(scattered, new=lambda number: CRASH if number == 1 else outcome(0.04, 400.0))
    assert found.failure == CRASH
    assert len(found.rounds) == 2
    assert order.count((Side.NEW, 1)) == 2
    assert max(number for _, number in order) == 1


@pytest.mark.parametrize("side", Side)
def test_what_fails_once_is_launched_again_and_is_no_verdict(side: Side) -> None:
    """A port that was taken, or memory that something else had: it happens to either side."""
    tries = Counter[int]()

    def flaky(number: int) -> Outcome:
        tries[number] += 1
        return CRASH if number == 1 and tries[number] == 1 else outcome(0.040 * SCATTER[number % 8], 400.0)

    found, order = played(scattered, **{side.value: flaky})
    assert order.count((side, 1)) == 2
    assert found.rounds[1].retried == {side: (CRASH,)}
    assert found.rounds[1].pair is not None
    assert gate(found).ruling is Ruling.NO_REGRESSION
    assert list(gate(found).without_figures()) == [(f"{side}, round 2, first try", f"crashed: {CRASH.reason}")]


def test_a_disturbed_launch_is_repeated_once_and_leaves_a_trace() -> None:
    tries = Counter[int]()

    def new(number: int) -> Outcome:
        tries[number] += 1
        return DISTURBED if number == 1 and tries[number] == 1 else outcome(0.040 * SCATTER[number % 8], 400.0)

    found, _ = played(scattered, new=new)
    assert tries[1] == 2
    assert found.rounds[1].retried == {Side.NEW: (DISTURBED,)}
    assert found.rounds[1].pair is not None
    assert list(gate(found).without_figures()) == [("new, round 2, first try", DISTURBED.reason)]


@pytest.mark.parametrize(
    ("outcomes", "launches", "failure"),
    [
        ([DISTURBED, CRASH, CRASH], 3, CRASH),
        ([CRASH, DISTURBED, CRASH], 3, CRASH),
        ([CRASH, DISTURBED, DISTURBED], 3, None),
        ([DISTURBED, DISTURBED], 2, None),
    ],
)
def test_each_kind_of_failure_is_repeated_once(outcomes: list[Failure], launches: int, failure: Failure | None) -> None:
    tries = Counter[int]()

    def new(number: int) -> Outcome:
        tries[number] += 1
        return outcomes[tries[number] - 1] if number == 0 else outcome(0.040 * SCATTER[number % 8], 400.0)

    found, _ = played(scattered, new=new)
    assert tries[0] == launches
    assert found.rounds[0].failure == failure
    told = [name for name, _ in gate(found).without_figures()]
    assert told[-1] == "new, round 1"
    assert len(told) == launches


def test_a_new_side_that_fails_beside_a_disturbed_baseline_is_judged_in_the_next_round() -> None:
    found, _ = played(
        scattered, new=lambda _: CRASH, baseline=lambda number: DISTURBED if number < 2 else outcome(0.04, 400.0)
    )
    assert [one.failure for one in found.rounds] == [None, None, CRASH]
    assert gate(found).ruling is Ruling.REGRESSION


def test_without_any_measured_baseline_a_new_side_that_fails_decides_nothing() -> None:
    found, _ = played(scattered, new=lambda _: CRASH, baseline=lambda _: DISTURBED)
    assert gate(found).failure is None
    assert gate(found).ruling is Ruling.INCONCLUSIVE


def test_where_both_fail_it_is_no_regression() -> None:
    with pytest.raises(InfeasibleError, match="the baseline: crashed: the server ended"):
        played(scattered, baseline=lambda _: CRASH, new=lambda _: CRASH)


@pytest.mark.parametrize(
    ("kind", "error"), [(FailureKind.START, TargetStartError), (FailureKind.CRASH, InfeasibleError)]
)
def test_against_a_baseline_that_fails_there_is_no_verdict(kind: FailureKind, error: type[Exception]) -> None:
    def broken(_: int) -> Outcome:
        return Failure(kind=kind, reason="exit code 3")

    with pytest.raises(error, match=f"the baseline: {kind}: exit code 3"):
        played(scattered, baseline=broken)


@pytest.mark.parametrize(
    ("quality", "ruling"),
    [
        (answers(), Ruling.NO_REGRESSION),
        (answers(lost=10), Ruling.NO_REGRESSION),  # exactly what is allowed
        (answers(lost=15), Ruling.INCONCLUSIVE),  # 1.5 pt, but its interval holds 1 pt
        (answers(lost=40), Ruling.REGRESSION),
        (answers(gained=40), Ruling.NO_REGRESSION),
        (answers(total=20), Ruling.NO_REGRESSION),  # too few to be sure, but nothing is seen
        (answers(lost=1, total=20), Ruling.INCONCLUSIVE),
        (
            Quality(basis=Basis.AGREEMENT, correct=950, total=1000, change=shortfall(50, 1000)),
            Ruling.REGRESSION,
        ),
        (None, Ruling.NO_REGRESSION),
    ],
)
def test_answers_are_judged_by_their_interval(quality: Quality | None, ruling: Ruling) -> None:
    found, _ = played(scattered, quality=quality)
    assert gate(found).ruling is ruling


def test_answers_that_are_surely_worse_end_the_gate() -> None:
    found, _ = played(scattered, quality=answers(lost=100))
    assert len(found.rounds) == 1


@pytest.mark.parametrize(
    ("quality", "kinds"),
    [(None, ["not available"]), (answers(total=20), ["quality not decided"]), (answers(), [])],
    ids=["not compared", "few", "enough"],
)
def test_what_is_not_known_of_the_answers_is_a_doubt(quality: Quality | None, kinds: list[str]) -> None:
    found, _ = played(scattered, quality=quality)
    assert [doubt.kind for _, doubt in gate(found).doubts()] == kinds


def test_where_a_p99_is_not_told_it_decides_nothing_and_ends_what_cannot_be_decided() -> None:
    """With fewer than 368 requests there is no p99, and slow launches have fewer."""

    def new(number: int) -> Outcome:
        level = make_level(32, 400.0, 0.02)
        return replace(outcome(0.02, 400.0), levels=(replace(level, requests=300) if number == 1 else level,))

    found, _ = played(scattered, new=new)
    p99, throughput = found.effects
    assert (p99.ruling, p99.pairs, p99.missing) == (Ruling.INCONCLUSIVE, len(found.rounds) - 1, 1)
    assert throughput.ruling is Ruling.NO_REGRESSION
    assert gate(found).ruling is Ruling.INCONCLUSIVE
    assert found.looks[-1].share < 1.0


def test_who_ends_a_gate_gets_the_error_of_the_time_that_is_over() -> None:
    """Eleven per cent slower, but not for sure yet: only all of the error at once calls it a regression."""
    asked, now = settings(seconds=600.0), 0.0

    def launch(side: Side, number: int) -> Outcome:
        nonlocal now
        if number == 4:
            raise KeyboardInterrupt
        now += LAUNCH_SECONDS
        slower = (1.10, 1.12, 1.11, 1.13)[number] if side is Side.NEW else 1.0
        return outcome(0.04 * slower, 400.0)

    found = Progress(settings=asked)
    with pytest.raises(KeyboardInterrupt):
        take_turns(found, launch, clock=lambda: now)
    interrupted(found)
    shares = [one.share for one in found.looks]
    assert shares[-1] == found.share == 8 * LAUNCH_SECONDS / asked.seconds
    assert planned(shares) < 0.05 / 10.0
    assert found.effects[0].ruling is Ruling.INCONCLUSIVE
    assert judged(asked.limits[0], found.rounds, [1.0]).ruling is Ruling.REGRESSION


def test_an_interruption_before_any_round_says_that_nothing_is_known() -> None:
    found = Progress(settings=settings())
    interrupted(found)
    assert [effect.pairs for effect in found.effects] == [0, 0]
    assert found.ruling is Ruling.INCONCLUSIVE


def test_a_long_gate_waits_with_its_first_look_until_it_can_decide_something() -> None:
    """Three of ten thousand rounds have no error to spend; the interval of one look there would hold any number."""
    found, _ = played(lambda _: 1.5, asked=settings(seconds=100_000.0))
    assert found.ruling is Ruling.REGRESSION
    assert found.looks[0].pairs > 100


def test_how_many_more_launches_it_takes_would_do() -> None:
    asked = settings(seconds=6.3 * 2 * LAUNCH_SECONDS)
    noisy = (0.93, 1.06, 1.0, 0.95, 1.08, 0.98)
    found, _ = played(lambda number: noisy[number % 6] / scattered(number), asked=asked)
    ended = gate(found)
    assert ended.ruling is Ruling.INCONCLUSIVE
    assert ended.needed is not None
    more = settings(seconds=(len(found.rounds) + 1.5 * ended.needed) * 2 * LAUNCH_SECONDS)
    again, _ = played(lambda number: noisy[number % 6] / scattered(number), asked=more)
    assert gate(again).ruling is Ruling.NO_REGRESSION


def test_what_is_needed_is_what_the_slowest_limit_lacks() -> None:
    found, _ = played(scattered)
    kept = found.effects[0]
    open_ones = (
        replace(kept, ruling=Ruling.INCONCLUSIVE, pairs=10, needed=12),
        replace(kept, ruling=Ruling.INCONCLUSIVE, pairs=4, needed=11),
    )
    assert replace(gate(found), effects=open_ones).needed == 7


def test_a_gate_is_read_back_as_it_was_stored() -> None:
    found, _ = played(
        scattered, new=lambda number: DISTURBED if number == 1 else outcome(0.04, 400.0), quality=answers(lost=3)
    )
    ended = gate(found)
    assert load_gate(dump_gate(ended)) == ended
    with pytest.raises(ValueError, match=f"stored as version 2, this is {GATE_VERSION}"):
        load_gate(dump_gate(replace(ended, version=2)))


def failing(new: Collection[int], baseline: Collection[int] = ()) -> Progress:
    """A gate whose launches fail at first in these rounds, and are measured when they are repeated."""
    tries = Counter[tuple[Side, int]]()

    def flaky(side: Side, rounds: Collection[int]) -> Callable[[int], Outcome]:
        def launch(number: int) -> Outcome:
            tries[side, number] += 1
            if number in rounds and tries[side, number] == 1:
                return CRASH
            return outcome(0.040 * SCATTER[(number + (side is Side.NEW)) % 8], 400.0)

        return launch

    return played(scattered, new=flaky(Side.NEW, new), baseline=flaky(Side.BASELINE, baseline))[0]


def test_a_new_side_that_fails_in_every_round_is_a_regression_although_each_second_try_works() -> None:
    found = failing(new=range(100))
    assert len(found.rounds) == 7  # the first p of at most 1 %: one half to the power of seven
    assert found.reliability == Reliability(rounds=7, new=7, p=2.0**-7, ruling=Ruling.REGRESSION)
    assert gate(found).ruling is Ruling.REGRESSION


def test_a_gate_goes_on_while_it_is_open_whether_the_new_side_fails_more_often() -> None:
    found = failing(new=(0, 1))
    assert [effect.ruling for effect in found.effects] == [Ruling.NO_REGRESSION] * 2
    assert found.reliability.ruling is Ruling.INCONCLUSIVE
    assert gate(found).ruling is Ruling.INCONCLUSIVE
    assert found.share > 0.9
    assert gate(found).needed == found.reliability.needed - found.reliability.rounds  # type: ignore[operator]


@pytest.mark.parametrize(("new", "baseline"), [((0,), ()), ((0, 1, 2), (0, 1, 2)), ((0, 1), (2,)), ((), (0, 1, 2))])
def test_who_fails_no_more_often_than_the_baseline_has_no_case_against_it(
    new: Collection[int], baseline: Collection[int]
) -> None:
    found = failing(new, baseline)
    assert found.reliability.ruling is Ruling.NO_REGRESSION
    assert gate(found).ruling is Ruling.NO_REGRESSION
    assert len(found.rounds) < 10


def test_disturbed_launches_are_no_failures_of_a_side() -> None:
    found, _ = played(scattered, new=lambda number: DISTURBED if number < 8 else outcome(0.04, 400.0))
    assert found.reliability.new == 0


@pytest.mark.parametrize(
    ("rounds", "new", "baseline", "ruling", "needed"),
    [
        (5, 0, 0, Ruling.NO_REGRESSION, None),
        (5, 1, 0, Ruling.NO_REGRESSION, None),
        (5, 2, 1, Ruling.NO_REGRESSION, None),
        (4, 2, 0, Ruling.INCONCLUSIVE, 14),  # every second round: the seventh failure comes in the fourteenth
        (4, 4, 0, Ruling.INCONCLUSIVE, 7),
        (7, 7, 0, Ruling.REGRESSION, None),
        (11, 10, 1, Ruling.REGRESSION, None),  # p = 12 / 2048
        (9, 7, 1, Ruling.INCONCLUSIVE, 16),  # of 15 rounds 11 and 2: p = 92 / 8192, of 16 rounds 12 and 2: 106 / 16384
        (9, 0, 9, Ruling.NO_REGRESSION, None),
    ],
)
def test_how_often_each_side_fails_alone_is_judged_by_a_sign_test(
    rounds: int, new: int, baseline: int, ruling: Ruling, needed: int | None
) -> None:
    found = reliability(rounds, new, baseline)
    assert (found.ruling, found.needed) == (ruling, needed)


def test_of_sides_that_fail_equally_often_the_new_one_is_seldom_called_a_regression() -> None:
    """Every path of a fair walk over 60 rounds in which one side alone fails, as far as the first verdict."""
    chances, called = {0: 1.0}, 0.0
    for count in range(1, 61):
        following: dict[int, float] = {}
        for new, chance in chances.items():
            for more in (new, new + 1):
                following[more] = following.get(more, 0.0) + chance / 2.0
        verdicts = {new: reliability(count, new, count - new).ruling for new in following}
        called += sum(chance for new, chance in following.items() if verdicts[new] is Ruling.REGRESSION)
        chances = {new: chance for new, chance in following.items() if verdicts[new] is not Ruling.REGRESSION}
    assert called == pytest.approx(0.041, abs=0.001)
