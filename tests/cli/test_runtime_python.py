"""`--runtime-python` belongs to a study."""

import sys
from pathlib import Path

import pytest

from tuner.cli import run
from tuner.errors import UsageError
from tuner.machine import cores, place
from tuner.search.storage import open_study
from tuner.study.objectives import Limits
from tuner.study.study import Settings
from tuner.study.workload import closed, standard
from tuner.target import spec


def test_a_study_goes_on_with_the_python_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[spec.Target] = []
    monkeypatch.setattr(run, "_search", lambda _store, target, _output: searched.append(target))
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    target = spec.load("null", runtime_python=str(python))
    settings = Settings(
        name="mine",
        target="null",
        workload=standard(closed((4,))),
        limits=Limits(),
        budget=1,
        seed=0,
        runtime_python=target.runtime_python,
    )
    run.run(settings, target, place(cores()), command="tuner search", out=tmp_path)
    with open_study(tmp_path / "mine") as store:
        run.go_on(store)
        python.unlink()
        with pytest.raises(UsageError, match="--runtime-python: there is no program"):
            run.go_on(store, budget=9)
        assert store.study().settings.budget == 1, "what is refused changes nothing"
    assert [one.names["python"] for one in searched] == [str(python)] * 2
