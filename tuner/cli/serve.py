"""`tuner serve`: run a target in one configuration, for the Locust web UI or for curl."""

from typing import Annotated

import typer

from tuner.cli import options


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
    options.require_free(port)
    loaded = options.load_target(context, target, runtime_python=runtime_python)
    configuration = loaded.space.configuration(options.parse_sets(loaded, sets))
    # Late: this takes a while to load, and what is mistyped is told before.
    from tuner.cli import launched
    from tuner.errors import TargetStartError
    from tuner.target.process import wait_until_gone

    with launched.server(loaded, configuration, port) as server:
        launched.print_serving(loaded, server.url, options.output(context))
        gone = wait_until_gone(server.process)
        raise TargetStartError(f"the server ended by itself ({gone.ending()})")
