"""A locustfile of one's own that is no good is refused before anything is launched."""

import sys
from pathlib import Path

import pytest

from tests import hot
from tests.cli.program import tuner
from tests.conftest import MakeTarget
from tuner import bundled
from tuner.cli.locustfile import require_loadable
from tuner.errors import TargetFileError, UsageError
from tuner.target import spec

USERS = "from locust import User\n\n\nclass Visitor(User):\n    pass\n"
AS_IN_A_MEASUREMENT = f"import os\n\nassert os.environ['AGENT_PATH'] and 'LOCUST_USERS' not in os.environ\n{USERS}"


BROKEN = ("mine.py", "import nowhere\n", "cannot be loaded by Locust: ModuleNotFoundError: No module named 'nowhere'")


@pytest.mark.parametrize(
    ("verb", "name", "content", "reason"),
    [
        ("measure --users 2", *BROKEN),
        ("search --name mine", *BROKEN),
        ("search --dry-run", *BROKEN),
        ("ui", *BROKEN),
        ("worker here:1", *BROKEN),
        ("measure", "mine.py", "x = 1\n", "has no User class"),
        ("ui", "mine.txt", USERS, "Locust reads Python only; give a file whose name ends in .py"),
    ],
)
def test_no_server_and_no_study_for_a_locustfile_that_is_no_good(
    verb: str, name: str, content: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    result = tuner(*verb.split(), "--target", "null", "--locustfile", name, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert f"tuner: --locustfile {name}: {reason}" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_locustfile_of_a_target_is_loaded_as_in_a_measurement(
    make_target: MakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUST_USERS", "many")
    folder = make_target(f'locustfile = "mine.py"\n{hot.TOML}', server_py="", requests_jsonl=hot.REQUESTS)
    (folder / "mine.py").write_text(AS_IN_A_MEASUREMENT)
    require_loadable(spec.load(str(folder)), None)
    (folder / "mine.py").write_text("raise RuntimeError('mine')\n")
    told = f"{folder / 'target.toml'}: locustfile: .*mine.py cannot be loaded by Locust: RuntimeError: mine"
    with pytest.raises(TargetFileError, match=told):
        require_loadable(spec.load(str(folder)), None)


def test_a_module_beside_no_locustfile_is_found_only_where_locust_runs(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "helper.py").write_text("")
    (tmp_path / "mine.py").write_text(f"import helper\n{USERS}")
    target = spec.load("null", locustfile=str(tmp_path / "mine.py"))
    require_loadable(target, "mine.py", tmp_path / "here")
    with pytest.raises(UsageError, match=r"--locustfile mine.py: .*No module named 'helper'"):
        require_loadable(target, "mine.py")


def test_ours_need_no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    require_loadable(spec.load("null"), None)
    require_loadable(spec.load("null", locustfile=str(bundled.locustfiles() / "jobs.py")), "jobs.py")
