"""The protocol against servers whose truth is known."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import MakeTarget
from tests.measure.servers import REQUESTS, SHORT, TOML, protocol, server
from tuner.machine import fingerprint
from tuner.measure.measurement import measure, measure_url
from tuner.measure.protocol import ONCE, Repetition
from tuner.measure.ready import wait
from tuner.study.space import Value
from tuner.study.trial import DoubtKind, Failure, FailureKind, Measurement, Outcome, load_stored
from tuner.study.workload import Workload, closed, opened
from tuner.target import spec
from tuner.target.launch import free_port, render
from tuner.target.process import SupervisedProcess


def run(
    folder: Path,
    options: Mapping[str, str] = {},
    values: Mapping[str, Value] = {},
    workload: Workload = SHORT,
    repetition: Repetition = ONCE,
) -> Outcome:
    """Measure the null target; on a machine that is busy with something else, up to three times as a search would."""
    target = spec.load("null", options)
    for _ in range(3):
        configuration = target.space.configuration(values)
        outcome = measure(protocol(target, folder, workload), configuration, folder / "trial", repetition)
        if not (isinstance(outcome, Failure) and outcome.kind.ours):
            break
    return outcome


def test_a_known_delay_is_measured_as_it_is(tmp_path: Path) -> None:
    outcome = run(tmp_path, values={"delay_ms": 20.0})
    assert isinstance(outcome, Measurement)
    for level, users in zip(outcome.levels, (2, 8), strict=True):
        assert level.load.users == users
        assert level.conditions is not None
        assert level.conditions.load_cpu is not None
        assert 0.0 < level.conditions.load_cpu < 1.0
        assert 0.020 <= level.p50 <= 0.024
        assert 0.020 <= level.p99.value <= 0.032
        assert level.throughput == pytest.approx(users / 0.021, rel=0.1)
        assert level.little == pytest.approx(1.0, abs=0.06)
        assert level.server_compute == pytest.approx(0.0205, abs=0.001)
    assert outcome.load_seconds > 2.4
    stored = load_stored((tmp_path / "trial" / "measurement.json").read_text())
    assert stored.outcome == outcome
    assert stored.machine == fingerprint()
    assert len(np.load(tmp_path / "trial" / "samples.npy")) > outcome.target.requests


def test_arrivals_of_a_known_rate_are_measured_from_their_intended_start(tmp_path: Path) -> None:
    workload = Workload(loads=opened((100.0, 200.0)), warm_up=0.2, measure=2.0, measure_most=2.0, drain=1.0)
    outcome = run(tmp_path, {"law": "stall", "stall_every_s": "1.0", "stall_s": "0.2"}, {"delay_ms": 5.0}, workload)
    assert isinstance(outcome, Measurement)
    for level, rate in zip(outcome.levels, (100.0, 200.0), strict=True):
        assert level.load.rate == rate
        assert level.little is None
        assert level.throughput == pytest.approx(rate, rel=0.25)
        assert level.p50 < 0.02
        assert level.p99.value == pytest.approx(0.195, abs=0.02), "a fifth of all arrivals meets a stall"
        assert level.conditions is not None
        assert level.conditions.lateness_p99 is not None
    assert DoubtKind.STALL not in {doubt.kind for doubt in outcome.doubts}


def test_a_rate_that_cannot_be_carried_is_the_configurations_own_failure(tmp_path: Path) -> None:
    workload = Workload(
        loads=opened((150.0,)), warm_up=0.2, warm_up_most=0.4, measure=2.0, measure_most=2.0, patience=3.0, drain=0.2
    )
    outcome = run(tmp_path, {"law": "mdc", "servers": "1"}, {"delay_ms": 10.0}, workload)
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.OVERLOADED
    assert re.search(r"at 150 req/s requests pile up.*about (9|10)\d a second", outcome.reason), outcome.reason


def test_a_confirming_launch_is_measured_in_open_loop_as_well(tmp_path: Path) -> None:
    outcome = run(tmp_path, repetition=Repetition(round=1, arrivals=opened((100.0,))[0]))
    assert isinstance(outcome, Measurement)
    assert [str(level.load) for level in outcome.levels] == ["2 users", "8 users"]
    assert outcome.arrivals is not None
    assert str(outcome.arrivals.load) == "100 req/s"
    assert 0.010 <= outcome.arrivals.p50 <= 0.014
    assert {"warm-up at 100 req/s", "measure at 100 req/s"} <= outcome.phases.keys()
    assert (tmp_path / "trial" / "arrivals" / "samples.npy").exists()


def test_the_share_of_slow_requests_decides_p99(tmp_path: Path) -> None:
    often = run(tmp_path / "often", {"slow_every": "50", "slow_delay_ms": "100"})
    seldom = run(tmp_path / "seldom", {"slow_every": "1000", "slow_delay_ms": "100"})
    assert isinstance(often, Measurement)
    assert isinstance(seldom, Measurement)
    assert 0.100 <= often.target.p99.value <= 0.115
    assert seldom.target.p99.value < 0.050


@pytest.mark.parametrize(
    ("options", "kind", "reason"),
    [
        (
            {"error_every": "20"},
            FailureKind.ERRORS,
            r"failed \([45]\.\d %, more than 1\.0 %\); most often in this launch: .*500",
        ),
        ({"crash_after": "50"}, FailureKind.CRASH, "the server ended under load .killed by SIGKILL"),
    ],
)
def test_the_configurations_own_failures(
    tmp_path: Path, options: dict[str, str], kind: FailureKind, reason: str
) -> None:
    outcome = run(tmp_path, options)
    assert isinstance(outcome, Failure)
    assert outcome.kind is kind
    assert not outcome.kind.ours
    assert re.search(reason, outcome.reason), outcome.reason


def measure_server(
    make_target: MakeTarget,
    tmp_path: Path,
    body: str,
    toml: str = TOML,
    values: Mapping[str, Value] = {},
    patience: float = 30.0,
) -> Outcome:
    target = spec.load(str(make_target(toml, server_py=server(body), requests_jsonl=REQUESTS)))
    short = Workload(loads=closed((2,)), warm_up=0.1, measure=0.5, measure_most=0.5, drain=0.5, patience=patience)
    return measure(protocol(target, tmp_path, short), target.space.configuration(values), tmp_path / "trial")


def test_accuracy_is_measured_through_the_server_and_missing_headers_are_said(
    make_target: MakeTarget, tmp_path: Path
) -> None:
    body = 'self.reply({"decision": str(int(asked.get("text", 0)) % 2 if int(asked.get("text", 0)) < 90 else 9)})'
    outcome = measure_server(make_target, tmp_path, body)
    assert isinstance(outcome, Measurement)
    assert outcome.quality is not None
    assert (outcome.quality.basis, outcome.quality.correct, outcome.quality.total) == ("accuracy", 90, 100)
    missing = [doubt.message for doubt in outcome.doubts if doubt.kind is DoubtKind.NOT_AVAILABLE]
    assert len(missing) == 2


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ("os._exit(3)", FailureKind.START, "ended before it was ready .exit code 3"),
        (
            'self.reply({}, 200 if self.command == "GET" else 500)',
            FailureKind.WRONG_ANSWERS,
            "a request got no valid answer.*500",
        ),
        (
            'self.reply({"decision": None})',
            FailureKind.WRONG_ANSWERS,
            "before any load .the field 'decision' of the answer is null",
        ),
        ('self.reply({"decision": [float("nan")]})', FailureKind.WRONG_ANSWERS, "the answer holds NaN"),
        ('self.reply({"wrong": 1})', FailureKind.WRONG_ANSWERS, "has no field 'decision'.*it has: wrong"),
        ('self.reply({"x\\ud800": 1})', FailureKind.WRONG_ANSWERS, "it has: x\ufffd"),
        ("os._exit(9) if asked else self.reply({})", FailureKind.CRASH, "ended while it was verified .exit code 9"),
        ("self.reply({}, 503)", FailureKind.NOT_READY, "was not answered with 200 within 3 s"),
        ("self.reply({}, X_Launch_Nonce='another')", FailureKind.INVALID, "another process answers"),
    ],
)
def test_a_server_that_is_not_right_is_never_driven(
    make_target: MakeTarget, tmp_path: Path, body: str, kind: FailureKind, reason: str
) -> None:
    outcome = measure_server(make_target, tmp_path, body)
    assert isinstance(outcome, Failure)
    assert outcome.kind is kind
    assert re.search(reason, outcome.reason), outcome.reason


def test_a_server_that_hangs_under_load_fails_by_itself(make_target: MakeTarget, tmp_path: Path) -> None:
    """It answers all that is asked before load and some of the warm-up, then never again."""
    body = """served = Handler.served = getattr(Handler, "served", 0) + bool(asked)
        self.reply({"decision": "0"}) if served <= 110 else time.sleep(60)"""
    outcome = measure_server(make_target, tmp_path, body, patience=0.5)
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.ERRORS
    assert "at 2 users none of the 2 requests in flight was answered in" in outcome.reason


def test_a_server_that_runs_something_else_than_asked_is_refused(make_target: MakeTarget, tmp_path: Path) -> None:
    toml = TOML.replace('description = "mine"', 'description = "mine"\neffective = "/config"')
    outcome = measure_server(make_target, tmp_path, 'self.reply({"level": 2, "decision": "0"})', toml)
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.MISMATCH
    assert outcome.reason == "level = 1 was asked for, but the server runs 2"


def test_what_a_server_says_of_itself_can_be_written_whatever_it_is(make_target: MakeTarget, tmp_path: Path) -> None:
    toml = TOML.replace('description = "mine"', 'description = "mine"\neffective = "/config"')
    body = 'self.reply({"level": 1, "note": "x\\ud800", "decision": "0"})'
    for _ in range(3):
        outcome = measure_server(make_target, tmp_path, body, toml)
        if isinstance(outcome, Measurement):
            break
    assert isinstance(outcome, Measurement)
    assert outcome.effective["note"] == "x\ufffd"


@pytest.mark.parametrize(
    ("asked", "runs"),
    [
        ({"execution_provider": "OpenVINOExecutionProvider"}, {"execution_provider": "CPUExecutionProvider"}),
        ({"precision": "bf16"}, {"precision": "fp32"}),
        ({"precision": "int8_static"}, {"precision": "int8_dynamic"}),
    ],
)
def test_a_fall_back_to_another_provider_or_precision_is_never_measured(
    make_target: MakeTarget, tmp_path: Path, asked: dict[str, Value], runs: dict[str, str]
) -> None:
    toml = TOML.replace('description = "mine"', 'description = "mine"\neffective = "/config"')
    toml = toml.replace('"$port"', '"$port", "$precision", "$execution_provider"').replace(
        "[space]",
        "[space]\n"
        'precision = { choices = ["fp32", "bf16", "int8_dynamic", "int8_static"], default = "fp32" }\n'
        "execution_provider = "
        '{ choices = ["CPUExecutionProvider", "OpenVINOExecutionProvider"], default = "CPUExecutionProvider" }\n',
    )
    body = f'self.reply({{"decision": "0", **{runs!r}}})'
    outcome = measure_server(make_target, tmp_path, body, toml, asked)
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.MISMATCH
    ((name, wanted),) = asked.items()
    assert outcome.reason == f"{name} = {wanted} was asked for, but the server runs {runs[name]}"


def test_answers_that_change_from_launch_to_launch_are_noticed(make_target: MakeTarget, tmp_path: Path) -> None:
    fickle = 'self.reply({"decision": str(os.getpid()) + asked.get("text", "")})'
    assert isinstance(measure_server(make_target, tmp_path, fickle), Measurement)
    again = measure_server(make_target, tmp_path, fickle)
    assert isinstance(again, Failure)
    assert again.kind is FailureKind.WRONG_ANSWERS
    assert "only 0 of 64 answers equal" in again.reason


def test_a_server_of_the_users_own_is_measured_and_left_running(tmp_path: Path) -> None:
    target = spec.load("null")
    launch = render(target, target.space.default(), port=free_port(), workdir=tmp_path, artifact=None)
    with SupervisedProcess(
        launch.argv, env=launch.env, workdir=tmp_path, log=tmp_path / "log", stop_seconds=1.0
    ) as process:
        wait(target, launch, process)
        for _ in range(3):
            outcome = measure_url(protocol(target, tmp_path), launch.url, tmp_path / "trial")
            if isinstance(outcome, Measurement):
                break
        assert process.running
    assert isinstance(outcome, Measurement)
    assert outcome.peak_memory is None
    assert outcome.target.cpu_per_request is None


def test_a_url_where_nothing_answers_is_said_at_once(tmp_path: Path) -> None:
    outcome = measure_url(protocol(spec.load("null"), tmp_path), f"http://127.0.0.1:{free_port()}", tmp_path / "trial")
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.NOT_READY
    assert "start the server, or correct --url" in outcome.reason
