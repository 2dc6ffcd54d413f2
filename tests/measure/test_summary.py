"""Known samples, known summaries, known doubts."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.load.driver import Recording, Window
from tuner.load.samples import ROW, SESSION, THINK, Samples
from tuner.measure import gates
from tuner.measure.failed import LaunchError
from tuner.measure.summary import lateness, summarise
from tuner.study.objectives import Slo
from tuner.study.trial import Conditions, DoubtKind, FailureKind, LevelSummary
from tuner.study.workload import Load, Loop

CALM = Conditions(lag_p99=0.0005, lag_most=0.001)


def window(users: int = 1, lag_most: float = 0.001, rate: float | None = None) -> Window:
    """Ten seconds of one level."""
    load = Load(loop=Loop.CLOSED, amount=users) if rate is None else Load(loop=Loop.OPEN, amount=rate)
    return Window(load=load, opened=0.0, closed=10.0, lag_p99=0.0, lag_most=lag_most, collected=False)


def constant(count: int, latency: float, opened: float = 0.0) -> Samples:
    """One user that never waits."""
    rows = np.zeros(count, dtype=ROW)
    rows["intended"] = rows["sent"] = opened + np.arange(count) * latency
    rows["end"] = rows["intended"] + latency
    rows["ok"] = 1
    rows["compute"] = latency / 2
    rows["queue"] = rows["batch"] = rows["batch_size"] = rows["total"] = np.nan
    return rows


def never(intended: float) -> Samples:
    """One request without an end."""
    rows = constant(1, 1.0, opened=intended)
    rows["end"], rows["ok"] = np.inf, 0
    return rows


def recording(samples: Samples, errors: tuple[tuple[str, int], ...] = (("HTTP 500", 3),)) -> Recording:
    return Recording(
        samples=samples, sessions=np.empty(0, dtype=SESSION), thinks=np.empty(0, dtype=THINK), errors=errors
    )


def summary(samples: Samples, found: Window | None = None, conditions: Conditions = CALM) -> LevelSummary:
    return summarise(recording(samples), found or window(), None, None, conditions)


def kinds(
    samples: Samples, found: Window | None = None, conditions: Conditions = CALM, steady: bool = True
) -> list[DoubtKind]:
    """The doubts of one level."""
    found = found or window()
    evidence = gates.Evidence(
        level=summary(samples, found, conditions), window=found, recording=recording(samples), steady=steady
    )
    return [doubt.kind for doubt in gates.doubts(evidence)]


def test_a_constant_latency() -> None:
    level = summarise(recording(constant(1000, 0.01)), window(), None, 5.0, CALM)
    for value in (level.p50, level.p90, level.p95, level.p99.value):
        assert value == pytest.approx(0.01)
    assert level.throughput == pytest.approx(100.0, rel=0.002)
    assert level.little == pytest.approx(1.0, rel=0.002)
    assert level.server_compute == pytest.approx(0.005)
    assert level.cpu_per_request == pytest.approx(0.005, rel=0.002)
    assert level.batch_size is None
    assert level.goodput is None
    assert kinds(constant(1000, 0.01)) == []


def test_latency_counts_by_intended_start_and_throughput_by_end() -> None:
    rows = np.concatenate([constant(1, 5.0, opened=-1.0), constant(1, 5.0, opened=9.0)])
    level = summary(rows)
    assert level.requests == 1, "only the second was to start in the window"
    assert level.throughput == pytest.approx(0.1), "only the first ended in it"


def test_latency_counts_from_the_intended_start_whenever_it_was_sent() -> None:
    rows = constant(1000, 0.01)
    rows["sent"] += 0.5
    rows["end"] += 0.5
    level = summary(rows, window(rate=100.0))
    assert level.p50 == pytest.approx(0.51)
    assert lateness(recording(rows), window(rate=100.0)) == pytest.approx(0.5)
    assert lateness(recording(rows), window()) is None


def test_goodput_counts_what_kept_the_slo() -> None:
    rows = constant(1000, 0.01)
    rows["end"][::4] += 0.1
    level = summarise(recording(rows), window(), Slo(metric="p99", limit=0.05), None, CALM)
    assert level.goodput == pytest.approx(0.75 * level.throughput, rel=0.02)


def test_failures_and_unfinished_requests_are_infinite_and_earn_nothing() -> None:
    samples = constant(1000, 0.01)
    samples["ok"][:15] = 0
    samples["end"][:15] = samples["sent"][:15] + 0.0001
    level = summary(np.concatenate([samples, *(never(5.0) for _ in range(5))]))
    assert level.p99.value == math.inf
    assert level.p95 == pytest.approx(0.01)
    assert (level.errors, level.unfinished, level.requests) == (15, 5, 1005)
    assert level.error_rate == pytest.approx(20 / 1005)
    assert level.throughput == pytest.approx(98.5, rel=0.002)


def test_unfinished_requests_are_charged_to_the_level_that_sent_them() -> None:
    assert summary(np.concatenate([constant(1000, 0.01), never(-1.0)])).unfinished == 0
    assert summary(np.concatenate([constant(1000, 0.01), never(9.0)])).unfinished == 1


def test_a_user_that_is_missing_breaks_littles_law_and_one_that_waits_does_not() -> None:
    forgotten = constant(1000, 0.01)
    assert summary(forgotten, window(users=2)).little == pytest.approx(0.5, rel=0.01)
    assert DoubtKind.LITTLE in kinds(forgotten, window(users=2))
    starved = np.concatenate([never(-3.0), forgotten])
    assert summary(starved, window(users=2)).little == pytest.approx(1.0, rel=0.01), "it counts with its age"


def test_think_time_belongs_to_the_concurrency() -> None:
    rows = constant(500, 0.02)
    rows["end"] -= 0.01
    thinks = np.zeros(500, dtype=THINK)
    thinks["start"], thinks["seconds"] = rows["end"], 0.01
    found = Recording(samples=rows, sessions=np.empty(0, dtype=SESSION), thinks=thinks, errors=())
    assert summary(rows).little == pytest.approx(0.5, rel=0.01)
    assert summarise(found, window(), None, None, CALM).little == pytest.approx(1.0, rel=0.01)


def test_sessions_have_a_p99_of_their_own() -> None:
    sessions = np.zeros(400, dtype=SESSION)
    sessions["end"], sessions["latency"], sessions["ok"] = np.linspace(0.0, 9.9, 400), 0.3, 1
    sessions["latency"][:4] = 0.9
    found = Recording(samples=constant(1000, 0.01), sessions=sessions, thinks=np.empty(0, dtype=THINK), errors=())
    level = summarise(found, window(), None, None, CALM)
    assert level.session_p99 is not None
    assert level.session_p99.value == 0.3
    assert level.requests == 1000


@pytest.mark.parametrize(("count", "words"), [(200, "needs at least 368"), (900, "1000 are better"), (1000, None)])
def test_few_samples_are_doubted(count: int, words: str | None) -> None:
    samples = constant(count, 10.0 / count)
    evidence = gates.Evidence(level=summary(samples), window=window(), recording=recording(samples), steady=True)
    found = [doubt.message for doubt in gates.doubts(evidence) if doubt.kind is DoubtKind.FEW_SAMPLES]
    assert bool(found) == (words is not None)
    assert words is None or words in found[0]


def test_a_stall_is_doubted_in_closed_loop_only_because_only_that_hides_it() -> None:
    samples = constant(1000, 0.01)
    for column in ("intended", "sent", "end"):
        samples[column][500:] += 1.0
    assert DoubtKind.STALL in kinds(samples)
    assert DoubtKind.STALL not in kinds(samples, window(rate=100.0))


def test_a_pause_of_the_load_process_is_no_fault_of_the_server() -> None:
    samples = constant(1000, 0.009)
    for column in ("intended", "sent", "end"):
        samples[column][500:] += 1.0
    samples["end"][499] += 1.0
    assert kinds(samples, window(lag_most=1.0)) == [DoubtKind.LOAD_PAUSE]


def test_a_p99_of_few_requests_is_not_told_and_keeps_no_limit() -> None:
    few, enough = summary(constant(300, 10.0 / 300)), summary(constant(400, 10.0 / 400))
    assert few.told_p99 is None
    assert few.metric("p99") == math.inf
    assert few.metric("p95") == pytest.approx(10.0 / 300)
    assert enough.told_p99 == enough.metric("p99") == pytest.approx(10.0 / 400)


def test_a_request_that_waits_while_others_are_answered_is_starved() -> None:
    found = kinds(np.concatenate([never(1.0), constant(1000, 0.01)]), window(users=2))
    assert DoubtKind.STARVED in found
    assert DoubtKind.STALL not in found
    late = constant(1, 8.0, opened=1.0)
    assert DoubtKind.STARVED in kinds(np.concatenate([late, constant(1000, 0.01)]), window(users=2))


@pytest.mark.parametrize(
    ("conditions", "kind"),
    [
        (Conditions(lag_p99=0.006, lag_most=0.006), DoubtKind.LATE),
        (Conditions(lag_p99=0.0, lag_most=0.0, other_programs=0.2), DoubtKind.OTHER_PROGRAMS),
        (Conditions(lag_p99=0.0, lag_most=0.0, stolen=0.02), DoubtKind.STOLEN),
        (Conditions(lag_p99=0.0, lag_most=0.0, throttled=3), DoubtKind.THROTTLED),
    ],
)
def test_what_the_machine_did_is_doubted(conditions: Conditions, kind: DoubtKind) -> None:
    assert kinds(constant(1000, 0.01), conditions=conditions) == [kind]


def test_a_pause_of_the_load_process_and_a_level_that_did_not_settle_are_doubted() -> None:
    assert kinds(constant(1000, 0.01), window(lag_most=0.2)) == [DoubtKind.LOAD_PAUSE]
    assert kinds(constant(1000, 0.01), steady=False) == [DoubtKind.NOT_STEADY]


def test_time_that_was_not_spent_in_the_server_is_doubted() -> None:
    samples = constant(1000, 0.01)
    samples["total"] = 0.004
    assert kinds(samples) == [DoubtKind.OUTSIDE]
    samples["total"] = 0.008
    assert kinds(samples) == []


@pytest.mark.parametrize(("batch", "outside"), [(np.nan, 0.004), (0.003, 0.001)])
def test_a_wait_for_a_fuller_batch_is_the_servers_where_no_total_is_told(batch: float, outside: float) -> None:
    samples = constant(1000, 0.01)
    samples["queue"], samples["batch"] = 0.001, batch
    assert summary(samples).outside == pytest.approx(outside)


def test_too_many_errors_are_the_configurations_failure() -> None:
    samples = constant(1000, 0.01)
    samples["ok"][:30] = 0
    level = summary(samples)
    with pytest.raises(LaunchError, match=r"30 of 1000 requests failed \(3.0 %.*HTTP 500") as caught:
        gates.require_answers(level, recording(samples), 0.01)
    assert not caught.value.kind.ours
    gates.require_answers(level, recording(samples), 0.05)


def test_a_server_that_hangs_all_through_the_window_is_the_configurations_failure() -> None:
    hanging = np.concatenate([constant(100, 0.01, opened=-1.0), never(-0.5), never(-0.4)])
    with pytest.raises(LaunchError, match=r"none of the 2 requests in flight was answered in 10\.0 s") as caught:
        gates.require_any_answer(window(users=2), recording(hanging))
    assert caught.value.kind is FailureKind.ERRORS


@pytest.mark.parametrize(
    ("samples", "lag_most"),
    [
        (constant(100, 0.01, opened=-1.0), 0.001),  # all were answered before, and no other was sent
        (np.concatenate([never(-0.5), constant(1, 0.5, opened=-0.4)]), 0.001),  # one was answered
        (np.concatenate([never(-0.5), never(0.5)]), 0.001),  # one began: that it has no end is counted as an error
        (never(-0.5), 6.0),  # the load process itself slept
    ],
)
def test_what_is_no_silence_of_the_server(samples: Samples, lag_most: float) -> None:
    gates.require_any_answer(window(lag_most=lag_most), recording(samples))


def test_a_window_in_which_nothing_was_sent_is_our_failure() -> None:
    samples = constant(100, 0.01, opened=-1.0)
    with pytest.raises(LaunchError, match=r"no request was sent within 10\.0 s; measure for longer") as caught:
        gates.require_answers(summary(samples), recording(samples), 0.01)
    assert caught.value.kind is FailureKind.INVALID


def test_a_late_load_process_is_our_failure() -> None:
    late = Conditions(lag_p99=0.030, lag_most=0.030)
    quick, slow = constant(1000, 0.01), constant(100, 0.1)
    with pytest.raises(LaunchError, match=r"30\.0 ms late") as caught:
        gates.require_punctual(summary(quick, conditions=late), recording(quick), window())
    assert caught.value.kind is FailureKind.INVALID
    gates.require_punctual(summary(slow, conditions=late), recording(slow), window())


def test_what_was_sent_late_is_not_excused_by_the_median_that_it_makes() -> None:
    rows = constant(1000, 0.01)
    rows["sent"] += 0.5
    rows["end"] += 0.5
    late = Conditions(lag_p99=0.0, lag_most=0.0, lateness_p99=0.5)
    with pytest.raises(LaunchError, match="arrivals were sent 500 ms late"):
        gates.require_punctual(summary(rows, window(rate=100.0), late), recording(rows), window(rate=100.0))


def arrivals(ends: Sequence[float]) -> Samples:
    """A hundred arrivals a second for ten seconds, with these ends."""
    rows = constant(1000, 0.01)
    rows["end"] = ends
    return rows


def test_requests_that_pile_up_are_the_configurations_failure_and_a_stall_is_none() -> None:
    times = np.arange(1000) * 0.01
    overloaded = arrivals(times * 1.5 + 0.01)
    with pytest.raises(
        LaunchError, match=r"pile up: 0 waited at the beginning and 3\d\d at the end.*about 67"
    ) as caught:
        gates.require_carried(window(rate=100.0), recording(overloaded))
    assert caught.value.kind is FailureKind.OVERLOADED
    assert not caught.value.kind.ours
    gates.require_carried(window(users=1), recording(overloaded))
    at_the_end = arrivals(np.where(times > 8.0, 10.5, times + 0.01))
    gates.require_carried(window(rate=100.0), recording(at_the_end))
    gates.require_carried(window(rate=100.0), recording(arrivals(times + 0.5)))


def test_arrivals_that_were_not_sent_make_a_level_invalid() -> None:
    samples = constant(1000, 0.01)
    samples["sent"][:7], samples["ok"][:7] = np.inf, 0
    with pytest.raises(LaunchError, match="7 arrivals found as many requests in flight as are allowed") as caught:
        gates.require_all_sent(window(rate=100.0), recording(samples))
    assert caught.value.kind is FailureKind.OVERLOADED
    samples["sent"][:2] = -np.inf
    with pytest.raises(LaunchError, match="did not come to send 2 arrivals") as caught:
        gates.require_all_sent(window(rate=100.0), recording(samples))
    assert caught.value.kind is FailureKind.INVALID
    assert lateness(recording(samples), window(rate=100.0)) == 0.0
    gates.require_all_sent(window(rate=100.0), recording(constant(1000, 0.01)))


@given(st.integers(1, 2000), st.integers(0, 50))
def test_whatever_passes_the_error_gate_has_a_finite_p99(count: int, failed: int) -> None:
    samples = constant(count, 10.0 / count)
    samples["ok"][:failed] = 0
    level = summary(samples)
    try:
        gates.require_answers(level, recording(samples), 0.01)
    except LaunchError:
        assert level.error_rate > 0.01
    else:
        assert math.isfinite(level.p99.value)
