"""`tuner doctor` from the command line, and the searches that come after it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import typer

from tests.cli.program import tuner
from tests.doctor.diagnoses import make_diagnosis
from tuner.cli import run
from tuner.cli.doctor import doctor
from tuner.cli.invocation import Invocation
from tuner.doctor import examination, store
from tuner.doctor.diagnosis import Diagnosis
from tuner.errors import InvalidMeasurementError
from tuner.machine import cores, fingerprint, place
from tuner.measure.protocol import Protocol
from tuner.search.storage import read_study
from tuner.study.objectives import Limits
from tuner.study.study import Settings
from tuner.study.workload import closed, standard
from tuner.target import spec
from tuner.terminal import PLAIN, Output


def with_output(output: Output) -> typer.Context:
    """A command line without options."""
    command = SimpleNamespace(params=[], commands={})
    obj = Invocation(words=[], output=output)
    context = SimpleNamespace(args=[], command=command, obj=obj, find_root=lambda: SimpleNamespace(command=command))
    return cast(typer.Context, context)


NO_OPTIONS = with_output(PLAIN)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def examined(monkeypatch: pytest.MonkeyPatch, diagnosis: Diagnosis) -> list[tuple[Protocol, str, int]]:
    """Let an examination find `diagnosis`; returns what it is asked for."""
    asked = []

    def examine(protocol: Protocol, target: str, _options: object, launches: int, _: Path) -> Diagnosis:
        asked.append((protocol, target, launches))
        protocol.watcher.on_phase("noise, launch 1/4: start")
        return diagnosis

    monkeypatch.setattr(examination, "examine", examine)
    return asked


def test_the_result_is_on_stdout_and_kept(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = examined(monkeypatch, make_diagnosis(target="null"))
    doctor(NO_OPTIONS, target="null", users="2,8", launches=4)
    (protocol, target, launches) = asked[0]
    assert (protocol.workload.loads, target, launches) == (closed((2, 8)), "null", 4)
    (kept,) = (state / "agent-tuner" / "doctor").iterdir()
    shown, log = capsys.readouterr()
    assert log == "noise, launch 1/4\n"
    assert "A search on this machine resolves throughput differences of 2.6 %" in shown
    assert shown.endswith(f"Kept for the searches to come: {kept}\n")
    assert json.loads(kept.read_text())["version"] == 1


def test_as_a_document(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    examined(monkeypatch, make_diagnosis(target="null"))
    output = Output("doctor", as_json=True)
    doctor(with_output(output), target="null")
    output.close()
    found = json.loads(capsys.readouterr().out)["result"]
    assert json.loads(Path(found.pop("kept")).read_text()) == found


def test_where_nothing_could_be_measured_the_figures_are_shown_and_nothing_is_kept(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    examined(monkeypatch, make_diagnosis((100.0,)))
    with pytest.raises(InvalidMeasurementError, match="too few launches"):
        doctor(NO_OPTIONS, target="null")
    assert "Only 1 of 6 launches gave a figure" in capsys.readouterr().out
    assert not state.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "nulll"], "did you mean 'null'"),
        (["--users", "32,4"], "--users must rise"),
        (["--users", "4", "--rate", "50"], "give one of them"),
        (["--launches", "2"], "launches"),
    ],
)
def test_bad_input(tmp_path: Path, arguments: list[str], words: str) -> None:
    result = tuner("doctor", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_search_begins_with_the_noise_that_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workload = standard(closed((4, 32)))
    settings = Settings(name="mine", target="null", workload=workload, limits=Limits(), budget=1, seed=0)
    diagnosis = make_diagnosis(target="null", machine=fingerprint())
    store.save(diagnosis)
    monkeypatch.setattr(run, "_search", lambda *_: None)
    run.run(settings, spec.load("null"), place(cores()), command="tuner search", out=tmp_path)
    assert diagnosis.noise is not None
    assert read_study(tmp_path / "mine").noise == diagnosis.noise
