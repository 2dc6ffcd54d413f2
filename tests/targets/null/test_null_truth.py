"""The truth itself: known answers for each law, from a formula or by hand."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests import truth


@pytest.mark.parametrize(
    ("law", "parameters", "arrivals", "expected"),
    [
        ("constant", {"delay_ms": 5.0}, [0.0, 0.0, 1.0], [0.005, 0.005, 0.005]),
        ("constant", {"delay_ms": 0.0}, [0.0, 3.0], [0.0, 0.0]),
        ("lognormal", {"delay_ms": 5.0, "sigma": 0.0}, [0.0, 1.0], [0.005, 0.005]),
        # Stalls at 9-10 s and 19-20 s after the first request, at 50 s.
        ("stall", {"delay_ms": 0.0}, [50.0, 58.9, 59.0, 59.9, 60.0, 69.5], [0.0, 0.0, 1.0, 0.1, 0.0, 0.5]),
        # An answer that is due in the stall is held, one that is due after it is not.
        ("stall", {"delay_ms": 200.0}, [0.0, 8.7, 8.9, 9.7, 9.9], [0.2, 0.2, 1.1, 0.3, 0.2]),
        # Two servers: the third waits for the first, the fourth for the second, the fifth for nobody.
        ("mdc", {"delay_ms": 100.0, "servers": 2}, [0.0, 0.05, 0.06, 0.06, 1.0], [0.1, 0.1, 0.14, 0.19, 0.1]),
        # One alone, then what waited, three at most, then the fourth of them.
        (
            "batching",
            {"delay_ms": 10.0, "per_item_ms": 1.0, "max_batch": 3},
            [0.0, 0.001, 0.002, 0.003, 0.004],
            [0.011, 0.023, 0.022, 0.021, 0.031],
        ),
    ],
)
def test_the_latencies_of_a_schedule(
    law: str, parameters: Mapping[str, float], arrivals: list[float], expected: list[float]
) -> None:
    assert truth.latencies(law, np.array(arrivals), **parameters) == pytest.approx(expected)


def test_what_a_stall_makes_of_p99() -> None:
    """The project's example: 5 ms, 1 s of stall in 10 s, and 100 requests a second at every phase of the stalls."""
    found = truth.latencies("stall", np.arange(100_000) * 0.0100123, delay_ms=5.0)
    assert np.quantile(found, 0.99, method="inverted_cdf") == pytest.approx(0.905, abs=0.001)
    assert np.quantile(found, 0.95, method="inverted_cdf") == pytest.approx(0.505, abs=0.001)


def test_the_mean_wait_of_a_queue_is_that_of_the_formula() -> None:
    arrivals = truth.poisson(50.0, 4000.0, seed=1)
    waits = truth.latencies("mdc", arrivals, delay_ms=10.0, servers=1) - 0.010
    assert waits.mean() == pytest.approx(truth.mean_wait(50.0, delay_ms=10.0), rel=0.02)
    assert truth.mean_wait(50.0, delay_ms=10.0) == pytest.approx(0.005)


def test_lognormal_quantiles_are_those_of_the_formula() -> None:
    found = truth.latencies("lognormal", np.arange(200_000.0), delay_ms=10.0, sigma=0.5)
    for share in (0.5, 0.9, 0.99):
        expected = truth.lognormal_quantile(share, delay_ms=10.0, sigma=0.5)
        assert np.quantile(found, share) == pytest.approx(expected, rel=0.01)
    assert truth.lognormal_quantile(0.99) == pytest.approx(0.0320, abs=0.0001)


def test_poisson_arrivals_have_the_rate_and_the_spread_of_poisson() -> None:
    arrivals = truth.poisson(100.0, 2000.0, seed=2)
    counts = np.bincount(arrivals.astype(int))
    assert counts.mean() == pytest.approx(100.0, rel=0.01)
    assert counts.var() == pytest.approx(100.0, rel=0.1)
    assert (np.diff(arrivals) >= 0).all()


@pytest.mark.parametrize(
    ("law", "parameters", "users", "throughput"),
    [
        ("constant", {"delay_ms": 10.0}, 4, 400.0),
        ("mdc", {"delay_ms": 10.0, "servers": 2}, 8, 200.0),
        ("batching", {"delay_ms": 8.0, "per_item_ms": 0.5, "max_batch": 4}, 8, 400.0),
        # Batches of 8 and 4 take turns: those who come back just miss the batch that starts as they are answered.
        ("batching", {"delay_ms": 8.0, "per_item_ms": 0.5, "max_batch": 8}, 12, 12 / 0.022),
    ],
)
def test_a_closed_loop_reaches_its_known_throughput(
    law: str, parameters: Mapping[str, float], users: int, throughput: float
) -> None:
    sent, took = truth.closed_loop(law, users, 100.0, gap=1e-6, **parameters)
    assert len(sent) / 100.0 == pytest.approx(throughput, rel=0.01)
    assert took[users:].mean() * throughput == pytest.approx(users, rel=0.01), "Little's law"
