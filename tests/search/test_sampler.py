"""Proposals: in the right order, never twice, never against a constraint, and better than chance."""

import pytest

from tests.conftest import make_measurement
from tuner.search.sampler import distribution, propose
from tuner.study.objectives import Limits, Slo
from tuner.study.space import ChoiceKnob, Configuration, RangeKnob, SearchSpace, identity
from tuner.study.trial import Failure, FailureKind, Measurement, Outcome, Trial

FAILED = Failure(kind=FailureKind.CRASH, reason="planted")
INVALID = Failure(kind=FailureKind.INVALID, reason="planted")


def truth(configuration: Configuration) -> Measurement:
    """A made-up server: more workers and int8 help, large batches help throughput and hurt latency."""
    speed = 100.0 * float(configuration["workers"]) * (2.0 if configuration["precision"] == "int8" else 1.0)
    batch, wait = float(configuration["batch"]), float(configuration["timeout"])
    return make_measurement(
        throughput=speed * (1 + batch / 64) / (1 + wait / 10), light=(1 + wait + batch / 4) / speed, target=32 / speed
    )


def explore(space: SearchSpace, budget: int, seed: int = 0, limits: Limits = Limits()) -> list[Trial]:  # noqa: B008
    trials: list[Trial] = []
    for number in range(budget):
        proposal = propose(space, trials, limits, seed=seed)
        assert proposal is not None
        outcome: Outcome = FAILED if proposal["batch"] == 7 else truth(proposal)
        trials.append(Trial(number=number, configuration=proposal, outcome=outcome))
    return trials


def test_default_then_starts_then_samples(space: SearchSpace) -> None:
    starts = (space.configuration({"workers": 2}), space.default(), space.configuration({"workers": 4}))
    first = propose(space, [], Limits(), starts=starts)
    assert first == space.default()
    trials = [Trial(number=0, configuration=space.default(), outcome=truth(space.default()))]
    assert propose(space, trials, Limits(), starts=starts) == starts[0]
    trials.append(Trial(number=1, configuration=starts[0], outcome=truth(starts[0])))
    sampled = propose(space, trials, Limits(), starts=starts)
    assert sampled not in (*starts, None), "workers=4 breaks the constraint, so it is never proposed"


def test_no_configuration_twice_and_none_against_a_constraint(space: SearchSpace) -> None:
    trials = explore(space, 30)
    assert len({identity(trial.configuration) for trial in trials}) == 30
    assert all(space.violated(trial.configuration) is None for trial in trials)


def test_a_third_objective_draws_the_search_to_better_answers() -> None:
    """Accuracy falls with x, and nothing else depends on it."""
    knobs = (RangeKnob(name="x", low=0.0, high=1.0, default=1.0), RangeKnob(name="y", low=0.0, high=1.0, default=0.0))
    space, means = SearchSpace(knobs=knobs), []
    for with_quality in (False, True):
        trials: list[Trial] = []
        while len(trials) < 30:
            proposal = propose(space, trials, Limits(max_accuracy_drop=1.0), with_quality=with_quality)
            assert proposal is not None
            found = make_measurement(correct=900 - round(400 * float(proposal["x"])))
            trials.append(Trial(number=len(trials), configuration=proposal, outcome=found))
        means.append(sum(float(trial.configuration["x"]) for trial in trials[10:]) / 20)
    assert means[1] < means[0] - 0.1


def test_equal_seeds_give_equal_proposals(space: SearchSpace) -> None:
    assert [t.configuration for t in explore(space, 12, seed=3)] == [
        t.configuration for t in explore(space, 12, seed=3)
    ]
    assert [t.configuration for t in explore(space, 12, seed=3)] != [
        t.configuration for t in explore(space, 12, seed=4)
    ]


def test_it_learns(space: SearchSpace) -> None:
    """Two workers with int8 are a quarter of the space that is allowed, and far more of the later trials."""
    late = explore(space, 40)[20:]
    good = [t for t in late if t.configuration["workers"] == 2 and t.configuration["precision"] == "int8"]
    assert len(good) >= 9


def test_failures_and_missed_limits_are_avoided_but_invalid_trials_are_not_held_against_anything() -> None:
    space = SearchSpace(
        knobs=(
            ChoiceKnob(name="precision", choices=("fp32", "int8"), default="fp32"),
            RangeKnob(name="x", low=0.0, high=1.0, default=0.0),
        )
    )
    for outcome, fewest, most in ((FAILED, 0, 8), (INVALID, 5, 20)):
        trials = [Trial(number=0, configuration=space.default(), outcome=make_measurement())]
        for number in range(1, 25):
            proposal = propose(space, trials, Limits(slo=Slo(metric="p99", limit=1.0)), seed=1)
            assert proposal is not None
            measured = make_measurement(throughput=90 + number % 7)
            found: Outcome = outcome if proposal["precision"] == "int8" else measured
            trials.append(Trial(number=number, configuration=proposal, outcome=found))
        tried = sum(trial.configuration["precision"] == "int8" for trial in trials[5:])
        assert fewest <= tried <= most, outcome.kind


def test_a_small_space_is_walked_to_its_end() -> None:
    space = SearchSpace(
        knobs=(
            ChoiceKnob(name="a", choices=(1, 2, 3), default=1),
            RangeKnob(name="b", low=0, high=1, default=0, integer=True),
        ),
        constraints=("a + b < 4",),
    )
    trials: list[Trial] = []
    while (proposal := propose(space, trials, Limits())) is not None:
        trials.append(Trial(number=len(trials), configuration=proposal, outcome=make_measurement()))
    assert len(trials) == 5


def test_a_space_without_freedom_has_one_configuration() -> None:
    space = SearchSpace(knobs=(ChoiceKnob(name="a", choices=(1,), default=1),))
    trials = [Trial(number=0, configuration=space.default(), outcome=make_measurement())]
    assert propose(space, trials, Limits()) is None


@pytest.mark.parametrize(
    "knob",
    [
        RangeKnob(name="x", low=1, high=64, default=1, integer=True, log=True),
        RangeKnob(name="x", low=0.5, high=2.0, default=1.0),
        ChoiceKnob(name="x", choices=("a", "b"), default="a"),
    ],
)
def test_what_is_stored_is_the_value_itself(knob: RangeKnob | ChoiceKnob) -> None:
    stored = distribution(knob)
    assert stored.to_external_repr(stored.to_internal_repr(knob.default)) == knob.default
