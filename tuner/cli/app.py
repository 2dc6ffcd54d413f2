"""The program `tuner`: its verbs, and how an error becomes one sentence and an exit code.

Only typer is imported here; a verb imports what it needs when it runs, so that `tuner --help` answers at once.
"""

import errno
import io
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from typing import Annotated, Any

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
from tuner.errors import StorageError, Terminated, TunerError, UsageError
from tuner.terminal import Output, complain, mend_streams, silence, write

_EPILOG = "\n\n".join(
    (
        "Settings: a flag wins over a variable such as TUNER_BUDGET, that over tuner.toml, and that over "
        "\\[tool.tuner] in pyproject.toml; `tuner init` writes a tuner.toml that names them all.",
        "Exit codes: 0 done; 1 internal error in tuner; 2 usage or settings; 3 nothing meets the limits; 4 the target "
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

for _each in app.registered_commands:
    _each.epilog = "With any verb: --json, --quiet, --no-color. Where settings come from, and exit codes: tuner --help."

_EVERYWHERE = ("--json", "--quiet", "-q", "--no-color")


def _version(wanted: bool) -> None:
    if wanted:
        write(f"tuner {__version__}", sys.stdout)
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
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Find the serving configuration that keeps your promise: load, p99 and accuracy, measured."""


def main(words: Sequence[str] | None = None) -> None:
    """Run the program with these arguments, or those of the command line."""
    mend_streams()
    words = sys.argv[1:] if words is None else words
    end = words.index("--") if "--" in words else len(words)
    everywhere = [word for word in words[:end] if word in _EVERYWHERE]
    typed = [*(word for word in words[:end] if word not in _EVERYWHERE), *words[end:]]
    if "--no-color" in everywhere:
        os.environ["NO_COLOR"] = "1"
    as_json = "--json" in everywhere
    if as_json or not sys.stdout.isatty():
        # typer would take GITHUB_ACTIONS and FORCE_COLOR for a terminal.
        os.environ["_TYPER_FORCE_DISABLE_TERMINAL"] = "1"
    quiet = "--quiet" in everywhere or "-q" in everywhere
    program: Any = typer.main.get_command(app)
    output = Output(_verb(typed, program), as_json=as_json, quiet=quiet)
    signals.listen(quiet=quiet)
    ending = _ended(partial(_run, typed, program, output), output)
    signals.finish()
    sys.exit(_told(ending, output))


def _verb(typed: Sequence[str], program: Any) -> str:
    """Return the name of what is run, of two words where a verb has verbs of its own."""
    names = [word for word in typed if not word.startswith("-")]
    group = getattr(program.commands.get(names[0] if names else ""), "commands", {})
    return " ".join(names[: 2 if names[1:] and names[1] in group else 1])


def _run(typed: Sequence[str], program: Any, output: Output) -> int:
    """Run a verb with the settings under what was typed; return an exit code that is no error of ours."""
    invocation = Invocation(words=typed, output=output)
    try:
        invocation = Invocation.of(typed, program, output)
        with _kept(output):
            code = program.main(list(invocation.words), prog_name="tuner", standalone_mode=False, obj=invocation)
    except UsageError as error:
        raise UsageError(invocation.explained(str(error))) from None
    except typer.TyperException as error:
        mistake = error.format_message() or "name a verb; --help shows them"
        raise UsageError(invocation.explained(mistake)) from None
    except SystemExit as left:
        # typer ends the program once it has shown a completion, and rich where the reader of a help text has left.
        if left.code and "--help" not in typed:
            raise
        code = 0
    return code or 0


@contextmanager
def _kept(output: Output) -> Iterator[None]:
    """Make what the parser writes, help or the version, the result where that is to be a document."""
    if not output.as_json:
        yield
        return
    text = io.StringIO()
    try:
        with redirect_stdout(text):
            yield
    finally:
        if not output.told and text.getvalue():
            output.tell({"text": text.getvalue()})


def _ended(run: Callable[[], int | None], output: Output) -> tuple[int, str]:
    """Run something to its end; return the exit code, and what went wrong."""
    try:
        code = run() or 0
    except StorageError as error:
        return error.exit_code, _with_advice(str(error), output)
    except TunerError as error:
        return error.exit_code, str(error)
    except Terminated:
        return 143, _with_advice("interrupted", output)
    except KeyboardInterrupt:
        return 130, _with_advice("interrupted", output)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            return StorageError.exit_code, _with_advice(f"{error.filename or 'a stream'}: {error.strerror}", output)
        complain(traceback.format_exc())
        return 1, _with_advice(f"internal error in tuner: {error!r}", output)
    # The parser turns a KeyboardInterrupt of the verb into this code.
    return code, _with_advice("interrupted", output) if code else ""


_FULL = (errno.ENOSPC, errno.EDQUOT)
"""What happens to whoever writes, anywhere, and is no fault of ours."""


def _with_advice(message: str, output: Output) -> str:
    return f"{message}; continue with: {output.go_on}" if output.go_on else message


def _told(ending: tuple[int, str], output: Output) -> int:
    """Write the document, then what went wrong, to whoever still reads; return the exit code."""
    unwritten = _ended(partial(output.close, *ending), output)
    code, message = unwritten if unwritten[0] else ending
    if message:
        complain(f"tuner: {message}")
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            silence(stream)
    return code
