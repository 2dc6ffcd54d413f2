from pathlib import Path

import pytest

from tests.conftest import MakeTarget
from tuner.target import spec
from tuner.target.prepare import PrepareError, artifact

TOML = """
description = "mine"
command = ["$python", "$artifact/server.py", "--port", "$port", "--workers", "$workers"]

[prepare]
command = ["$python", "build.py", "$precision", "$artifact"]

[space]
precision = { choices = ["fp32", "int8", "broken"], default = "fp32" }
workers = { low = 1, high = 2, default = 1 }
"""

BUILD = """
import sys
from pathlib import Path
if sys.argv[1] == "broken":
    sys.exit("nothing was quantized")
with open(sys.argv[2] + "/../builds.txt", "a") as log:
    log.write(sys.argv[1] + "\\n")
Path(sys.argv[2], "server.py").write_text(sys.argv[1])
"""


def test_built_once_per_distinct_set_of_the_knobs_it_names(make_target: MakeTarget, tmp_path: Path) -> None:
    target = spec.load(str(make_target(TOML, build_py=BUILD)))
    made = [
        artifact(target, target.space.configuration(values), tmp_path / "cache")
        for values in ({}, {"workers": 2}, {"precision": "int8"}, {"precision": "int8", "workers": 2})
    ]
    assert made[0] == made[1] != made[2] == made[3]
    assert made[2] is not None
    assert (made[2] / "server.py").read_text() == "int8"
    assert (tmp_path / "cache" / "prepared" / "builds.txt").read_text().split() == ["fp32", "int8"]


def test_a_knob_that_reaches_the_build_by_environment_makes_another_artifact(
    make_target: MakeTarget, tmp_path: Path
) -> None:
    toml = TOML.replace("[prepare]", '[env]\nWORKERS = "$workers"\n[prepare]')
    target = spec.load(str(make_target(toml, build_py=BUILD)))
    one, two = (
        artifact(target, target.space.configuration({"workers": workers}), tmp_path / "cache") for workers in (1, 2)
    )
    assert one != two


def test_a_changed_program_builds_again(make_target: MakeTarget, tmp_path: Path) -> None:
    folder = make_target(TOML, build_py=BUILD)
    target = spec.load(str(folder))
    first = artifact(target, target.space.default(), tmp_path / "cache")
    (folder / "build.py").write_text(BUILD + "\n# changed\n")
    assert artifact(target, target.space.default(), tmp_path / "cache") != first


def test_a_failed_build_leaves_nothing_and_says_why(make_target: MakeTarget, tmp_path: Path) -> None:
    target = spec.load(str(make_target(TOML, build_py=BUILD)))
    for _ in range(2):
        with pytest.raises(PrepareError, match="nothing was quantized"):
            artifact(target, target.space.configuration({"precision": "broken"}), tmp_path / "cache")
