"""A search that keeps its server from trial to trial, and one that leaves knobs alone, from the command line on."""

import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tests import hot
from tests.conftest import MakeTarget
from tuner.cli import options
from tuner.cli.run import go_on, run
from tuner.machine import cores, place
from tuner.measure import gates
from tuner.search.storage import open_study, read_study
from tuner.study.objectives import Limits
from tuner.study.space import Configuration
from tuner.study.study import Settings
from tuner.study.trial import Measurement
from tuner.study.workload import Workload, closed
from tuner.target import spec

SHORT = Workload(loads=closed((2,)), warm_up=0.1, measure=0.4, measure_most=0.4, patience=0.4, drain=1.0)
ALONE = hot.TOML.replace("default = 0.0", "default = 0.0, search = false")


@pytest.fixture
def any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """However late the load is on a busy machine: this is about servers, not about figures."""
    monkeypatch.setattr(gates, "TOO_LATE_FLOOR", 60.0)


def settings(folder: Path, budget: int, pinned: Configuration) -> Settings:
    return Settings(
        name="study",
        target=str(folder),
        workload=SHORT,
        limits=Limits(),
        budget=budget,
        seed=0,
        pinned=pinned,
        finalists=1,
        rounds=1,
    )


def running(folder: Path) -> list[int]:
    return [pid for pid in hot.started(folder) if psutil.pid_exists(pid)]


@pytest.mark.usefixtures("any_machine")
@pytest.mark.parametrize("pinned", [{}, {"model": "small"}], ids=["any model", "one model"])
def test_a_search_launches_only_where_a_knob_that_is_not_hot_changes(
    make_target: MakeTarget, tmp_path: Path, pinned: Configuration
) -> None:
    folder = make_target(hot.TOML, server_py=hot.SERVER, requests_jsonl=hot.REQUESTS)
    asked = settings(folder, budget=8, pinned=pinned)
    run(asked, spec.load(str(folder)), place(cores()), command="tuner search", out=tmp_path)
    study = read_study(tmp_path / "study")
    found = [trial.measurement for trial in study.trials if trial.measurement is not None]
    confirming = [one.outcome for one in study.confirmations if isinstance(one.outcome, Measurement)]
    assert (len(found), len(confirming)) == (8, 2)
    launched = [one for one in found if one.server_of is None]
    models = [None, *(trial.configuration["model"] for trial in study.trials)]
    assert len(launched) == sum(now != before for before, now in pairwise(models))
    assert len(launched) == 1 or not pinned
    assert len(hot.started(folder)) == len(launched) + len(confirming)
    assert running(folder) == []
    for trial, measured in zip(study.trials, found, strict=True):
        assert {name: measured.effective[name] for name in trial.configuration} == {
            name: str(value) for name, value in trial.configuration.items()
        }
        launcher = trial.number if measured.server_of is None else measured.server_of
        assert measured.effective["pid"] == found[launcher].effective["pid"]
    assert len({one.effective["pid"] for one in (*launched, *confirming)}) == len(hot.started(folder))
    assert all(one.server_of is None for one in confirming)
    page = (tmp_path / "study" / "index.html").read_text()
    reused = len(launched) < len(found)
    assert (f"10 measurements on {len(launched) + 2} servers" in page) == reused
    assert ("launched by trial" in page) == reused


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_of_a_kept_server_after_an_interruption(
    make_target: MakeTarget, tmp_path: Path, number: int
) -> None:
    folder = make_target(hot.TOML, server_py=hot.SERVER, requests_jsonl=hot.REQUESTS)
    command = [sys.executable, "-m", "tuner", "search", "--target", str(folder), "--budget", "2", "--users", "2",
               "--set", "model=small", "--name", "study", "--out", str(tmp_path)]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "study" / "trials" / "0001" / "locust.log").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    assert len(running(folder)) == 1
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number, err
    assert running(folder) == []


def test_knobs_left_alone_are_named(make_target: MakeTarget, tmp_path: Path) -> None:
    folder = make_target(ALONE, server_py=hot.SERVER, requests_jsonl=hot.REQUESTS)

    def tuner(*arguments: str) -> str:
        command = [sys.executable, "-m", "tuner", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    told = "not searched unless named with --vary: wait"
    assert told in tuner("targets", str(folder))
    assert told in tuner("search", "--target", str(folder), "--dry-run")
    assert "--vary" not in tuner("search", "--target", str(folder), "--dry-run", "--vary", "wait")


@pytest.mark.usefixtures("any_machine")
def test_a_knob_left_alone_is_still_so_on_resume(make_target: MakeTarget, tmp_path: Path) -> None:
    folder = make_target(ALONE, server_py=hot.SERVER, requests_jsonl=hot.REQUESTS)
    target = spec.load(str(folder))
    asked = settings(folder, budget=1, pinned=options.held(target, ["model=small"], []))
    run(asked, target, place(cores()), command="tuner search", out=tmp_path)
    # The study is what it was made with, whatever the target asks for by now.
    make_target(hot.TOML, server_py=hot.SERVER, requests_jsonl=hot.REQUESTS)
    with open_study(tmp_path / "study") as store:
        store.set_budget(4)
        go_on(store)
    found = [trial.configuration for trial in read_study(tmp_path / "study").trials]
    assert len(found) == 4
    assert {(one["model"], one["wait"]) for one in found} == {("small", 0.0)}
