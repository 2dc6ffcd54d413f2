"""Environments of other servers, each in a folder of the cache, so that none of them meets another's dependencies."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

CACHE = user_cache_path("agent-tuner") / "benchmarks"
INSTALL_SECONDS = 1200.0


def environment(name: str, requirements: Sequence[str]) -> Path:
    """Return the Python of an environment that has them and our ONNX Runtime, or raise RuntimeError.

    What was installed once is kept: remove the folder to get newer versions.
    """
    folder = CACHE / name
    wanted = [*requirements, f"onnxruntime=={version('onnxruntime')}"]
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    told = f"Python {sys.version}\n" + "\n".join(wanted)
    if not (stamp.exists() and stamp.read_text() == told):
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
        stamp.write_text(told)
    return python


def installed(python: Path, package: str) -> str:
    """Return the version of a package in an environment."""
    return _run([str(python), "-c", f"from importlib.metadata import version; print(version({package!r}))"]).strip()


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(str(error)) from None
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-500:])
    return done.stdout
