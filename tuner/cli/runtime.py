"""`tuner runtime`: other builds of ONNX Runtime, laid over the installed one for the trials that ask for them."""

from typing import Annotated

import typer

from tuner.cli import options


def names() -> list[str]:
    """Return the names to complete."""
    from tuner.runtimes.known import KNOWN

    return [runtime.name for runtime in KNOWN]


Name = Annotated[str, typer.Argument(help="A name that `tuner runtime list` shows.", autocompletion=names)]

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", epilog="Example: tuner runtime add openvino")


@app.command("add")
def add(context: typer.Context, name: Name) -> None:
    """Install a runtime with pip into a folder of its own in the cache, after it has computed something.

    Example: tuner runtime add openvino
    """
    from tuner.runtimes import install
    from tuner.runtimes.known import find

    runtime = find(name)
    output = options.output(context)
    output.progress().print(f"installing {runtime.requirement} with pip …")
    new = install.add(runtime)
    how = "installed" if new else "was installed already"
    output.tell({"runtime": runtime.name, "version": runtime.version})
    output.say(f"{runtime.requirement} {how} and computes; searches now try {runtime.provider}")


@app.command("list")
def list_runtimes(context: typer.Context) -> None:
    """Show the runtimes that can be installed, and those that are.

    Example: tuner runtime list
    """
    from dataclasses import asdict

    from rich.table import Table

    from tuner.runtimes import store
    from tuner.runtimes.known import KNOWN
    from tuner.terminal import cell
    from tuner.units import format_bytes

    output, table, found = options.output(context), Table(), []
    for heading in ("runtime", "package", "installed", "size", "for"):
        table.add_column(heading, overflow="fold")
    for runtime in KNOWN:
        version, size = store.installed(runtime), store.size(runtime)
        found.append({**asdict(runtime), "installed": version, "bytes": size})
        told = (version, format_bytes(size)) if version else (f"no: tuner runtime add {runtime.name}", "–")
        table.add_row(*map(cell, (runtime.name, runtime.requirement, *told, runtime.provider)))
    output.tell({"runtimes": found})
    output.show(table)


@app.command("remove")
def remove(context: typer.Context, name: Name) -> None:
    """Remove a runtime from the cache.

    Example: tuner runtime remove openvino
    """
    from tuner.runtimes import store
    from tuner.runtimes.known import find

    runtime = find(name)
    store.remove(runtime)
    output = options.output(context)
    output.tell({"runtime": runtime.name})
    output.say(f"{runtime.name} removed")
