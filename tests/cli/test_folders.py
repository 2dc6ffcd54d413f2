"""Every run has a folder of its own, also when two begin in one second."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import make_measurement
from tuner.cli import folders, gated
from tuner.cli.app import main
from tuner.cli.folders import run_folder
from tuner.errors import StorageError
from tuner.measure import measurement


class Stopped(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, _: object = None) -> "Stopped":
        return cls(2026, 11, 23, 10, 15, 0)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "datetime", Stopped)


def test_runs_of_one_second_share_no_folder(tmp_path: Path) -> None:
    made = [run_folder(tmp_path / "out", "gate") for _ in range(3)]
    names = ["gate-20261123-101500", "gate-20261123-101500-2", "gate-20261123-101500-3"]
    assert made == [tmp_path / "out" / name for name in names]
    assert all(folder.is_dir() for folder in made)


def test_where_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot be made .*: choose a folder with --out"):
        run_folder(tmp_path / "file", "gate")


@pytest.mark.parametrize(("verb", "more"), [("measure", []), ("gate", ["--baseline", "old.toml"])])
def test_a_verb_takes_a_folder_that_nobody_has(
    verb: str, more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []

    def measured(_: object, __: object, folder: Path) -> Any:
        used.append(folder.name)
        return make_measurement()

    monkeypatch.setattr(measurement, "measure", measured)
    monkeypatch.setattr(gated, "run", lambda *_, folder, **__: used.append(folder.name))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.toml").write_text("[set]\ndelay_ms = 5\n")
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            main([verb, "--target", "null", "--quiet", *more])
        assert ended.value.code == 0
    assert used == [f"{verb}-20261123-101500", f"{verb}-20261123-101500-2"]
    assert {path.name for path in (tmp_path / "reports").iterdir()} == set(used)
