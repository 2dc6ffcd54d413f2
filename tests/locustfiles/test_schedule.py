"""The arrivals themselves: a Poisson process, the same for the same seed, that can be shared out."""

import sys
from collections.abc import Iterator
from itertools import takewhile
from types import ModuleType

import numpy as np
import pytest

from tuner import bundled


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module as a locustfile imports it; alone of its folder it does not import Locust."""
    monkeypatch.syspath_prepend(str(bundled.locustfiles()))
    import _schedule

    assert "locust" not in sys.modules
    yield _schedule
    del sys.modules["_schedule"]


def test_gaps_are_exponential_at_the_rate(module: ModuleType) -> None:
    moments = np.array(module.schedule(100.0, 200.0, [1, 0]))
    gaps = np.sort(np.diff(moments))
    assert len(moments) == pytest.approx(20_000, abs=5 * np.sqrt(20_000))
    assert moments[0] >= 0.0
    assert moments[-1] < 200.0
    expected = 1.0 - np.exp(-100.0 * gaps)
    distance = np.abs(expected - np.arange(1, len(gaps) + 1) / len(gaps)).max()
    assert distance < 2.0 / np.sqrt(len(gaps)), "Kolmogorov-Smirnov, beyond the 99.9th percentile"
    assert abs(np.corrcoef(np.diff(moments)[:-1], np.diff(moments)[1:])[0, 1]) < 0.05


def test_a_seed_fixes_everything(module: ModuleType) -> None:
    plan = {"rate": 50.0, "seconds": 2.0, "seed": [7, 3], "share": 1}
    assert module.part_of_plan(plan, 0) == module.part_of_plan(plan, 0) == module.schedule(50.0, 2.0, [7, 3, 0])
    assert module.part_of_plan(plan, 0) != module.part_of_plan(plan, 1)
    assert module.part_of_plan(plan, 0) != module.part_of_plan({**plan, "seed": [7, 4]}, 0)


def test_parts_add_up_to_the_rate(module: ModuleType) -> None:
    plan = {"rate": 300.0, "seconds": 100.0, "seed": [1], "share": 3}
    together = sum(len(module.part_of_plan(plan, worker)) for worker in range(3))
    assert together == pytest.approx(30_000, abs=5 * np.sqrt(30_000))


def test_an_endless_schedule_has_no_seam(module: ModuleType) -> None:
    moments = list(takewhile(lambda moment: moment < 50.0, module.endless_schedule(100.0, [1])))
    counts = np.histogram(moments, bins=np.arange(0.0, 51.0, 1.0))[0]
    assert moments == sorted(moments)
    assert (np.abs(counts - 100) < 5 * 10).all()


def test_a_rate_of_zero_stops(module: ModuleType) -> None:
    assert module.part_of_plan({"rate": 0}, 0) == []
