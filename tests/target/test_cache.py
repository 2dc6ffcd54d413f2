"""The cache of artifacts: whole or not there, and never taken away from who uses it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.errors import StorageError
from tuner.target.cache import held


def writes(text: str, log: list[str] | None = None) -> Callable[[Path], None]:
    """A build that writes two files, and itself into a log."""

    def build(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "model.onnx").write_text(text)
        (folder / "deep" / "weights").write_text(text)
        if log is not None:
            log.append(text)

    return build


def take(root: Path, key: str, log: list[str] | None = None, most: int = 1_000_000) -> Path:
    with held(root, key, writes(key, log), most) as kept:
        return kept.folder


def keys(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if path.is_dir()}


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.onnx").write_text("kez"),
        lambda folder: (folder / "model.onnx").write_text(""),
        lambda folder: (folder / "deep" / "weights").unlink(),
        lambda folder: (folder.parent / "manifest.json").unlink(),
        lambda folder: (folder.parent / "manifest.json").write_text('{"bytes": 3, "fil'),
        lambda folder: (folder.parent / "manifest.json").write_text('{"bytes": 3}'),
    ],
    ids=["changed", "empty", "missing", "no manifest", "half a manifest", "another manifest"],
)
def test_what_is_damaged_is_built_again(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    log: list[str] = []
    damage(take(tmp_path, "key", log))
    again = take(tmp_path, "key", log)
    assert (again / "model.onnx").read_text() == (again / "deep" / "weights").read_text() == "key"
    assert take(tmp_path, "key", log) == again
    assert log == ["key", "key"]
    assert keys(tmp_path) == {"key"}


def test_what_a_server_writes_beside_an_artifact_is_no_damage(tmp_path: Path) -> None:
    log: list[str] = []
    (take(tmp_path, "key", log) / "compiled.cache").write_text("its own")
    take(tmp_path, "key", log)
    assert log == ["key"]


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    for name in ("aa", "bb", "cc"):
        take(tmp_path, name)
    take(tmp_path, "aa")
    take(tmp_path, "dd", most=12)
    assert keys(tmp_path) == {"aa", "cc", "dd"}
    take(tmp_path, "ee", most=4)
    assert keys(tmp_path) == {"ee"}


def test_one_that_alone_is_above_the_bound_is_used_and_goes_with_the_next(tmp_path: Path) -> None:
    with held(tmp_path, "large", writes("large"), 4) as kept:
        assert (kept.folder / "model.onnx").exists()
    take(tmp_path, "a", most=4)
    assert keys(tmp_path) == {"a"}


def test_none_is_removed_while_a_server_uses_it(tmp_path: Path) -> None:
    """The server has the descriptor after its launcher has closed its own."""
    with held(tmp_path, "used", writes("used")) as kept:
        server = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(kept.descriptor,), text=True
        )
    take(tmp_path, "b", most=2)
    assert keys(tmp_path) == {"used", "b"}
    server.communicate("end\n")
    take(tmp_path, "c", most=2)
    assert keys(tmp_path) == {"c"}


def test_room_is_not_made_of_what_another_process_still_builds(tmp_path: Path) -> None:
    building = tmp_path / ".key.1234"
    building.mkdir()
    (building / "manifest.json").write_text('{"bytes": 1000, "files": {}}')
    take(tmp_path, "a", most=4)
    assert building.is_dir()


def test_what_a_killed_builder_left_is_removed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tuner.target.cache import held\n"
        "def build(folder):\n    (folder / 'half').write_text('x' * 1000)\n    os.kill(os.getpid(), 9)\n"
        "with held(Path(sys.argv[1]), 'key', build): pass"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert killed.returncode == -9
    assert len(keys(tmp_path)) == 1
    take(tmp_path, "key")
    assert keys(tmp_path) == {"key"}


def test_a_cache_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "prepared").write_text("")
    with pytest.raises(StorageError, match="XDG_CACHE_HOME names another cache"):
        take(tmp_path / "prepared", "key")
