"""`tuner serve`: run a target in one configuration, for the Locust web UI or for curl."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options

if TYPE_CHECKING:
    from tuner.target.spec import Target


def serve(
    context: typer.Context,
    target: options.TargetName = "reference",
    sets: options.Sets = None,
    runtime_python: options.RuntimePython = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on loopback.")] = 8000,
) -> None:
    """Launch a target on loopback and leave it running until Ctrl-C.

    Example: tuner serve --set precision=int8_dynamic --set max_batch_size=8
    """
    from tempfile import TemporaryDirectory

    from tuner.errors import TargetStartError, UsageError
    from tuner.measure import ready
    from tuner.measure.failed import LaunchError
    from tuner.report.console import print_serving
    from tuner.target.launch import is_free, render
    from tuner.target.prepare import artifact
    from tuner.target.process import SupervisedProcess, wait_until_gone

    if not is_free(port):
        raise UsageError(f"--port {port}: something listens there already; choose another port")
    loaded = options.load_target(context, target, runtime_python=runtime_python)
    configuration = loaded.space.configuration(options.parse_sets(loaded, sets))
    with TemporaryDirectory(prefix="tuner-serve-") as workdir, artifact(loaded, configuration) as made:
        launch = render(loaded, configuration, port=port, workdir=Path(workdir), artifact=made.folder)
        stop = loaded.timeouts.stop
        with SupervisedProcess(
            launch.argv, env=launch.env, workdir=loaded.folder, log=None, stop_seconds=stop
        ) as server:
            try:
                ready.wait(loaded, launch, server)
            except LaunchError as error:
                raise TargetStartError(f"the target does not start: {error}") from None
            print_serving(launch.url, _locust(loaded, launch.url))
            wait_until_gone(server)
            raise TargetStartError(f"the server ended by itself ({server.ending()})")


def _locust(target: "Target", url: str) -> list[str]:
    """Return the command that drives the server as a measurement would, with Locust's web UI."""
    from tuner import bundled

    answers = target.answers
    command = [str(Path(sys.executable).with_name("locust")), "-f", str(target.locustfile), "--host", url]
    if target.locustfile.parent == bundled.locustfiles():
        command += ["--path", answers.path, "--requests", str(answers.requests or ""), "--field", answers.field or ""]
    return [*command, "--web-host", "127.0.0.1"]
