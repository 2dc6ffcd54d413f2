"""Known samples, known summaries."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.load.driver import Recording, Window
from tuner.load.samples import ROW, Samples
from tuner.measure.failed import LaunchError
from tuner.measure.gates import doubts, require_answers, require_punctual
from tuner.measure.summary import summarise
from tuner.study.trial import DoubtKind, FailureKind

WINDOW = Window(users=1, opened=0.0, closed=10.0, lag_p99=0.0)


def constant(count: int, latency: float, opened: float = 0.0) -> Samples:
    """One user that never waits."""
    rows = np.zeros(count, dtype=ROW)
    rows["start"] = opened + np.arange(count) * latency
    rows["latency"] = latency
    rows["ok"] = 1
    rows["compute"] = latency / 2
    rows["queue"] = rows["batch_size"] = np.nan
    return rows


def recording(samples: Samples, unfinished: int = 0) -> Recording:
    return Recording(samples=samples, unfinished=unfinished, errors=(("HTTP 500", 3),), thinks=False)


def test_a_constant_latency() -> None:
    level = summarise(constant(1000, 0.01), WINDOW, 0, cpu_seconds=5.0)
    assert (level.p50, level.p90, level.p95, level.p99.value) == (0.01, 0.01, 0.01, 0.01)
    assert level.throughput == pytest.approx(100.0, rel=0.002)
    assert level.little == pytest.approx(1.0, rel=0.002)
    assert level.server_compute == pytest.approx(0.005)
    assert level.cpu_per_request == pytest.approx(0.005, rel=0.002)
    assert level.batch_size is None


def test_latency_counts_by_start_and_throughput_by_end() -> None:
    rows = np.concatenate([constant(1, 5.0, opened=-1.0), constant(1, 5.0, opened=9.0)])
    level = summarise(rows, WINDOW, 0, None)
    assert level.requests == 1, "only the second started in the window"
    assert level.throughput == pytest.approx(0.1), "only the first ended in it"


def test_failures_and_unfinished_requests_are_infinite_and_earn_nothing() -> None:
    samples = constant(1000, 0.01)
    samples["ok"][:15] = 0
    samples["latency"][:15] = 0.0001
    level = summarise(samples, WINDOW, unfinished=5, cpu_seconds=None)
    assert level.p99.value == math.inf
    assert level.p95 == 0.01
    assert (level.errors, level.unfinished, level.requests) == (15, 5, 1005)
    assert level.error_rate == pytest.approx(20 / 1005)
    assert level.throughput == pytest.approx(98.5, rel=0.002)


def test_a_starved_request_breaks_littles_law() -> None:
    window = Window(users=2, opened=0.0, closed=10.0, lag_p99=0.0)
    forgotten = summarise(constant(1000, 0.01), window, 0, None)
    assert forgotten.little == pytest.approx(0.5, rel=0.01)
    kinds = {doubt.kind for doubt in doubts(forgotten, window, recording(constant(1000, 0.01)))}
    assert DoubtKind.LITTLE in kinds
    assert summarise(constant(1000, 0.01), window, 1, None).little == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize(("count", "words"), [(200, "needs at least 368"), (900, "1000 are better"), (1000, None)])
def test_few_samples_are_doubted(count: int, words: str | None) -> None:
    samples = constant(count, 10.0 / count)
    level = summarise(samples, WINDOW, 0, None)
    found = [
        doubt.message for doubt in doubts(level, WINDOW, recording(samples)) if doubt.kind is DoubtKind.FEW_SAMPLES
    ]
    assert bool(found) == (words is not None)
    assert words is None or words in found[0]


def test_a_stall_is_doubted_because_a_closed_loop_hides_it() -> None:
    samples = constant(1000, 0.01)
    samples["start"][500:] += 1.0
    level = summarise(samples, WINDOW, 0, None)
    messages = [d.message for d in doubts(level, WINDOW, recording(samples)) if d.kind is DoubtKind.STALL]
    assert messages
    assert "no answer came for 1.0" in messages[0]


def test_too_many_errors_are_the_configurations_failure() -> None:
    samples = constant(1000, 0.01)
    samples["ok"][:30] = 0
    level = summarise(samples, WINDOW, 0, None)
    with pytest.raises(LaunchError, match=r"30 of 1000 requests failed \(3.0 %.*HTTP 500") as caught:
        require_answers(level, recording(samples), 0.01)
    assert not caught.value.kind.ours
    require_answers(level, recording(samples), 0.05)


def test_a_late_load_process_is_our_failure() -> None:
    late = Window(users=1, opened=0.0, closed=10.0, lag_p99=0.030)
    level = summarise(constant(1000, 0.01), late, 0, None)
    with pytest.raises(LaunchError, match=r"30\.0 ms late") as caught:
        require_punctual(level, late)
    assert caught.value.kind is FailureKind.INVALID
    require_punctual(summarise(constant(100, 0.1), late, 0, None), late)


@given(st.integers(1, 2000), st.integers(0, 50))
def test_whatever_passes_the_error_gate_has_a_finite_p99(count: int, failed: int) -> None:
    samples = constant(count, 10.0 / count)
    samples["ok"][:failed] = 0
    level = summarise(samples, WINDOW, 0, None)
    try:
        require_answers(level, recording(samples), 0.01)
    except LaunchError:
        assert level.error_rate > 0.01
    else:
        assert math.isfinite(level.p99.value)
