"""rich as this program uses it: colours and moving lines in a terminal only, and a reader who leaves is no mistake."""

import sys

from rich.console import Console

_WIDE = 160


def console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Return what writes to stdout or stderr; where nobody says how wide stdout is, no cell is squeezed."""
    stream = sys.stderr if stderr else sys.stdout
    # Only a terminal is one: rich would take FORCE_COLOR for one, too, and a log would be full of escape sequences.
    forced = None if stream.isatty() else False
    found = _Console(stderr=stderr, quiet=quiet, highlight=False, force_terminal=forced)
    if not stderr and not found.is_terminal:
        found.width = _WIDE
    return found


class _Console(Console):
    """A console that is quiet when its reader has left, where rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Go on without a reader: a search that nobody watches any more is still one."""
        self.quiet = True
