"""A server that stays from trial to trial: only where it may, only as long as it works, and never for good."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

import psutil
import pytest

from tests import hot
from tests.conftest import MakeTarget, make_measurement
from tests.measure.servers import protocol
from tuner.measure import gates
from tuner.measure.failed import LaunchError
from tuner.measure.kept import Keeper, is_healthy
from tuner.measure.measurement import measure
from tuner.measure.protocol import ONCE, Repetition, Watcher
from tuner.study.space import Value
from tuner.study.trial import Doubt, DoubtKind, Failure, FailureKind, Measurement, Outcome, load_outcome
from tuner.study.workload import Workload, closed
from tuner.target import spec
from tuner.target.spec import Target

SHORT = Workload(loads=closed((2,)), warm_up=0.1, measure=0.4, measure_most=0.4, patience=0.4, drain=1.0)


class Trials:
    """Measures one configuration after the other, as a search does; leaving the `with` block ends it."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.keeper = Keeper()
        self.notes: list[str] = []
        self.target = target
        self.folder = folder
        self._protocol = replace(protocol(target, folder, SHORT), watcher=Watcher(on_note=self.notes.append))
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.keeper.__exit__()

    def outcome(self, repetition: Repetition | None = None, **values: Value) -> Outcome:
        configuration = self.target.space.configuration(values)
        folder = self.folder / f"{self._done:04}"
        found = measure(self._protocol, configuration, folder, repetition or Repetition(trial=self._done), self.keeper)
        self._done += 1
        return found

    def run(self, repetition: Repetition | None = None, **values: Value) -> Measurement:
        found = self.outcome(repetition, **values)
        assert isinstance(found, Measurement), found
        for name, value in self.target.space.configuration(values).items():
            assert found.effective[name] == str(value)
        return found

    def log(self, trial: int) -> list[str]:
        return (self.folder / f"{trial:04}" / "server.log").read_text().splitlines()

    @property
    def started(self) -> list[int]:
        return hot.started(self.target.folder)

    @property
    def running(self) -> list[int]:
        return [pid for pid in self.started if psutil.pid_exists(pid)]


MakeTrials = Callable[..., Trials]


@pytest.fixture
def make_trials(make_target: MakeTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeTrials:
    # However late the load is on a busy machine: this is about servers, not about figures.
    monkeypatch.setattr(gates, "TOO_LATE_FLOOR", 60.0)

    def make(server: str = hot.SERVER, toml: str = hot.TOML) -> Trials:
        target = spec.load(str(make_target(toml, server_py=server, requests_jsonl=hot.REQUESTS)))
        return Trials(target, tmp_path / "trials")

    return make


def test_a_server_stays_while_only_hot_knobs_change(make_trials: MakeTrials) -> None:
    with make_trials() as trials:
        first = trials.run()
        second = trials.run(batch=3)
        third = trials.run(batch=2, wait=0.5)
        assert len(trials.started) == 1
        other = trials.run(model="large", batch=2, wait=0.5)
        assert len(trials.started) == 2
        assert trials.running == trials.started[1:], "the server before is gone, this one is kept"
    assert [one.server_of for one in (first, second, third, other)] == [None, 0, 0, None]
    assert {one.effective["pid"] for one in (first, second, third)} == {str(trials.started[0])}
    assert trials.running == []
    assert trials.notes == []
    assert "start" in first.phases
    assert "reconfigure" in second.phases.keys() - first.phases.keys()
    assert "start" not in second.phases
    assert first.quality is not None
    assert second.quality is not None
    assert replace(second.quality, under_load=None) == replace(first.quality, under_load=None)
    assert load_outcome((trials.folder / "0001" / "measurement.json").read_text()) == second


def test_a_trial_that_finds_its_server_running_has_what_was_logged_in_its_time(make_trials: MakeTrials) -> None:
    with make_trials() as trials:
        for batch in (1, 2, 3):
            trials.run(batch=batch)
    assert trials.log(1) == ["told {'batch': 2, 'wait': 0.0}"]
    assert trials.log(2) == ["told {'batch': 3, 'wait': 0.0}"]


def test_a_launch_that_is_no_trial_is_one_of_its_own(make_trials: MakeTrials) -> None:
    with make_trials() as trials:
        trials.run(batch=2)
        confirming = trials.run(Repetition(round=1), batch=3)
        assert len(trials.started) == 2
        assert confirming.server_of is None
        assert trials.running == [], "nor is it kept, nor what was kept before"
        trials.run(ONCE, batch=3)
        assert len(trials.started) == 3


def test_without_hot_knobs_every_trial_stops_its_server(make_trials: MakeTrials) -> None:
    toml = hot.TOML.replace('[hot]\npath = "/config"\nknobs = ["batch", "wait"]\n', "")
    with make_trials(toml=toml) as trials:
        found = trials.run()
        assert trials.running == []
    assert {"start", "stop"} <= found.phases.keys()
    assert not {"reconfigure", "conclude"} & found.phases.keys()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('os.environ["LAUNCH_TOKEN"]', '"another"'), "PUT /config was refused with 403 Forbidden"),
        (("config.update(knobs)", "pass"), "batch = 2 was asked for, but the server runs 1"),
        (
            ("config.update(knobs)", "config.update(knobs); del config['batch'], config['wait']"),
            "GET /config does not say what batch, wait became",
        ),
        (("config.update(knobs)", "os._exit(3)"), "PUT /config was not answered"),
        (
            ("config.update(knobs)", "global answers; answers = False; config.update(knobs)"),
            "a request got no valid answer",
        ),
    ],
)
def test_a_server_that_cannot_be_reconfigured_is_launched_afresh(
    make_trials: MakeTrials, change: tuple[str, str], reason: str
) -> None:
    assert change[0] in hot.SERVER
    with make_trials(hot.SERVER.replace(*change)) as trials:
        trials.run()
        again = trials.run(batch=2)
        assert len(trials.started) == 2
        assert trials.running == trials.started[1:]
    assert again.server_of is None
    assert len(trials.notes) == 1
    assert trials.notes[0].startswith(f"launched afresh, not with the server of trial 0: {reason}")
    assert any(line.startswith("start") for line in trials.log(1))
    assert trials.running == []


