"""What launches of one configuration tell about the machine."""

import math
from dataclasses import replace

import pytest

from tests.conftest import make_measurement
from tests.doctor.diagnoses import LATE, QUIET, TOO_LATE, repeats
from tuner.doctor import disturbances
from tuner.doctor.noise import Repeat, drift_of, has_drifted, launched, noise
from tuner.study.trial import Conditions, Doubt, DoubtKind
from tuner.study.workload import Loop, closed

LOADS = closed((4, 32))
CALM = Conditions(lag_p99=0.001, lag_most=0.001, other_programs=0.01, stolen=0.0, throttled=0)


def test_noise_is_the_spread_of_the_logarithms() -> None:
    found = noise(launched(repeats((100.0, 110.0, 100.0, 110.0))), "reference", {}, LOADS, "today")
    assert found is not None
    spread = math.log(1.1) / math.sqrt(3.0)
    assert (found.throughput, *found.p99) == pytest.approx((spread, spread, spread))
    assert (found.launches, found.target, found.loads) == (4, "reference", LOADS)


def test_launches_that_give_no_figure_do_not_count() -> None:
    lost = Repeat(begun=50.0, outcome=make_measurement(target=math.inf))
    invalid = Repeat(begun=60.0, outcome=TOO_LATE)
    figures = launched((*repeats((100.0, 110.0)), lost, invalid))
    assert len(figures) == 2
    assert noise(figures, "reference", {}, LOADS, "today") is None
    assert drift_of(figures, Loop.CLOSED) is None


def test_a_machine_that_becomes_faster_drifts_and_noise_alone_does_not() -> None:
    faster = drift_of(launched(repeats((100.0, 102.1, 103.9, 106.0, 108.0, 110.1))), Loop.CLOSED)
    quiet = drift_of(launched(repeats(QUIET)), Loop.CLOSED)
    assert faster is not None
    assert quiet is not None
    assert faster.value == pytest.approx(1.10, abs=0.002)
    assert has_drifted(faster)
    assert not has_drifted(quiet)
    told = disturbances.drifted(faster, "throughput")
    assert not told.ok
    assert told.found.startswith("throughput +10.0 % over 6 launches (95 % interval +")
    assert disturbances.drifted(quiet, "throughput").found.endswith(": none that can be told")


def test_in_open_loop_it_is_p99_that_drifts() -> None:
    figures = launched(repeats((100.0, 102.1, 103.9, 106.0, 108.0, 110.1)))
    change = drift_of([replace(one, throughput=50.0) for one in figures], Loop.OPEN)
    assert change is not None
    assert change.value == pytest.approx(1 / 1.10, abs=0.002)


@pytest.mark.parametrize(
    ("conditions", "look"),
    [
        (CALM, set()),
        (replace(CALM, other_programs=None, stolen=None, throttled=None), set()),
        (replace(CALM, other_programs=0.3), {"other programs"}),
        (replace(CALM, stolen=0.05), {"stolen time"}),
        (replace(CALM, throttled=3), {"throttling"}),
    ],
)
def test_what_disturbed_the_launches_is_named(conditions: Conditions, look: set[str]) -> None:
    measurement = make_measurement()
    seen = replace(measurement, levels=tuple(replace(level, conditions=conditions) for level in measurement.levels))
    found = list(disturbances.disturbances([Repeat(begun=0.0, outcome=seen)], "throughput", None))
    assert {check.name for check in found if not check.ok} == look
    assert all(bool(check.advice) != check.ok for check in found)


@pytest.mark.parametrize(
    ("doubt", "ok"), [(LATE, False), (Doubt(kind=DoubtKind.FEW_SAMPLES, message="few requests"), True)]
)
def test_doubts_are_counted_once_a_launch(doubt: Doubt, ok: bool) -> None:
    doubted = replace(make_measurement(), doubts=(doubt, doubt))
    found = disturbances.launches([Repeat(begun=0.0, outcome=doubted), *repeats((1.0, 2.0))])
    assert found.ok is ok
    assert found.found == f"3 of 3 valid; doubted for {doubt.kind} in 1"


def test_an_invalid_launch_says_why() -> None:
    found = disturbances.launches([*repeats((1.0,)), Repeat(begun=0.0, outcome=TOO_LATE)])
    assert not found.ok
    assert found.found == f"1 of 2 valid; last invalid: {TOO_LATE.reason}"
