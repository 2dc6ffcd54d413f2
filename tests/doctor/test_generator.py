"""The load generator against the known server."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import make_level, make_measurement
from tests.doctor.diagnoses import LATE, TOO_LATE
from tuner.doctor import generator
from tuner.doctor.diagnosis import TRUTH, Ceiling
from tuner.doctor.generator import ceiling, known_server, ladder, rung, server_p99
from tuner.load.samples import ROW, Samples
from tuner.machine import cores, fingerprint, place
from tuner.measure.protocol import Protocol
from tuner.measure.verify import Verifier
from tuner.study.objectives import Limits
from tuner.study.trial import Conditions
from tuner.study.workload import Workload, closed, opened
from tuner.target import spec


def make_samples(totals: dict[float, float]) -> Samples:
    samples = np.full(len(totals), np.nan, dtype=ROW)
    samples["intended"], samples["total"] = list(totals), list(totals.values())
    return samples


@pytest.fixture
def protocol(tmp_path: Path) -> Protocol:
    target = spec.load("null")
    return Protocol(
        target=target,
        workload=Workload(loads=closed((2,))),
        limits=Limits(),
        verifier=Verifier(target, tmp_path / "answers", 2),
        machine=fingerprint(),
        placement=place(cores()),
    )


def test_what_the_server_says_is_read_from_the_window() -> None:
    level = replace(make_level(4, 100.0, 0.01), opened=7.0)
    assert server_p99(make_samples({0.0: 9.0, 8.0: 0.006, 9.0: 0.005, 9.5: np.nan, 10.5: 8.0}), level) == 0.006
    assert server_p99(make_samples({8.0: np.nan}), level) is None
    assert server_p99(make_samples({}), level) is None


def test_a_rung_holds_its_errors(tmp_path: Path) -> None:
    conditions = Conditions(lag_p99=0.001, lag_most=0.002, lateness_p99=0.003, load_cpu=0.4)
    level = replace(make_level(opened((500.0,))[0], 500.0, 0.007), conditions=conditions)
    np.save(tmp_path / "samples.npy", make_samples({1.0: 0.0055}))
    found = rung(500.0, replace(make_measurement(), levels=(level,)), tmp_path)
    assert found.error == pytest.approx(0.002)
    assert found.own_error == pytest.approx(0.0015)
    assert (found.lateness, found.load_cpu, found.invalid) == (0.003, 0.4, "")
    assert found.trustworthy
    assert not replace(found, doubts=(LATE,)).trustworthy


def test_an_invalid_rate_is_told_with_its_reason_and_ends_the_ladder(
    protocol: Protocol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "attempt", lambda *_: TOO_LATE)
    (found,) = ladder(protocol, tmp_path)
    assert found.invalid == f"measurement invalid: {TOO_LATE.reason}"
    assert found.error is None
    assert not found.trustworthy
    assert ceiling(protocol, tmp_path) == Ceiling(users=32, invalid=found.invalid)


def test_a_real_load_generator_against_a_real_server(protocol: Protocol, tmp_path: Path) -> None:
    known = known_server(protocol, tmp_path)
    assert known.target.names["law"] == "constant"
    for _ in range(3):
        (found,) = ladder(known, tmp_path, rates=(1_000.0,), seconds=0.5)
        if not found.invalid:
            break
    assert found.p99 is not None
    assert found.server_p99 is not None
    assert TRUTH <= found.server_p99 <= found.p99 < TRUTH + 0.05
    assert found.lateness is not None
    assert found.load_cpu is not None
    for _ in range(3):
        most = ceiling(known, tmp_path, seconds=0.5)
        if not most.invalid:
            break
    assert most.throughput is not None
    assert most.throughput > 300.0
    assert most.load_cpu is not None
    assert 0.1 < most.load_cpu < 1.5
