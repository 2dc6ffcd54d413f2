"""`tuner gate` and `tuner compare` from the command line, with real servers of known delay."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import nothing_is_left_of, tuner
from tests.gate.gates import gate
from tests.gate.repository import git
from tuner import bundled
from tuner.cli import gated
from tuner.cli.app import main
from tuner.gate.result import dump_gate
from tuner.gate.turns import Progress
from tuner.study.trial import FailureKind

# By the law p99 is 3.2 times the median; the delays differ by far more than the machine does. Enough users for a p99.
QUICK = ("--users", "8", "--measure-at-most", "1s", "--law", "lognormal")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A target in a repository: committed with a delay of 5 ms."""
    folder = tmp_path / "server"
    shutil.copytree(bundled.targets() / "null", folder)
    change(folder, "10.0", "5.0")
    monkeypatch.chdir(tmp_path)
    git("init", "-q", ".")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    return folder


def change(folder: Path, before: str, after: str) -> None:
    path = folder / "target.toml"
    path.write_text(path.read_text().replace(f"default = {before}, description", f"default = {after}, description"))


def test_what_became_twice_as_slow_is_a_regression(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(server, "5.0", "10.0")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(server.parent / "step.md"))
    result = tuner("gate", "--target", "server", "--baseline", "HEAD", *QUICK, cwd=server.parent)
    assert result.returncode == 5, result.stderr
    assert "✗ regression" in result.stdout
    assert result.stderr.splitlines()[0].startswith("round 1  baseline p99 ")
    # One limit is enough, and on a machine that others share the other one may not be decided yet.
    assert result.stderr.splitlines()[-1].startswith(("tuner: regression: p99", "tuner: regression: throughput"))
    (folder,) = (server.parent / "reports").glob("gate-*")
    assert {path.name for path in folder.iterdir()} == {
        *("index.html", "gate.json", "junit.xml", "summary.md", "launches"),
        *("benchmark-smaller-is-better.json", "benchmark-bigger-is-better.json"),
    }
    stored = json.loads((folder / "gate.json").read_text())
    (p99, throughput) = stored["effects"]
    assert p99["ratio"]["value"] == pytest.approx(2.0, rel=0.15)
    assert throughput["ratio"]["value"] == pytest.approx(0.5, rel=0.15)
    pairs = stored["looks"][-1]["pairs"]
    assert len(stored["rounds"]) >= pairs >= 3  # a disturbed round gives no pair
    assert (server.parent / "step.md").read_text() == (folder / "summary.md").read_text()
    assert len(list((folder / "launches").glob("*/samples.npy"))) >= 2 * pairs
    assert nothing_is_left_of(server.parent)


