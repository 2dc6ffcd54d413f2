"""How the protocol is told."""

import pytest

from tests.report import studies
from tuner.machine import Placement
from tuner.report import method
from tuner.study.workload import Workload, closed, opened


@pytest.mark.parametrize(
    ("server", "load", "told"),
    [
        (range(7), (7,), "server on cores 0-6, load on core 7"),
        ((0, 1, 2, 5, 8, 9), (10, 11), "server on cores 0-2, 5, 8-9, load on cores 10-11"),
        ((0, 1), (0, 1), "server and load shared 2 cores"),
        ((3,), (3,), "server and load shared 1 core"),
    ],
)
def test_placement(server: tuple[int, ...], load: tuple[int, ...], told: str) -> None:
    assert method.placed(Placement(server=tuple(server), load=load)) == told


def test_protocol() -> None:
    assert method.protocol(Workload(loads=closed((4, 32)))) == (
        "closed loop at 4, then 32 users; each level warmed up until steady (0.5 to 1.4 s), then measured for 3 s"
    )
    assert method.measured(Workload(loads=closed((4, 32)), measure_most=8.0)) == (
        "measured for 3 to 8 s, until the 95 % interval of p99 is within ±10 %"
    )
    several = Workload(loads=opened((200.0,)), processes=3, measure=4.0, measure_most=4.0)
    assert method.protocol(several).startswith("open loop at 200 req/s from 3 load processes; ")
    assert method.protocol(several).endswith("measured for 4 s")


def test_objectives() -> None:
    study = studies.small()
    assert method.objectives(study) == "most throughput at 32 users, least p99 at 4 users"
    assert method.objectives(studies.third()) == "most throughput at 32 users, least p99 at 4 users, most accuracy"
    assert method.objectives(studies.simulated(2, loads=opened((200.0,)))) == "least p99 at 200 req/s"


def test_sample_sizes() -> None:
    assert method.sample_sizes(studies.study([])) == ""
    assert method.sample_sizes(studies.rates()) == (
        "at 50 req/s 510 requests per launch (median 510 over 13 launches); at 200 req/s 2,034 requests per launch "
        "(median 2,034 over 13 launches)"
    )
    both = studies.with_arrivals(studies.small(), 100.0, {0: 0.01, 1: 0.01, 3: 0.01})
    assert "at 32 users 1,344 to 2,880 requests per launch" in method.sample_sizes(both)
    assert "at 100 req/s 1,020 requests per launch (median 1,020 over 9 launches)" in method.sample_sizes(both)


def test_without_doctor_there_is_no_noise_to_tell() -> None:
    assert method.noise(studies.small()) is None
    assert method.tie_meaning(studies.small()) == ""
