import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from tuner.statistics.steady import is_steady, is_transient

LATENCIES = st_numpy.arrays(float, st.integers(0, 300), elements=st.floats(1e-6, 1e3))


def settling(generator: np.random.Generator, count: int, after: float = 0.2) -> np.ndarray:
    """Latencies that start four times too high and fall with a time constant of `after` of the whole."""
    return (1.0 + 3.0 * np.exp(-np.arange(count) / count / after)) * generator.gamma(50.0, 0.02, count)


@pytest.mark.parametrize(
    ("blocks", "steady"),
    [
        ([], False),
        ([[1.0], [1.0]], False),
        ([[1.0], [1.0], []], False),
        ([[1.0], [1.0], [1.0]], True),
        ([[9.0], [1.0], [1.0], [1.0]], True),  # only the last three count
        ([[1.0], [1.09], [1.0]], True),  # to and fro within the tolerance
        ([[1.0], [1.04], [1.09]], False),  # the same range, but one way
        ([[1.0], [1.01], [1.02]], True),
        ([[1.0], [1.2], [1.0]], False),  # too few to call it noise
        ([[1.0, 2.0, 3.0] * 10, [1.0, 2.2, 3.0] * 10, [1.0, 1.9, 3.0] * 10], True),  # apart, but spread more widely
        ([[1.0] * 30, [1.2] * 30, [1.0] * 30], False),  # as far apart without any spread
        ([[np.inf] * 30] * 3, False),
        ([[0.0] * 30] * 3, True),
    ],
)
def test_three_blocks_are_steady_when_they_are_alike(blocks: list[list[float]], steady: bool) -> None:
    assert is_steady(blocks) is steady


def test_a_server_that_settles_is_not_steady_until_it_has() -> None:
    latencies = settling(np.random.default_rng(2), 4000, after=0.15).reshape(40, 100)
    found = [is_steady(latencies[:end]) for end in range(1, 41)]
    assert not any(found[:10])
    assert np.mean(found[-10:]) > 0.7


@pytest.mark.parametrize("values", [[], [1.0] * 100, [1.0] * 5000, [np.inf] * 1000, [0.0] * 1000])
def test_no_transient_in_little_or_in_values_all_alike(values: list[float]) -> None:
    assert not is_transient(values)


@pytest.mark.parametrize("count", [200, 600, 5000, 20_000])
def test_a_decay_and_a_rise_are_transients_at_any_length(count: int) -> None:
    values = settling(np.random.default_rng(3), count)
    assert is_transient(values)
    assert is_transient(values[::-1])
    assert is_transient(np.concatenate([values, [np.inf]]))


def test_a_small_drift_is_no_transient_however_certain() -> None:
    assert not is_transient(np.linspace(1.0, 1.1, 5000))
    assert is_transient(np.linspace(1.0, 1.3, 5000))


@pytest.mark.parametrize("load", [0.5, 0.7])
def test_false_alarms_on_a_stationary_queue_are_rare(load: float) -> None:
    generator = np.random.default_rng(4)
    walk = np.cumsum(1.0 - generator.exponential(1.0 / load, (300, 2600)), axis=1)
    latencies = (walk - np.minimum.accumulate(walk, axis=1) + 1.0)[:, 600:]
    assert sum(map(is_transient, latencies)) <= 3
