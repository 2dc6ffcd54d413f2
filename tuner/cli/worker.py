"""`tuner worker`: one load process on another machine, for a `tuner` that waits for it with --load-master."""

import time
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import options

_SHORTEST_SECONDS = 1.0


def worker(
    context: typer.Context,
    master: Annotated[str, typer.Argument(help="ADDRESS:PORT that tuner was given as --load-master.")],
    target: options.TargetName = "reference",
    open_loop: Annotated[bool, typer.Option("--open-loop", help="The measurement was asked for with --rate.")] = False,
    seed: options.Seed = 0,
    locustfile: options.Locustfile = None,
) -> None:
    """Make load from this machine, launch after launch, until Ctrl-C.

    Give it the --target, the --seed and the --locustfile of the measurement. Locust's master and workers know no
    password: use a private network, and end the workers when you are done.

    Example: tuner worker 10.0.0.5:5557
    """
    from tuner.cli.launched import locust_ended
    from tuner.cli.locustfile import require_loadable
    from tuner.errors import UsageError
    from tuner.load.driver import locust_command, locust_environment
    from tuner.measure.drive import request_environment
    from tuner.target.process import SupervisedProcess, wait_until_gone
    from tuner.units import parse_address

    if master.startswith("-"):
        raise UsageError(f"{master}: flags of the target's own come after ADDRESS:PORT")
    host, port = parse_address(master)
    loaded = options.load_target(context, target, locustfile)
    require_loadable(loaded, locustfile, Path.cwd())
    scenario = loaded.open_locustfile if open_loop and loaded.open_locustfile else loaded.locustfile
    command = locust_command(scenario, "--worker", "--master-host", host, "--master-port", port)
    env = locust_environment(request_environment(loaded, seed))
    while True:
        # Each launch of the server has a Locust master of its own, which ends its workers.
        with SupervisedProcess(command, env=env, workdir=Path.cwd(), log=None, stop_seconds=1.0) as process:
            began = time.monotonic()
            wait_until_gone(process)
            if time.monotonic() - began < _SHORTEST_SECONDS:
                raise locust_ended(process)
