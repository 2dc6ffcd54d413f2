"""`tuner runtime`: what pip brings is kept only when it computes. pip is real, the wheel is made up and local."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import fake_openvino
from tests.cli.program import tuner
from tuner.runtimes import store
from tuner.runtimes.known import KNOWN

OPENVINO = KNOWN[0]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a pip that knows one folder only."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return tmp_path / "cache" / "agent-tuner" / "runtimes"


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if not path.name.endswith(".lock"))


def test_added_listed_used_and_removed(cache: Path, tmp_path: Path) -> None:
    fake_openvino.wheel(tmp_path / "wheels")
    added = tuner("runtime", "add", "openvino", cwd=tmp_path)
    assert added.returncode == 0, added.stderr
    assert added.stdout.startswith("onnxruntime-openvino==1.24.1 installed and computes")
    assert left(cache) == ["openvino"]
    assert store.installed(OPENVINO) == "1.24.1"
    assert "1.24.1" in tuner("runtime", "list", cwd=tmp_path).stdout

    again = tuner("runtime", "add", "openvino", cwd=tmp_path)
    assert again.stdout.startswith("onnxruntime-openvino==1.24.1 was installed already")

    removed = tuner("runtime", "remove", "openvino", cwd=tmp_path)
    assert (removed.returncode, removed.stdout) == (0, "openvino removed\n")
    assert left(cache) == []
    assert "no: tuner runtime add openvino" in tuner("runtime", "list", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (fake_openvino.WITHOUT, "has CPUExecutionProvider, not OpenVINOExecutionProvider"),
        (fake_openvino.NAMED_ONLY, "OpenVINOExecutionProvider falls back to CPUExecutionProvider"),
        ("raise ImportError('needs another libc')", "ImportError: needs another libc"),
        ("import os; os.kill(os.getpid(), 11)", "it ended with code -11"),
    ],
)
def test_what_does_not_compute_is_not_kept(cache: Path, tmp_path: Path, source: str, says: str) -> None:
    fake_openvino.wheel(tmp_path / "wheels", source)
    refused = tuner("runtime", "add", "openvino", cwd=tmp_path)
    assert refused.returncode == 2
    said = refused.stderr.splitlines()[-1]
    assert said.startswith("tuner: onnxruntime-openvino==1.24.1 does not work here, and was not kept: ")
    assert says in said
    assert left(cache) == []


def test_one_that_no_longer_works_is_installed_again(cache: Path, tmp_path: Path) -> None:
    fake_openvino.wheel(tmp_path / "wheels")
    tuner("runtime", "add", "openvino", cwd=tmp_path)
    (cache / "openvino" / "onnxruntime" / "__init__.py").write_text("raise ImportError('half of it is gone')")
    (cache / ".openvino.left").mkdir()  # by a process that was killed
    assert "1.24.1 installed" in tuner("runtime", "add", "openvino", cwd=tmp_path).stdout
    assert left(cache) == ["openvino"]


def test_a_wheel_that_pip_does_not_find(cache: Path, tmp_path: Path) -> None:
    fake_openvino.wheel(tmp_path / "wheels", version="1.9.0")
    refused = tuner("runtime", "add", "openvino", cwd=tmp_path)
    assert refused.returncode == 2
    said = refused.stderr.splitlines()[-1]
    assert said.startswith("tuner: pip cannot install onnxruntime-openvino==1.24.1: No matching distribution found")
    assert left(cache) == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["add", "opnvino"], 2, "unknown runtime 'opnvino'; did you mean 'openvino'? (known: openvino)"),
        (["remove", "cuda"], 2, "unknown runtime 'cuda' (known: openvino)"),
        (["remove", "openvino"], 2, "openvino is not installed, so there is nothing to remove"),
    ],
)
def test_bad_input(cache: Path, tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    refused = tuner("runtime", *arguments, cwd=tmp_path)
    assert (refused.returncode, refused.stderr) == (code, f"tuner: {says}\n")
    assert not cache.exists()


@pytest.mark.usefixtures("cache")
def test_a_cache_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    refused = tuner("runtime", "add", "openvino", cwd=tmp_path)
    assert refused.returncode == 7
    assert "XDG_CACHE_HOME names another cache" in refused.stderr


def test_the_proof_holds_for_the_installed_one() -> None:
    proof = Path(store.__file__).with_name("proof.py")
    done = [
        subprocess.run([sys.executable, str(proof), provider], capture_output=True, text=True, check=False)
        for provider in ("CPUExecutionProvider", "CUDAExecutionProvider")
    ]
    assert [one.returncode for one in done] == [0, 1]
    assert "has " in done[1].stderr
    assert ", not CUDAExecutionProvider" in done[1].stderr
