"""`tuner runtime`: other builds of ONNX Runtime, laid over the installed one for the trials that ask for them."""

from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="A name that `tuner runtime list` shows.")]

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


@app.command("add")
def add(name: Name) -> None:
    """Install a runtime with pip into a folder of its own in the cache, after it has computed something.

    Example: tuner runtime add openvino
    """
    import sys

    from tuner.runtimes import install
    from tuner.runtimes.known import find

    runtime = find(name)
    print(f"installing {runtime.requirement} with pip …", file=sys.stderr)
    new = install.add(runtime)
    how = "installed" if new else "was installed already"
    print(f"{runtime.requirement} {how} and computes; searches now try {runtime.provider}")


@app.command("list")
def list_runtimes() -> None:
    """Show the runtimes that can be installed, and those that are.

    Example: tuner runtime list
    """
    from tuner.report.console import print_runtimes
    from tuner.runtimes import store
    from tuner.runtimes.known import KNOWN

    print_runtimes([(runtime, store.installed(runtime), store.size(runtime)) for runtime in KNOWN])


@app.command("remove")
def remove(name: Name) -> None:
    """Remove a runtime from the cache.

    Example: tuner runtime remove openvino
    """
    from tuner.runtimes import store
    from tuner.runtimes.known import find

    runtime = find(name)
    store.remove(runtime)
    print(f"{runtime.name} removed")
