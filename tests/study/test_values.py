import json
import math
from dataclasses import replace

import pytest

from tests.conftest import make_level, make_measurement
from tuner.errors import UsageError
from tuner.machine import fingerprint
from tuner.study.judgement import criterion, feasible, front_of, merit, objectives, unjudged, violations
from tuner.study.objectives import Limits, Slo, parse_slo
from tuner.study.settings import MeasureSettings, without_user
from tuner.study.space import Configuration
from tuner.study.trial import Failure, FailureKind, Interval, Trial, dump_outcome, load_outcome, load_stored
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


def test_an_outcome_says_its_machine_only_where_that_is_stored_nowhere_else() -> None:
    here = fingerprint()
    assert load_stored(dump_outcome(make_measurement(), here)).machine == here
    assert "machine" not in json.loads(dump_outcome(make_measurement()))
    assert load_stored(dump_outcome(make_measurement())).machine is None


def test_an_outcome_says_what_was_asked_only_where_that_is_stored_nowhere_else() -> None:
    """What was written before settings were stored is read all the same."""
    knobs: Configuration = {"batch": 4, "timeout": 0.5, "warm": True, "precision": "fp32"}
    asked = MeasureSettings(target="null", workload=Workload(loads=closed((4, 32))), configuration=knobs)
    text = dump_outcome(make_measurement(), settings=asked)
    assert load_stored(text).settings == asked
    assert json.loads(text)["settings"]["configuration"] == knobs
    stored = json.loads(dump_outcome(make_measurement()))
    assert ("settings" in stored, stored["version"]) == (False, json.loads(text)["version"])
    assert load_stored(json.dumps(stored)).settings is None


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://alice:s3cret@host:8000/v1", "https://host:8000/v1"),
        ("http://alice@host", "http://host"),
        ("http://alice:s3/c@ret@host", "http://host"),
    ],
)
def test_a_url_is_told_without_user_and_password(url: str, told: str) -> None:
    assert without_user(url) == told


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


def test_throughput_decides_in_closed_loop_and_p99_under_the_target_load_in_open_loop() -> None:
    closed_loop, open_loop = criterion(Loop.CLOSED), criterion(Loop.OPEN)
    assert (closed_loop.name, closed_loop.of(100.0, (0.01, 0.05))) == ("throughput", 100.0)
    assert (open_loop.name, open_loop.of(100.0, (0.01, 0.05))) == ("p99", 0.05)
    light, heavy = opened((50.0, 200.0))
    assert merit(make_measurement(100.0, target=0.05)) == 100.0
    assert merit(make_measurement(100.0, target=0.05, loads=(light, heavy))) == -0.05


def test_violations_are_signed_distances() -> None:
    limits = Limits(slo=Slo(metric="p99", limit=0.04), max_accuracy_drop=0.01)
    found = violations(make_measurement(target=0.05, correct=880), limits)
    assert found == {"slo": pytest.approx(0.01), "quality": pytest.approx(0.01)}
    assert violations(make_measurement(target=0.03, correct=895), limits)["slo"] < 0


@pytest.mark.parametrize(("correct", "kept"), [(890, True), (889, False), (950, True), (900, True)])
def test_what_is_lost_against_the_default_decides_and_exactly_the_limit_is_kept(correct: int, kept: bool) -> None:
    trial = Trial(number=1, configuration={"a": 2}, outcome=make_measurement(correct=correct))
    assert feasible(trial, Limits()) is kept


@pytest.mark.parametrize(
    ("metric", "requests", "correct", "open_"),
    [("p99", 367, 900, True), ("p99", 368, 900, False), ("p50", 367, 900, False), ("p99", 367, 880, False)],
)
def test_too_few_requests_for_a_p99_leave_the_slo_open_and_still_meet_nothing(
    metric: str, requests: int, correct: int, open_: bool
) -> None:
    measured = make_measurement(target=0.05, correct=correct)
    measured = replace(measured, levels=(replace(measured.target, requests=requests),))
    trial, limits = (
        Trial(number=1, configuration={"a": 2}, outcome=measured),
        Limits(slo=Slo(metric=metric, limit=0.01)),
    )
    assert (unjudged(trial, limits), feasible(trial, limits)) == (open_, False)


def test_where_nothing_is_compared_nothing_is_lost() -> None:
    trial = Trial(number=0, configuration={"a": 1}, outcome=replace(make_measurement(), quality=None))
    assert feasible(trial, Limits(max_accuracy_drop=0.0))


def test_the_third_objective_is_the_share_of_right_answers() -> None:
    measurement = make_measurement(throughput=100.0, light=0.01, correct=880)
    assert objectives(measurement) == (100.0, 0.01)
    assert objectives(measurement, with_quality=True) == (100.0, 0.01, 0.88)
    assert objectives(replace(measurement, quality=None), with_quality=True)[2] == 0.0


def test_a_front_in_three_keeps_who_is_beaten_in_two_but_answers_better() -> None:
    fast, right = make_measurement(throughput=200.0, correct=890), make_measurement(throughput=100.0, correct=900)
    trials = [Trial(number=i, configuration={"a": i}, outcome=one) for i, one in enumerate((fast, right))]
    assert [trial.number for trial in front_of(trials)] == [0]
    assert [trial.number for trial in front_of(trials, with_quality=True)] == [0, 1]
