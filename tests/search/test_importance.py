"""Which knobs are said to matter, on studies where it is known."""

from dataclasses import replace

import pytest

from tests.report import studies
from tests.report.studies import configuration, level, measurement
from tuner.search.importance import ENOUGH_TRIALS, Importance, importances
from tuner.study.study import Study
from tuner.study.workload import opened


def only_batches_matter(count: int) -> Study:
    """Throughput rises with the batch size alone, p99 under the light load falls with int8 alone."""
    outcomes = []
    for number in range(count):
        batch, quick = 1 + number % 32, number % 3 == 0
        chosen = configuration(max_batch_size=batch, precision="int8" if quick else "fp32", workers=1 + number % 2)
        light = level(4, 300.0, 0.010 if quick else 0.02 + 0.0001 * (number * 7 % 5))
        outcomes.append((chosen, measurement([light, level(32, 100.0 * batch, 0.1)])))
    return studies.study(outcomes)


def test_what_matters_comes_first_for_each_objective() -> None:
    throughput, p99 = importances(only_batches_matter(60))
    assert (throughput.objective, p99.objective) == ("throughput at 32 users", "p99 at 4 users")
    assert next(iter(throughput.shares)) == "max_batch_size"
    assert throughput.shares["max_batch_size"] > 0.6
    assert next(iter(p99.shares)) == "precision"
    for found in (throughput, p99):
        assert sum(found.shares.values()) == pytest.approx(1.0)
        assert set(found.shares) == {knob.name for knob in studies.SPACE.free}


@pytest.mark.parametrize(("count", "low"), [(ENOUGH_TRIALS - 1, True), (ENOUGH_TRIALS, False)])
def test_few_trials_have_a_low_confidence(count: int, low: bool) -> None:
    assert [one.low_confidence for one in importances(only_batches_matter(count))] == [low, low]


def test_failed_trials_do_not_count() -> None:
    study = only_batches_matter(30)
    failed = replace(study.trials[0], outcome=studies.failure())
    assert {one.trials for one in importances(replace(study, trials=(failed, *study.trials[1:])))} == {29}


@pytest.mark.parametrize(
    "study",
    [
        studies.study([]),
        studies.study([(configuration(), studies.pair(400.0, 0.01, 420.0, 0.09))]),
        studies.study([(configuration(workers=workers), studies.pair(400.0, 0.01, 420.0, 0.09)) for workers in (1, 2)]),
        studies.study([(configuration(), studies.failure())]),
    ],
)
def test_where_nothing_differs_nothing_matters(study: Study) -> None:
    assert importances(study) == ()


def test_one_rate_has_one_objective_and_quality_is_a_third() -> None:
    assert [one.objective for one in importances(studies.simulated(12, loads=opened((200.0,))))] == ["p99 at 200 req/s"]
    study = studies.simulated(40)
    three = replace(study, settings=replace(study.settings, quality_objective=True))
    assert [one.objective for one in importances(three)][-1] == "quality"


def test_a_knob_counts_where_it_matters() -> None:
    """The time-out is random noise where nothing is batched, which is where the best trials are."""
    outcomes = []
    for number in range(60):
        batch = 1 if number % 2 else 8
        chosen = {**configuration(max_batch_size=batch), "batch_timeout_ms": float(number % 20)}
        outcomes.append(
            (chosen, measurement([level(4, 300.0, 0.01), level(32, 500.0 if batch == 1 else 100.0 + number, 0.1)]))
        )
    study = studies.study(outcomes)
    (throughput,) = importances(study)
    assert throughput.shares["batch_timeout_ms"] == 0.0
    always = replace(study, space=replace(study.space, conditions={}))
    assert importances(always)[0].shares["batch_timeout_ms"] > 0.0


def test_it_says_how_many_trials_are_the_best_tenth() -> None:
    assert [one.best for one in importances(only_batches_matter(60))] == [6, 20], "of equal ones all count"


def test_it_is_the_same_every_time() -> None:
    found: list[tuple[Importance, ...]] = [importances(studies.simulated(30)) for _ in range(2)]
    assert found[0] == found[1]
