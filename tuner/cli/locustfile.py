"""A locustfile that is not ours: whether Locust can load it, asked before anything is launched for it."""

import sys
from pathlib import Path

from tuner import bundled
from tuner.cli.scratch import scratch
from tuner.errors import TargetFileError, UsageError
from tuner.target.command import CommandError, run
from tuner.target.spec import Target

_HEADING = "Available Users:"
_SECONDS = 30.0


def require_loadable(target: Target, given: str | None, workdir: Path | None = None) -> None:
    """Refuse a locustfile, `given` as a flag or named by the target, that Locust cannot load or has no users in it.

    It is loaded where Locust will run, in `workdir` or else in a folder that is empty: it must not need another one.
    """
    if target.locustfile.parent == bundled.locustfiles():
        return
    if workdir is None:
        with scratch("locustfile") as empty:
            reason = _why_not(target, empty)
    else:
        reason = _why_not(target, workdir)
    if reason and given is not None:
        raise UsageError(f"--locustfile {given}: {reason}")
    if reason:
        raise TargetFileError(f"{target.folder / 'target.toml'}: locustfile: {target.locustfile} {reason}")


def _why_not(target: Target, workdir: Path) -> str:
    """Say why a locustfile cannot be used; empty where it can."""
    # Late: only whoever has a locustfile of their own waits for this.
    from tuner.load.driver import locust_environment
    from tuner.measure.drive import request_environment

    env = {**locust_environment(request_environment(target, 0)), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "locust", "-f", str(target.locustfile), "--list"]
    try:
        said = run(command, folder=workdir, env=env, seconds=_SECONDS)
    except CommandError as error:
        return f"cannot be loaded by Locust: {error}"
    return "" if said.partition(_HEADING)[2].strip() else "has no User class: Locust needs one to make load"
