"""`tuner ui`: Locust's web UI, against a configuration of a target or a server that is there already."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import options


def ui(
    context: typer.Context,
    target: options.TargetName = "reference",
    sets: options.Sets = None,
    url: Annotated[str | None, typer.Option("--url", help="Drive a server that you started yourself.")] = None,
    locustfile: options.Locustfile = None,
    runtime_python: options.RuntimePython = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the web UI, on loopback.")] = 8089,
) -> None:
    """Drive a server by hand from Locust's web UI on loopback, until Ctrl-C.

    Example: tuner ui --set precision=int8_dynamic
    """
    from tuner.cli.locustfile import require_loadable

    options.require_url(url, sets)
    options.require_free(port)
    output = options.output(context)
    loaded = options.load_target(context, target, locustfile, runtime_python)
    require_loadable(loaded, locustfile, Path.cwd())
    configuration = loaded.space.configuration(options.parse_sets(loaded, sets))
    # Late: this takes a while to load, and what is mistyped is told before.
    from tuner.cli import launched
    from tuner.errors import TargetStartError
    from tuner.target.launch import free_port
    from tuner.target.process import wait_until_gone

    page = f"http://127.0.0.1:{port}"
    with ExitStack() as running:
        processes = []
        if url is None:
            server = running.enter_context(launched.server(loaded, configuration, free_port()))
            processes, url = [server.process], server.url
        locust = running.enter_context(launched.locust(loaded, url.rstrip("/"), port))
        output.tell({"url": url, "locust": page})
        output.close()
        output.say(f"Locust's web UI: {page} drives {url} until Ctrl-C")
        gone = wait_until_gone(*processes, locust)
        if gone is locust:
            raise launched.locust_ended(locust)
        raise TargetStartError(f"the server ended by itself ({gone.ending()})")