def test_each_side_has_the_settings_of_its_own_time_and_what_was_typed(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = server.parent / "tuner.toml"
    settings.write_text('target = "server"\n[set]\ndelay_ms = 3\n[options]\nlaw = "mdc"\n')
    git("add", "-A")
    git("commit", "-q", "-m", "two")
    settings.write_text('target = "server"\n[set]\ndelay_ms = 4\n[options]\nlaw = "lognormal"\n')
    asked = {}
    monkeypatch.setattr(gated, "run", lambda *sides, **_: asked.update(settings=sides[0]))
    with pytest.raises(SystemExit) as ended:
        main(["gate", "--baseline", "HEAD", "--sigma", "0.7"])
    assert ended.value.code == 0
    old, new = asked["settings"].baseline, asked["settings"].new
    assert (old.configuration, new.configuration) == ({"delay_ms": 3.0}, {"delay_ms": 4.0})
    assert old.options == {"law": "mdc", "sigma": "0.7"}
    assert new.options == {"law": "lognormal", "sigma": "0.7"}


def test_an_option_that_is_no_utf8_can_be_written(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = os.fsdecode(b"caf\xe9")
    shutil.copytree(server, "old")
    asked: dict[str, Any] = {}
    monkeypatch.setattr(gated, "run", lambda *sides, **others: asked.update(settings=sides[0], **others))
    with pytest.raises(SystemExit) as ended:
        main(["gate", "--target", "server", "--baseline", "old", "--record", odd])
    assert ended.value.code == 0
    settings = asked["settings"]
    told = dump_gate(replace(gate(Progress(settings=settings)), command=asked["command"]))
    assert settings.new.options == settings.baseline.options == {"record": "caf\ufffd"}
    assert told.count("caf\ufffd") == 3


def test_what_became_twice_as_fast_is_none(server: Path) -> None:
    (server.parent / "old.toml").write_text("[set]\ndelay_ms = 10\n")
    result = tuner("gate", "--target", "server", "--baseline", "old.toml", "--json", *QUICK, cwd=server.parent)
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["verb"] == "gate"
    assert document["result"]["ruling"] == "no regression"
    assert [effect["ruling"] for effect in document["result"]["effects"]] == ["no regression"] * 2


def test_too_little_time_is_inconclusive_and_says_so(server: Path) -> None:
    command = ("gate", "--target", "server", "--baseline", "HEAD", "--at-most", "1s", *QUICK)
    result = tuner(*command, cwd=server.parent)
    assert result.returncode == 6
    assert "Too few launches could be compared" in result.stdout
    assert "tuner: inconclusive: p99, throughput" in result.stderr


def test_a_new_one_that_dies_or_never_starts_is_a_regression_while_the_baseline_works(server: Path) -> None:
    (server.parent / "old.toml").write_text("[options]\ncrash_after = '0'\n")
    command = ("gate", "--target", "server", "--baseline", "old.toml", *QUICK)
    died = tuner(*command, "--crash-after", "20", cwd=server.parent)
    assert died.returncode == 5, died.stderr
    assert "tuner: regression: the new one: crashed" in died.stderr
    text = (server / "null_server.py").read_text()
    (server / "null_server.py").write_text("raise SystemExit('no licence')\n" + text)
    never = tuner("gate", "--target", "server", "--baseline", "HEAD", *QUICK, cwd=server.parent)
    assert never.returncode == 5
    assert "the new one: did not start" in never.stderr
    assert "no licence" in never.stderr
    folder = max((server.parent / "reports").glob("gate-*"))
    assert {path.name for path in (folder / "launches").iterdir()} == {"0000-baseline", "0000-new", "0000-new-again"}


def test_a_baseline_that_does_not_start_has_its_own_code_and_its_report(server: Path) -> None:
    text = (server / "null_server.py").read_text()
    (server / "null_server.py").write_text("raise SystemExit('no licence')\n" + text)
    git("commit", "-q", "-a", "-m", "broken")
    (server / "null_server.py").write_text(text)
    result = tuner("gate", "--target", "server", "--baseline", "HEAD", *QUICK, cwd=server.parent)
    assert result.returncode == 4
    assert "tuner: the baseline: did not start" in result.stderr
    assert "It ended early: the baseline: did not start" in result.stdout
    (folder,) = (server.parent / "reports").glob("gate-*")
    assert 'type="ended early"' in (folder / "junit.xml").read_text()


def test_a_baseline_that_runs_but_fails_its_limits_has_its_own_code_and_its_report(server: Path) -> None:
    (server.parent / "old.toml").write_text("[options]\nerror_every = '3'\n")
    result = tuner("gate", "--target", "server", "--baseline", "old.toml", *QUICK, cwd=server.parent)
    assert result.returncode == 3, result.stderr
    assert f"tuner: the baseline: {FailureKind.ERRORS}" in result.stderr
    assert "It ended early: the baseline: " in result.stdout
    (folder,) = (server.parent / "reports").glob("gate-*")
    assert 'type="ended early"' in (folder / "junit.xml").read_text()


def test_a_step_summary_that_cannot_be_written_takes_nothing_from_the_verdict(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(server.parent))
    command = ("gate", "--target", "server", "--baseline", "HEAD", "--at-most", "1s", "--quiet", *QUICK)
    result = tuner(*command, cwd=server.parent)
    assert result.returncode == 6, result.stderr
    assert "Inconclusive: " in result.stdout
    assert "warning: the summary cannot be added to" in result.stderr


def test_an_interrupted_gate_reports_what_there_is(server: Path) -> None:
    command = [sys.executable, "-m", "tuner", "gate", "--target", "server", "--baseline", "HEAD", *QUICK]
    process = subprocess.Popen(command, cwd=server.parent, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(server.parent.glob("reports/gate-*/launches/0001-*/locust.log")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Inconclusive: p99 at 8 users not known" in out
    assert "It ended early: interrupted." in out
    (folder,) = (server.parent / "reports").glob("gate-*")
    told = (folder / "junit.xml").read_text()
    assert '<error type="ended early" message="interrupted"' in told
    assert "--at-most" not in told
    assert json.loads((folder / "gate.json").read_text())["error"] == "interrupted"
    assert nothing_is_left_of(server.parent)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gate"], "--baseline"),
        (["gate", "--target", "null", "--baseline", "nowhere"], "no revision of a git repository"),
        (["gate", "--target", "null", "--baseline", "HEAD", "--max-p99", "5%"], "a change has a sign"),
        (["gate", "--target", "null", "--baseline", "HEAD", "--max-p99", "+5ms"], "written in per cent"),
        (["gate", "--target", "null", "--baseline", "HEAD", "--min-throughput", "-100%"], "above −100 %"),
        (["gate", "--target", "null", "--baseline", "HEAD", "--at-most", "3"], "needs a unit"),
        (
            ["gate", "--target", "null", "--baseline", "HEAD", "--at-most", "0s"],
            "--at-most 0s: nothing can be launched",
        ),
        (["gate", "--target", "null", "--baseline", "HEAD", "--set", "delay=3"], "did you mean 'delay_ms'"),
        (["compare", "here", "there"], "is not a study"),
        (["compare", "here"], "after"),
    ],
)
def test_bad_input(tmp_path: Path, arguments: list[str], words: str) -> None:
    result = tuner(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert words in result.stderr.replace("AFTER", "after")
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_two_measurements_of_one_server_are_compared(tmp_path: Path) -> None:
    for delay in ("5", "10"):
        command = ("measure", "--target", "null", *QUICK, "--set", f"delay_ms={delay}", "--out", delay)
        assert tuner(*command, cwd=tmp_path).returncode == 0
    result = tuner("compare", "5", "10", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)["result"]
    assert found["differences"] == [{"what": "--set delay_ms", "before": "5.0", "after": "10.0"}]
    (throughput, p99) = sorted(found["changes"], key=lambda one: -len(one["figure"]))
    assert throughput["ratio"]["value"] == pytest.approx(0.5, rel=0.15)
    assert p99["ratio"]["low"] is None
    mixed = tuner("compare", merged(tmp_path, "5", "10"), "5", cwd=tmp_path)
    assert mixed.returncode == 2
    assert "do not repeat one measurement (--set delay_ms: 10.0 and 5.0)" in mixed.stderr


def merged(place: Path, *folders: str) -> str:
    """Copy the measurements of several folders into one."""
    for folder in folders:
        (found,) = (place / folder).iterdir()
        shutil.copytree(found, place / "merged" / f"{folder}-ms")
    return "merged"
