"""The program `tuner`: its verbs, and how an error becomes one sentence and an exit code.

Only typer is imported here; a verb imports what it needs when it runs, so that `tuner --help` answers at once.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from tuner import __version__
from tuner.cli import (
    compare,
    doctor,
    gate,
    init,
    measure,
    report,
    resume,
    runtime,
    search,
    serve,
    signals,
    targets,
    ui,
    worker,
)
from tuner.cli.invocation import Invocation
from tuner.errors import Terminated, TunerError, UsageError
from tuner.terminal import Output, inert

_EPILOG = "\n\n".join(
    (
        "Settings: a flag wins over a variable such as TUNER_BUDGET, that over tuner.toml, and that over "
        "\\[tool.tuner] in pyproject.toml; `tuner init` writes a tuner.toml that names them all.",
        "Exit codes: 0 done; 1 a fault of tuner itself; 2 usage or settings; 3 nothing keeps the limits; 4 the target "
        "does not start; 5 regression; 6 the measurement is not valid; 7 storage; 130 and 143 on signals.",
        "Example: tuner search --budget 50 --users 4,32 --slo p99=50ms",
    )
)

app = typer.Typer(
    name="tuner",
    help="Finds the serving configuration that keeps your promise: load, p99 and accuracy, measured.",
    epilog=_EPILOG,
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
app.command("ui", context_settings=_OWN_OPTIONS)(ui.ui)
app.command("worker", context_settings=_OWN_OPTIONS)(worker.worker)
app.command("gate", context_settings=_OWN_OPTIONS)(gate.gate)
app.command("compare")(compare.compare)
app.command("doctor", context_settings=_OWN_OPTIONS)(doctor.doctor)
app.add_typer(runtime.app, name="runtime", help="Install other builds of ONNX Runtime, for their execution providers.")
app.command("report")(report.report)
app.command("targets")(targets.targets)
app.command("init")(init.init)

for _verb in app.registered_commands:
    _verb.epilog = "With any verb: --json, --quiet, --no-color. Where settings come from, and exit codes: tuner --help."

_EVERYWHERE = ("--json", "--quiet", "-q", "--no-color")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tuner {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    _json: Annotated[
        bool, typer.Option("--json", help="Write one JSON document to stdout, and nothing else; with any verb.")
    ] = False,
    _quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress; with any verb.")] = False,
    _no_color: Annotated[
        bool, typer.Option("--no-color", help="Use no colours, as with NO_COLOR=1; with any verb.")
    ] = False,
    _wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Find the serving configuration that keeps your promise: load, p99 and accuracy, measured."""


def main(words: Sequence[str] | None = None) -> None:
    """Run the program with these arguments, or those of the command line."""
    words = sys.argv[1:] if words is None else words
    everywhere = [word for word in words if word in _EVERYWHERE]
    typed = [word for word in words if word not in _EVERYWHERE]
    if "--no-color" in everywhere:
        os.environ["NO_COLOR"] = "1"
    quiet = "--quiet" in everywhere or "-q" in everywhere
    verb = next((word for word in typed if not word.startswith("-")), "")
    output = Output(verb, as_json="--json" in everywhere, quiet=quiet)
    signals.listen(quiet=quiet)
    code, message = _ended(typed, output)
    if message:
        print(inert(f"tuner: {message}"), file=sys.stderr)
    output.close(code, message)
    sys.exit(code)


def _ended(typed: Sequence[str], output: Output) -> tuple[int, str]:
    """Run a verb; return the exit code, and what went wrong."""
    program = typer.main.get_command(app)
    invocation = Invocation(words=typed, output=output)
    try:
        invocation = Invocation.of(typed, program, output)
        code = program.main(list(invocation.words), prog_name="tuner", standalone_mode=False, obj=invocation)
    except UsageError as error:
        return error.exit_code, invocation.explained(str(error))
    except TunerError as error:
        return error.exit_code, str(error)
    except typer.TyperException as error:
        return error.exit_code, invocation.explained(error.format_message())
    except Terminated:
        return 143, output.farewell
    except KeyboardInterrupt:
        return 130, output.farewell
    except Exception as error:
        traceback.print_exc()
        return 1, f"a fault of tuner itself: {error!r}"
    # The parser turns a KeyboardInterrupt of the verb into this code.
    return code or 0, output.farewell if code else ""
