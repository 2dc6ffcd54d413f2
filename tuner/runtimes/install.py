"""Installing a runtime: pip into a folder of its own, in place only when it really computes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tuner.errors import StorageError, UsageError
from tuner.files import locked
from tuner.runtimes import store
from tuner.runtimes.known import Runtime

_PROOF = Path(__file__).with_name("proof.py")
_PROOF_SECONDS = 60.0


def add(runtime: Runtime) -> bool:
    """Install a runtime; return False when it was there already, and works."""
    root = store.folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root / f"{runtime.name}.lock"):
            for left in root.glob(f".{runtime.name}.*"):  # of processes that were killed: we have their lock
                shutil.rmtree(left, ignore_errors=True)
            if store.installed(runtime) == runtime.version and not _fault(runtime, root / runtime.name):
                return False
            with TemporaryDirectory(dir=root, prefix=f".{runtime.name}.", ignore_cleanup_errors=True) as scratch:
                whole = Path(scratch) / runtime.name
                _download(runtime, whole)
                if fault := _fault(runtime, whole):
                    raise UsageError(f"{runtime.requirement} does not work here, and was not kept: {fault}")
                store.put(runtime, whole)
    except OSError as error:
        raise StorageError(f"{error.filename or root}: {error.strerror}; XDG_CACHE_HOME names another cache") from error
    return True


def _download(runtime: Runtime, whole: Path) -> None:
    """Let pip fetch a wheel, from wherever it is set up to."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary", ":all:", "--target", str(whole), runtime.requirement]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not whole.is_dir():
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        raise UsageError(f"pip cannot install {runtime.requirement}: {(errors or lines)[-1]}")


def _fault(runtime: Runtime, place: Path) -> str:
    """Why a runtime does not compute here; empty when it does."""
    env = {**os.environ, "PYTHONPATH": str(place)}
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_PROOF), runtime.provider],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROOF_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{runtime.provider} gave no answer within {_PROOF_SECONDS:g} s"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