@pytest.mark.parametrize("noticed", [False, True])
def test_a_server_that_died_in_between_is_launched_afresh(make_trials: MakeTrials, noticed: bool) -> None:
    with make_trials() as trials:
        trials.run()
        (server,) = [psutil.Process(pid) for pid in trials.started]
        os.kill(server.pid, signal.SIGKILL)
        if noticed:
            server.wait(5)
        assert trials.run(batch=2).server_of is None
        assert len(trials.started) == 2
    assert trials.running == []


def test_a_crash_under_load_is_the_configurations_own_only_in_a_launch_of_its_own(make_trials: MakeTrials) -> None:
    """The server ends when it was told to and was asked often; launched with the same knobs it does not."""
    fragile = hot.SERVER.replace("def do_POST(self):", "def do_POST(self):\n        crash()").replace(
        "class Handler", "left = [10**9]\ndef crash():\n    left[0] -= 1\n    left[0] or os._exit(9)\nclass Handler"
    )
    with make_trials(fragile.replace("config.update(knobs)", "config.update(knobs); left[0] = 150")) as trials:
        trials.run()
        assert trials.run(batch=2).server_of is None
    assert len(trials.started) == 2
    assert "the server ended under load (exit code 9)" in trials.notes[0]


def test_after_a_measurement_that_is_not_valid_the_server_is_launched_afresh(
    make_trials: MakeTrials, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: object) -> None:
        raise LaunchError(FailureKind.INVALID, "the load process was late")

    with make_trials() as trials:
        trials.run()
        with monkeypatch.context() as disturbed:
            disturbed.setattr(gates, "require_punctual", late)
            failed = trials.outcome(batch=2)
        assert isinstance(failed, Failure)
        assert failed.kind is FailureKind.INVALID
        assert failed.log_tail == ("told {'batch': 2, 'wait': 0.0}",)
        assert trials.running == []
        assert trials.run(batch=2).server_of is None
        assert len(trials.started) == 2


def test_a_server_that_failed_is_not_kept(make_trials: MakeTrials) -> None:
    with make_trials(hot.SERVER.replace("200 if answers", "200 if config['batch'] > 1")) as trials:
        assert isinstance(trials.outcome(), Failure)
        assert trials.running == []
        assert trials.run(batch=2).server_of is None


@pytest.mark.parametrize(("kind", "healthy"), [(DoubtKind.STALL, True), (DoubtKind.PROCESS_LOST, False)])
def test_a_server_that_lost_a_process_is_not_healthy(kind: DoubtKind, healthy: bool) -> None:
    assert is_healthy(replace(make_measurement(), doubts=(Doubt(kind=kind, message=""),))) is healthy


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_of_a_kept_server_when_a_search_breaks_off(
    make_trials: MakeTrials, error: type[BaseException]
) -> None:
    trials = make_trials()

    def broken_off() -> None:
        with trials:
            trials.run()
            assert len(trials.running) == 1
            raise error

    with pytest.raises(error):
        broken_off()
    assert trials.running == []


def test_the_server_before_is_gone_before_the_next_one_is_asked_anything(make_trials: MakeTrials) -> None:
    """A server that does not go by itself is killed; each one says at every request how many there are."""
    stubborn = hot.SERVER.replace("import json", "import signal\nsignal.signal(15, signal.SIG_IGN)\nimport json")
    here = "sum(os.path.exists('/proc/' + pid) for pid in open('starts.txt').read().split())"
    asked = f"def do_POST(self):\n        print('%d here\\n' % {here}, end='', flush=True)"
    toml = hot.TOML.replace("stop = 2.0", "stop = 1.0")
    with make_trials(stubborn.replace("def do_POST(self):", asked), toml) as trials:
        trials.run()
        trials.run(model="large")
        assert set(trials.log(1)[1:]) == {"1 here"}


def test_a_secret_is_new_in_every_launch(make_trials: MakeTrials) -> None:
    with make_trials(hot.SERVER.replace('print("start", config', 'print("start", token')) as trials:
        trials.run()
        trials.run(model="large")
        tokens = {line for number in (0, 1) for line in trials.log(number)}
    assert len(tokens) == 2
    assert all(len(line) == len("start ") + 32 for line in tokens)
