"""Servers and Locust as they run until Ctrl-C, for a person to look at."""

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tuner import bundled
from tuner.cli.scratch import scratch
from tuner.errors import TargetStartError, TunerError
from tuner.load.driver import LoadError, locust_environment
from tuner.measure import ready
from tuner.measure.failed import LaunchError
from tuner.study.space import Configuration
from tuner.target.launch import render
from tuner.target.prepare import artifact
from tuner.target.process import SupervisedProcess
from tuner.target.spec import Target
from tuner.terminal import Output

_PAGE_SECONDS = 30.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that is ready, and where."""

    process: SupervisedProcess
    url: str


@contextmanager
def server(target: Target, configuration: Configuration, port: int) -> Iterator[Served]:
    """Run a target in one configuration; its output goes to stderr."""
    with scratch("serve") as workdir, artifact(target, configuration) as made:
        launch = render(target, configuration, port=port, workdir=workdir, artifact=made.folder)
        stop = target.timeouts.stop
        with SupervisedProcess(
            launch.argv, env=launch.env, workdir=target.folder, log=None, stop_seconds=stop
        ) as process:
            try:
                ready.wait(target, launch, process)
            except LaunchError as error:
                raise TargetStartError(f"the target does not start: {error}") from None
            yield Served(process=process, url=launch.url)


def locust_command(target: Target, url: str) -> list[str]:
    """Return the command that drives a server as a measurement would, with Locust's web UI on loopback."""
    answers = target.answers
    command = [str(Path(sys.executable).with_name("locust")), "-f", str(target.locustfile), "--host", url]
    if target.locustfile.parent == bundled.locustfiles():
        command += ["--path", answers.path, "--requests", str(answers.requests or ""), "--field", answers.field or ""]
    return [*command, "--web-host", "127.0.0.1"]


def print_serving(target: Target, url: str, output: Output) -> None:
    """Say where a server listens and how to drive it by hand."""
    command = locust_command(target, url)
    output.tell({"url": url, "locust": command})
    output.close()
    output.say(f"serving at {url} until Ctrl-C; to drive it from Locust's web UI, in another terminal:")
    output.say(f"  {shlex.join(command)}")


@contextmanager
def locust(target: Target, url: str, port: int) -> Iterator[SupervisedProcess]:
    """Run Locust's web UI until it is left; it is there when this begins."""
    command = [sys.executable, "-m", "locust", *locust_command(target, url)[1:], "--web-port", str(port)]
    env = locust_environment({})
    with SupervisedProcess(command, env=env, workdir=Path.cwd(), log=None, stop_seconds=2.0) as process:
        _wait_for_page(f"http://127.0.0.1:{port}", process)
        yield process


def locust_ended(process: SupervisedProcess) -> LoadError:
    """Say of a Locust that writes to our stderr that it is gone: its locustfile may be broken, as in a measurement."""
    return LoadError(f"Locust ended by itself ({process.ending()}); what it wrote above says why")


def _wait_for_page(url: str, process: SupervisedProcess) -> None:
    deadline = time.monotonic() + _PAGE_SECONDS
    while time.monotonic() < deadline:
        if not process.running:
            raise locust_ended(process)
        with suppress(httpx.HTTPError):
            if httpx.get(url, timeout=_PAGE_SECONDS, trust_env=False).is_success:
                return
        time.sleep(_POLL_SECONDS)
    raise TunerError(f"Locust's web UI did not answer at {url} within {_PAGE_SECONDS:.0f} s")
