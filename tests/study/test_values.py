import json
import math
from dataclasses import replace

import pytest

from tests.conftest import make_level, make_measurement
from tuner.errors import UsageError
from tuner.study.judgement import feasible, reference_accuracy, violations
from tuner.study.objectives import Limits, Slo, parse_slo
from tuner.study.space import SearchSpace
from tuner.study.trial import Accuracy, Failure, FailureKind, Interval, Trial, dump_outcome, load_outcome
from tuner.study.workload import Loop, Workload, closed, opened, parse_rates, parse_users


def test_outcomes_survive_json_also_with_infinite_latencies() -> None:
    lost = replace(make_level(4, 1.0, 1.0), p50=math.inf, p99=Interval(value=math.inf, low=0.1, high=None))
    measurement = replace(make_measurement(), levels=(lost,))
    failure = Failure(kind=FailureKind.CRASH, reason="killed by SIGKILL", log_tail=("a", "\x1b[31m</script>"))
    for outcome in (make_measurement(), measurement, failure):
        assert load_outcome(dump_outcome(outcome)) == outcome


def test_an_outcome_that_was_stored_before_servers_were_kept_is_read() -> None:
    stored = json.loads(dump_outcome(make_measurement()))
    del stored["outcome"]["server_of"]
    assert load_outcome(json.dumps(stored)) == make_measurement()


@pytest.mark.parametrize("text", ["p99", "p99=fast", "p98=5ms", "p99=0ms", "=5ms"])
def test_an_slo_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_slo(text)


def test_an_slo_is_read_in_seconds() -> None:
    assert parse_slo("p99=50ms") == Slo(metric="p99", limit=0.05)


@pytest.mark.parametrize(("text", "users"), [("4,32", (4, 32)), ("8", (8,))])
def test_users(text: str, users: tuple[int, ...]) -> None:
    assert Workload(loads=parse_users(text)).loads == closed(users)


@pytest.mark.parametrize("text", ["", "a", "0", "32,4", "4,4", "4;32"])
def test_users_that_make_no_ladder_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--users"):
        Workload(loads=parse_users(text))


@pytest.mark.parametrize(("text", "rates"), [("50,200", (50.0, 200.0)), ("0.5", (0.5,))])
def test_rates(text: str, rates: tuple[float, ...]) -> None:
    workload = Workload(loads=parse_rates(text))
    assert workload.loads == opened(rates)
    assert workload.loop is Loop.OPEN


@pytest.mark.parametrize("text", ["", "a", "0", "200,50", "inf", "-1", "nan"])
def test_rates_that_make_no_ladder_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--rate"):
        Workload(loads=parse_rates(text))


def test_loads_are_written_with_their_unit() -> None:
    assert [str(load) for load in (*closed((32,)), *opened((200.0,)))] == ["32 users", "200 req/s"]


def test_the_accuracy_of_a_default_that_failed_still_counts(space: SearchSpace) -> None:
    default = space.default()
    slow = Failure(kind=FailureKind.OVERLOADED, reason="piles up", accuracy=Accuracy(correct=9, total=10))
    assert reference_accuracy([Trial(number=0, configuration=default, outcome=slow)], default) == slow.accuracy


def test_violations_are_signed_distances() -> None:
    limits = Limits(slo=Slo(metric="p99", limit=0.04), max_accuracy_drop=0.01)
    reference = make_measurement(correct=900).accuracy
    found = violations(make_measurement(target=0.05, correct=880), limits, reference)
    assert found == {"slo": pytest.approx(0.01), "accuracy": pytest.approx(0.01)}
    assert violations(make_measurement(target=0.03, correct=895), limits, reference)["slo"] < 0


def test_the_default_is_the_reference_of_accuracy() -> None:
    trials = (
        Trial(number=0, configuration={"a": 1}, outcome=make_measurement(correct=950)),
        Trial(number=1, configuration={"a": 2}, outcome=make_measurement(correct=930)),
    )
    reference = reference_accuracy(trials, {"a": 1})
    assert reference is not None
    assert reference.correct == 950
    assert feasible(trials[0], Limits(), reference)
    assert not feasible(trials[1], Limits(), reference)
