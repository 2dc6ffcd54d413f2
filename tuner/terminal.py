"""The two streams of the command line: the result on stdout, progress on stderr, and nothing in them that acts.

With `--json` stdout is exactly one document, version 1:

    version  1
    verb     what was run, such as "search"
    error    null, or code (the exit code) and message
    result   what the verb tells, or null when there is nothing to tell:
             search, resume, report    the content of `report.json`, and `report`, the path of its page
             search --dry-run          settings, space, trials, launches_to_confirm, seconds
             gate                      the content of `gate.json`, ruling, sentence, needed (more launches of each), and
                                       `report`, the path of its page
             compare                   before, after, changes, lost, differences, doubts, sentence
             measure                   the content of a `measurement.json` (version, outcome, machine, settings), and
                                       `folder`, where it lies
             doctor                    the diagnosis as it is kept for searches, and `kept`, where (or null)
             serve, ui                 url, and of serve locust (a command), of ui locust (its page); told at the start
             targets                   targets (name, description)
             targets NAME              knobs, conditions, constraints, constants, options, left_alone
             runtime list              runtimes (name, requirement, provider, installed, bytes)
             runtime add, remove       runtime, and of add version
             init                      file, schema
             --help, --version         text

A number that JSON does not have is the text "Infinity" or "-Infinity", or null.
"""

import io
import json
import math
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

DOCUMENT_VERSION = 1

_HALVES = range(0xD800, 0xE000)
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
# C1 controls, marks that turn the direction of writing, and halves of surrogate pairs, which UTF-8 cannot write.
_UNWANTED = (*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *_HALVES)
_VISIBLE = _CONTROLS | dict.fromkeys(_UNWANTED, 0xFFFD)
# GitHub takes a line that begins with two colons, and `##[` anywhere, for commands to itself.
_WORKFLOW_COMMAND = re.compile(r"^(\s*:)(?=:)|(##)(?=\[)", re.MULTILINE)


def clean(text: str) -> str:
    """Make control characters visible, so that a terminal, a browser and a spreadsheet only ever show them."""
    return text.translate(_VISIBLE)


def writable(text: str) -> str:
    """Replace the halves of surrogate pairs: Python reads bytes that are no UTF-8 as such, and no file takes them."""
    return text.translate(dict.fromkeys(_HALVES, 0xFFFD))


def inert(text: str) -> str:
    """Make a text one that a terminal or the log of a CI run only shows."""
    return _WORKFLOW_COMMAND.sub(lambda found: f"{found[0]} ", clean(text))


def cell(text: object) -> "Text":
    """Make a cell of a table from a text that others wrote: no markup in it means anything."""
    from rich.text import Text

    return Text(inert(str(text)))


def write(text: str, stream: TextIO) -> None:
    """Write a line at once; a reader who has left has seen enough."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        silence(stream)


def complain(text: str) -> None:
    """Write what went wrong to stderr; where that cannot be written, there is nobody to tell."""
    try:
        write(inert(text), sys.stderr)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Let a stream that cannot be written swallow what is left; otherwise Python would complain on its way out."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def mend_streams() -> None:
    """Open standard streams that were closed before the start, and let stdout replace what its encoding lacks.

    The next pipe or file would else get the number of a closed stream, and what a child is told to read or to write as
    its own stream would be that.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _in_json(value: Any) -> Any:
    """Replace the numbers that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _in_json(one) for key, one in value.items()}
    return [_in_json(one) for one in value] if isinstance(value, list | tuple) else value


class Output:
    """What a person asked to see; the verbs write through it and know nothing of flags.

    `go_on` is the command that goes on with what the verb began, as soon as there is something to go on with.
    """

    def __init__(self, verb: str = "", *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.go_on = ""
        self._verb = verb
        self._quiet = quiet
        self._stdout = sys.stdout
        self._result: Mapping[str, Any] | None = None
        self._closed = False

    def say(self, text: str) -> None:
        """Write a line of the result, where a person reads it."""
        if not self.as_json:
            write(inert(text), sys.stdout)

    def show(self, table: object) -> None:
        """Write a table of the result."""
        if self.as_json:
            return
        from tuner.console import console

        console().print(table)

    def progress(self) -> "Console":
        """Return where progress goes: stderr, or nowhere."""
        from tuner.console import console

        return console(stderr=True, quiet=self._quiet)

    def tell(self, result: Mapping[str, Any]) -> None:
        """Keep the result for the document, in place of an earlier one."""
        self._result = result

    @property
    def told(self) -> bool:
        """Whether there is a result for the document."""
        return self._result is not None

    def close(self, code: int = 0, message: str = "") -> None:
        """Write the document, once, if one was asked for."""
        if self.as_json and not self._closed:
            self._closed = True
            error = {"code": code, "message": message} if code else None
            document = {"version": DOCUMENT_VERSION, "verb": self._verb, "error": error, "result": self._result}
            text = json.dumps(_in_json(document), indent=1, allow_nan=False)
            # Only a string can hold it, and there an escape is the same text, but no command in the log of a CI run.
            write(text.replace("##[", "#\\u0023["), self._stdout)


PLAIN = Output()
"""For whoever asked for nothing."""
