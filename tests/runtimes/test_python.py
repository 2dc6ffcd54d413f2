"""`--runtime-python`: the interpreter of a target's programs."""

import sys
from pathlib import Path

import pytest

from tuner.errors import UsageError
from tuner.runtimes.known import advice
from tuner.runtimes.python import interpreter


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_ours_unless_another_is_given() -> None:
    assert interpreter(None) == sys.executable


def test_the_link_of_an_environment_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    assert interpreter(str(tmp_path / "python")) == str(tmp_path / "python")


def test_what_is_no_python_that_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("")
    (tmp_path / "broken").write_bytes(b"\x7fELF")
    (tmp_path / "broken").chmod(0o755)
    for given, says in [
        (str(tmp_path / "none"), "there is no program"),
        (str(tmp_path), "there is no program"),
        (str(tmp_path / "text"), "there is no program"),
        (str(tmp_path / "broken"), "is no Python interpreter"),
        (program(tmp_path / "true", "true"), "is no Python interpreter"),
        (program(tmp_path / "false", "exit 1"), "is no Python interpreter"),
        (program(tmp_path / "old", "echo False 3.10.2"), "is Python 3.10.2, needed is 3.11"),
    ]:
        with pytest.raises(UsageError, match=f"^--runtime-python: .*{says}"):
            interpreter(given)


def test_advice_for_providers() -> None:
    assert advice("OpenVINOExecutionProvider") == "tuner runtime add openvino"
    assert advice("CUDAExecutionProvider") == advice("TensorrtExecutionProvider")
    assert advice("CUDAExecutionProvider").startswith("--runtime-python PYTHON, of an environment with onnxruntime-gpu")
    assert advice("CPUExecutionProvider") == ""
