"""`tuner worker`: one load process on another machine, for a `tuner` that waits for it with --load-master."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import options


def worker(
    context: typer.Context,
    master: Annotated[str, typer.Argument(help="ADDRESS:PORT that tuner was given as --load-master.")],
    target: options.TargetName = "reference",
    rate: Annotated[bool, typer.Option("--open-loop", help="The measurement was asked for with --rate.")] = False,
    seed: options.Seed = 0,
    locustfile: options.Locustfile = None,
) -> None:
    """Make load from this machine, launch after launch, until Ctrl-C.

    Give it the --target, the --seed and the --locustfile of the measurement. Locust's master and workers know no
    password: use a private network, and end the workers when you are done.

    Example: tuner worker 10.0.0.5:5557
    """
    from tuner.errors import UsageError
    from tuner.load.driver import locust_command
    from tuner.measure.measurement import request_environment
    from tuner.target.process import SupervisedProcess, wait_until_gone

    host, _, port = master.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"{master}: expected ADDRESS:PORT, for example 10.0.0.5:5557")
    loaded = options.load_target(context, target, locustfile)
    scenario = loaded.open_locustfile if rate else loaded.locustfile
    command = locust_command(scenario, "--worker", "--master-host", host, "--master-port", port)
    env = {**os.environ, **request_environment(loaded, seed)}
    while True:
        # Each launch of the server has a Locust master of its own, which ends its workers.
        with SupervisedProcess(command, env=env, workdir=Path.cwd(), log=None, stop_seconds=1.0) as process:
            wait_until_gone(process)
