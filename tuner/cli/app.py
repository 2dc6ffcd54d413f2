"""The program `tuner`: its verbs, and how an error becomes one sentence and an exit code.

Only typer is imported here; a verb imports what it needs when it runs, so that `tuner --help` answers at once.
"""

import signal
import sys
from typing import Annotated

import typer

from tuner import __version__
from tuner.cli import doctor, gate, measure, report, resume, runtime, search, serve, targets, worker
from tuner.errors import Terminated, TunerError

app = typer.Typer(
    name="tuner",
    help="Finds the serving configuration that keeps your promise: load, p99 and accuracy, measured.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

_OWN_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""A target declares options of its own; what is left over is checked against them."""

app.command("search", context_settings=_OWN_OPTIONS)(search.search)
app.command("resume")(resume.resume)
app.command("measure", context_settings=_OWN_OPTIONS)(measure.measure)
app.command("serve", context_settings=_OWN_OPTIONS)(serve.serve)
app.command("worker", context_settings=_OWN_OPTIONS)(worker.worker)
app.command("gate", context_settings=_OWN_OPTIONS)(gate.gate)
app.command("doctor", context_settings=_OWN_OPTIONS)(doctor.doctor)
app.add_typer(runtime.app, name="runtime", help="Install other builds of ONNX Runtime, for their execution providers.")
app.command("report")(report.report)
app.command("targets")(targets.targets)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tuner {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Find the serving configuration that keeps your promise: load, p99 and accuracy, measured."""


def _terminate(*_: object) -> None:
    raise Terminated


def main() -> None:
    """Run the program."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except TunerError as error:
        print(f"tuner: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Terminated:
        sys.exit(143)
    except KeyboardInterrupt:
        sys.exit(130)
