"""When a level ends, with a clock and a load of our own: no waiting, no noise."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tuner.load.driver import Window
from tuner.load.samples import ROW, Samples
from tuner.measure import level
from tuner.study.workload import Load, Workload, closed, opened

Latency = Callable[[np.ndarray], np.ndarray]


class Pretended:
    """A load whose requests come at a fixed rate from the beginning, with latencies that depend on the moment."""

    def __init__(self, rate: float, latency: Latency) -> None:
        self.now = 100.0
        self._began = self.now
        self._rate, self._latency = rate, latency
        self.driven: list[tuple[Load, Sequence[int]]] = []
        self.seconds: list[float] = []

    def drive(self, load: Load, seconds: float, seed: Sequence[int]) -> None:
        self.seconds.append(seconds)
        self.driven.append((load, tuple(seed)))

    def run_for(self, seconds: float) -> None:
        self.now += seconds

    def samples(self) -> Samples:
        rows = np.zeros(int((self.now - self._began) * self._rate) + 1, dtype=ROW)
        rows["intended"] = rows["sent"] = self._began + np.arange(len(rows)) / self._rate
        rows["end"] = rows["intended"] + self._latency(rows["intended"] - self._began)
        rows["ok"] = 1
        return rows[rows["end"] <= self.now]

    def open(self) -> float:
        return self.now

    def close(self, load: Load, opened: float) -> Window:
        return Window(load=load, opened=opened, closed=self.now, lag_p99=0.0, lag_most=0.0, collected=False)


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, Latency], Pretended]:
    def make(rate: float, latency: Latency) -> Pretended:
        made = Pretended(rate, latency)
        monkeypatch.setattr(level.time, "monotonic", lambda: made.now)
        return made

    return make


def flat(seconds: float) -> Latency:
    return lambda at: np.full(len(at), seconds)


def scattered(at: np.ndarray) -> np.ndarray:
    """A wide distribution, the same in every stretch of time."""
    return np.random.default_rng(0).lognormal(np.log(0.01), 1.0, len(at))


WORKLOAD = Workload(loads=closed((4,)), warm_up_most=3.0, measure_most=3.6)
MakePretended = Callable[[float, Latency], Pretended]


@pytest.mark.parametrize(
    ("rate", "latency", "seconds"),
    [
        (1000.0, flat(0.01), 3.0),  # known at the first look
        (500.0, scattered, 3.6),  # not known well enough: on to the cap
        (50.0, flat(0.01), 7.7),  # on until p99 has its 368 requests
        (2.0, flat(0.01), 30.0),  # which a very light load never gets
        (1000.0, flat(1e6), 30.0),  # nor a server that does not answer
    ],
)
def test_a_level_is_measured_until_its_p99_is_known(
    pretend: MakePretended, rate: float, latency: Latency, seconds: float
) -> None:
    window = level.measure(pretend(rate, latency), WORKLOAD, closed((4,))[0], (1, 2))  # type: ignore[arg-type]
    assert window.seconds == pytest.approx(seconds, abs=0.35)


def test_an_open_loop_needs_more_arrivals_and_a_schedule_that_lasts(pretend: MakePretended) -> None:
    workload = Workload(loads=opened((100.0,)), measure=2.0, measure_most=50.0, patience=30.0)
    process = pretend(100.0, flat(0.01))
    window = level.measure(process, workload, workload.target, ())  # type: ignore[arg-type]
    assert window.seconds == pytest.approx(10.0, abs=1.0), "a thousand of them"
    assert process.seconds[0] > 50.0


def test_how_well_p99_shall_be_known_can_be_asked_for(pretend: MakePretended) -> None:
    longer = Workload(loads=closed((4,)), measure_most=90.0)
    strict = Workload(loads=closed((4,)), measure_most=90.0, interval=0.04)
    lengths = [
        level.measure(pretend(500.0, scattered), one, closed((4,))[0], ()).seconds  # type: ignore[arg-type]
        for one in (longer, strict)
    ]
    assert 3.6 < lengths[0] < lengths[1] / 3


def test_only_the_window_of_an_open_loop_gets_arrivals_of_its_own(pretend: MakePretended) -> None:
    for load, seeds in ((opened((1000.0,))[0], [(7, 1, 0, 1)]), (closed((4,))[0], [])):
        process = pretend(1000.0, flat(0.01))
        level.measure(process, WORKLOAD, load, (7, 1, 0))  # type: ignore[arg-type]
        assert [seed for _, seed in process.driven] == seeds


@pytest.mark.parametrize(
    ("rate", "latency", "seconds", "steady"),
    [
        (1000.0, flat(0.01), 0.5, True),
        (1000.0, lambda at: 0.01 * (1.0 + 3.0 * np.exp(-at / 0.3)), 1.6, True),  # settles
        (1000.0, lambda at: 0.01 * (1.0 + 3.0 * at), 3.0, False),  # never does
        (10.0, flat(0.01), 3.0, True),  # few answers are waited for
        (1000.0, flat(1e6), 30.0, False),  # but not for ever
    ],
)
def test_a_level_is_warmed_up_until_it_is_steady(
    pretend: MakePretended, rate: float, latency: Latency, seconds: float, steady: bool
) -> None:
    process = pretend(rate, latency)
    assert level.warm_up(process, WORKLOAD, closed((4,))[0], (7, 1, 0)) is steady  # type: ignore[arg-type]
    assert process.now - 100.0 == pytest.approx(seconds, abs=0.45)
    assert process.driven == [(closed((4,))[0], (7, 1, 0, 0))]
