"""The main job, from the command line to the report, with real servers and real load."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.program import nothing_is_left_of
from tests.conftest import MakeTarget
from tuner import bundled
from tuner.cli.app import main
from tuner.cli.run import run
from tuner.machine import cores, place
from tuner.report.verdict import verdict
from tuner.search.storage import read_study
from tuner.study.objectives import Limits
from tuner.study.study import Settings, Study
from tuner.study.trial import Failure, FailureKind, Measurement
from tuner.study.workload import Workload, closed
from tuner.target import spec


def search(target: str, out: Path, budget: int, workload: Workload, rounds: int = 1) -> Study:
    settings = Settings(
        name="mine", target=target, workload=workload, limits=Limits(), budget=budget, seed=0, rounds=rounds
    )
    run(settings, spec.load(target), place(cores()), command="tuner search", out=out)
    return read_study(out / "mine")


def test_a_search_against_a_server_of_known_delay(tmp_path: Path) -> None:
    """The shorter delay wins; every p99 is the delay that was set; the report holds what was measured."""
    short = Workload(loads=closed((2, 8)), warm_up=0.2, measure=1.0, measure_most=1.0, drain=1.0)
    study = search("null", tmp_path, 3, short, rounds=3)
    assert len(study.trials) == 3
    for trial in study.trials:
        assert isinstance(trial.outcome, Measurement)
        delay = float(trial.configuration["delay_ms"]) / 1000.0
        for level in trial.outcome.levels:
            assert delay <= level.p50 <= delay + 0.004
            assert delay <= level.p99.value <= delay + 0.015
            assert 0.6 * level.load.users / delay <= level.throughput <= level.load.users / delay
    found = verdict(study)
    assert found.winner is not None
    assert found.winner.configuration == {"delay_ms": 5.0}
    assert found.better
    assert found.winner.throughput_ratio.value == pytest.approx(2.0, rel=0.2)
    folder = tmp_path / "mine"
    assert found.sentence in json.loads((folder / "report.json").read_text())["verdict"]["sentence"]
    assert "<title>" in (folder / "index.html").read_text()
    assert len(list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))) == 3
    assert len(np.load(folder / "trials" / "0000" / "samples.npy")) > 100
    assert nothing_is_left_of(tmp_path)


def test_a_search_of_two_trials_on_the_reference_agent(tmp_path: Path) -> None:
    study = search(
        "reference", tmp_path, 2, Workload(loads=closed((2, 8)), warm_up=0.3, measure=1.0, measure_most=1.0, drain=2.0)
    )
    assert [trial.failure for trial in study.trials] == [None, None]
    for trial in study.trials:
        assert trial.measurement is not None
        assert trial.measurement.quality is not None
        assert trial.measurement.quality.share > 0.85
        assert trial.measurement.target.server_compute is not None
        assert trial.measurement.effective["precision"] == trial.configuration["precision"]
    assert len(study.confirmations) == 2 * study.settings.rounds
    assert (tmp_path / "mine" / "index.html").exists()
    assert nothing_is_left_of(tmp_path)


UNBUILDABLE = """
description = "cannot be built at one precision"
command = ["$python", "{server}", "--port", "$port", "--delay-ms", "5", "--law", "constant"]
ready = "/ready"

[prepare]
command = ["$python", "-c", '''import sys; sys.exit("nothing was quantized" if "$precision" == "int8" else 0)''']

[space]
precision = {{ choices = ["fp32", "int8", "fp16"], default = "fp32" }}

[[starts]]
precision = "int8"

[[starts]]
precision = "fp16"
"""


def test_what_cannot_be_built_is_infeasible_and_the_search_goes_on(
    make_target: MakeTarget, own_cache: Path, tmp_path: Path
) -> None:
    folder = make_target(UNBUILDABLE.format(server=bundled.targets() / "null" / "null_server.py"))
    short = Workload(loads=closed((2, 8)), warm_up=0.2, measure=1.0, measure_most=1.0, drain=1.0)
    study = search(str(folder), tmp_path / "reports", 3, short)
    outcomes = {str(trial.configuration["precision"]): trial.outcome for trial in study.trials}
    refused = outcomes["int8"]
    assert isinstance(refused, Failure)
    assert refused.kind is FailureKind.PREPARE
    assert refused.reason == "[prepare] nothing was quantized"
    assert not refused.kind.ours, "it is the configuration that is infeasible"
    assert isinstance(outcomes["fp32"], Measurement)
    assert isinstance(outcomes["fp16"], Measurement)
    assert len(list((own_cache / "agent-tuner" / "prepared").glob("*.lock"))) == 3
    assert "nothing was quantized" in (tmp_path / "reports" / "mine" / "index.html").read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_search_reports_what_there_is_and_resumes(tmp_path: Path, number: int, code: int) -> None:
    command = [sys.executable, "-m", "tuner", "search", "--target", "null", "--budget", "2", "--users", "2",
               "--measure-at-most", "1s", "--name", "mine", "--out", str(tmp_path)]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "mine" / "trials" / "0001" / "locust.log").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert f"tuner resume {tmp_path / 'mine'}" in err
    assert "Not confirmed" in out
    assert (tmp_path / "mine" / "index.html").exists()
    assert nothing_is_left_of(tmp_path)
    assert len(read_study(tmp_path / "mine").trials) == 1
    if number == signal.SIGTERM:
        resumed = [sys.executable, "-m", "tuner", "resume", "mine", "--budget", "1"]
        result = subprocess.run(resumed, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "Keep the default" in result.stdout
        assert len(read_study(tmp_path / "mine").confirmations) == 4


def test_an_option_that_is_no_utf8_is_kept_as_it_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = os.fsdecode(b"caf\xe9")
    monkeypatch.chdir(tmp_path)
    asked: dict[str, Any] = {}
    monkeypatch.setattr("tuner.cli.run.run", lambda *made, **others: asked.update(settings=made[0], **others))
    with pytest.raises(SystemExit) as ended:
        main(["search", "--target", "null", "--record", odd])
    assert ended.value.code == 0
    assert asked["settings"].options == {"record": "caf\ufffd"}
    assert asked["command"].count("caf\ufffd") == 1


def test_the_plan_is_shown_without_doing_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tuner", "search", "--target", "null", "--dry-run"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "delay_ms" in result.stdout
    assert "about 9 min" in result.stdout
    assert list(tmp_path.iterdir()) == []
