"""What is built before a launch: once for the same content, again when any of it changes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeTarget
from tuner.errors import StorageError, TargetFileError
from tuner.study.space import Value
from tuner.target import spec
from tuner.target.prepare import PrepareError, artifact
from tuner.target.spec import Target

TOML = """
description = "mine"
command = ["$python", "$artifact/server.py", "--port", "$port", "--workers", "$workers"]

[options]
model = { default = "", file = true, help = "a model" }

[facts]
command = ["$python", "facts.py"]

[prepare]
command = ["$python", "build.py", "$precision", "$artifact", "--model=$model"]
files = ["build.py", "data/**/*"]
depends = ["$versions"]

[space]
precision = { choices = ["fp32", "int8", "broken", "huge"], default = "fp32" }
workers = { low = 1, high = 2, default = 1 }
"""

BUILD = """
import errno, os, sys
from pathlib import Path
if sys.argv[1] == "broken":
    sys.exit("nothing was quantized")
if sys.argv[1] == "huge":
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
with open(sys.argv[2] + "/../../builds.txt", "a") as log:
    log.write(sys.argv[1] + "\\n")
Path(sys.argv[2], "server.py").write_text(sys.argv[1])
"""

FACTS = 'print(\'{"versions": "onnx 1", "other": "anything"}\')'


@pytest.fixture
def folder(make_target: MakeTarget) -> Path:
    made = make_target(TOML, build_py=BUILD, facts_py=FACTS)
    (made / "data").mkdir()
    (made / "data" / "rows.txt").write_text("1 2 3")
    return made


def taken(target: Target, cache: Path, **values: Value) -> Path:
    """What a launch would get."""
    with artifact(target, target.space.configuration(values), cache) as made:
        assert made.folder is not None
        return made.folder


def builds(cache: Path) -> list[str]:
    return (cache / "prepared" / "builds.txt").read_text().split()


def test_built_once_per_distinct_set_of_the_knobs_it_names(folder: Path, tmp_path: Path) -> None:
    target, cache = spec.load(str(folder)), tmp_path / "cache"
    made = [
        taken(target, cache),
        taken(target, cache, workers=2),
        taken(target, cache, precision="int8"),
        taken(target, cache, precision="int8", workers=2),
    ]
    assert made[0] == made[1] != made[2] == made[3]
    assert (made[2] / "server.py").read_text() == "int8"
    assert builds(cache) == ["fp32", "int8"]


def test_a_target_that_prepares_nothing_holds_nothing(make_target: MakeTarget) -> None:
    target = spec.load(str(make_target('description = "mine"\ncommand = ["x", "$port"]\n')))
    with artifact(target, {}) as made:
        assert (made.folder, made.descriptors) == (None, ())


def test_a_knob_that_reaches_the_build_by_environment_makes_another_artifact(folder: Path, tmp_path: Path) -> None:
    (folder / "target.toml").write_text(TOML.replace("[prepare]", '[env]\nWORKERS = "$workers"\n[prepare]'))
    target = spec.load(str(folder))
    assert taken(target, tmp_path) != taken(target, tmp_path, workers=2)


@pytest.mark.parametrize(
    ("path", "text", "again"),
    [
        ("build.py", BUILD + "\n# changed\n", True),
        ("data/rows.txt", "1 2 4", True),
        ("data/more/rows.txt", "5", True),
        ("facts.py", FACTS.replace("onnx 1", "onnx 2"), True),
        ("facts.py", FACTS.replace("anything", "else"), False),
        ("README.md", "how to use it", False),
        ("data/.hidden", "left by an editor", False),
    ],
)
def test_what_is_built_again_after_a_change(folder: Path, tmp_path: Path, path: str, text: str, again: bool) -> None:
    first = taken(spec.load(str(folder)), tmp_path / "cache")
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(text)
    assert (taken(spec.load(str(folder)), tmp_path / "cache") != first) is again


def test_without_files_every_file_of_the_target_counts(folder: Path, tmp_path: Path) -> None:
    (folder / "target.toml").write_text(TOML.replace('files = ["build.py", "data/**/*"]\n', ""))
    first = taken(spec.load(str(folder)), tmp_path / "cache")
    (folder / "notes.txt").write_text("anything")
    assert taken(spec.load(str(folder)), tmp_path / "cache") != first


def test_a_file_that_the_command_names_counts_by_its_content_wherever_it_lies(folder: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one" / "model.bin", tmp_path / "other" / "model.bin"
    for path in (one, other):
        path.parent.mkdir()
        path.write_text("weights")
    cache = tmp_path / "cache"
    first = taken(spec.load(str(folder), {"model": str(one)}), cache)
    assert taken(spec.load(str(folder), {"model": str(other)}), cache) == first
    assert taken(spec.load(str(folder)), cache) != first
    other.write_text("other weights")
    assert taken(spec.load(str(folder), {"model": str(other)}), cache) != first


def test_a_target_that_is_moved_finds_what_it_built(folder: Path, tmp_path: Path) -> None:
    first = taken(spec.load(str(folder)), tmp_path / "cache")
    moved = Path(shutil.move(folder, tmp_path / "moved"))
    assert taken(spec.load(str(moved)), tmp_path / "cache") == first


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"build.py", ', '"biuld.py", ', r"\[prepare\] files: 'biuld.py' names no file"),
        ('"build.py", ', '"/etc/*", ', r"\[prepare\] files: '/etc/\*' names no file"),
        ('"build.py", ', '"../*", ', r"\[prepare\] files: '../\*' names no file"),
        ('"build.py", ', '"", ', r"\[prepare\] files: '' names no file"),
        ('"build.py", ', '"$precision.py", ', r"\[prepare\] files: unknown name '\$precision'"),
        ("$versions", "$version", r"\[prepare\] depends: unknown name '\$version'; did you mean '\$versions'"),
    ],
)
def test_slips_of_the_pen_are_named(folder: Path, old: str, new: str, says: str) -> None:
    (folder / "target.toml").write_text(TOML.replace(old, new))
    with pytest.raises(TargetFileError, match=says):
        spec.load(str(folder))


def test_a_failed_build_leaves_nothing_and_says_why(folder: Path, tmp_path: Path) -> None:
    target = spec.load(str(folder))
    for _ in range(2):
        with pytest.raises(PrepareError, match="nothing was quantized"):
            taken(target, tmp_path / "cache", precision="broken")
    assert not [path for path in (tmp_path / "cache" / "prepared").iterdir() if path.is_dir()]


def test_a_disk_that_is_full_is_no_fault_of_the_configuration(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No space left on device; make room"):
        taken(spec.load(str(folder)), tmp_path / "cache", precision="huge")


TAKE = """
import sys
from pathlib import Path
from tuner.target import spec
from tuner.target.prepare import artifact

target = spec.load(sys.argv[1])
print("asks", flush=True)
with artifact(target, target.space.default(), Path(sys.argv[2])) as made:
    print(made.folder, flush=True)
"""

SLOW_BUILD = """
import os, sys
with open(sys.argv[2] + "/../../builds.txt", "a") as log:
    log.write(sys.argv[1] + "\\n")
with open(os.environ["GO"]) as gate:
    gate.read()
open(sys.argv[2] + "/server.py", "w").write(sys.argv[1])
"""


def test_two_processes_that_want_the_same_build_it_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "build.py").write_text(SLOW_BUILD)
    gate, cache = tmp_path / "gate", tmp_path / "cache"
    subprocess.run(["mkfifo", gate], check=True)
    monkeypatch.setenv("GO", str(gate))
    command = [sys.executable, "-c", TAKE, str(folder), str(cache)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for one in both:
            assert one.stdout is not None
            assert one.stdout.readline() == "asks\n"
        gate.write_text("")  # opens when a build reads; a second one would wait for ever
        answers = [one.communicate(timeout=30)[0] for one in both]
    finally:
        for one in both:
            one.kill()
    assert answers[0] == answers[1]
    assert builds(cache) == ["fp32"]
