"""Ctrl-C, SIGTERM and a lost terminal: the first signal ends what runs in good order, the second one at once."""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from tuner.errors import Terminated

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_SHOW_CURSOR = b"\x1b[?25h"
_AGAIN = 0.01
"""After so many seconds an interruption that was lost is raised again."""


def listen(*, quiet: bool) -> None:
    """Let the first signal unwind what runs, so that servers stop and the report is written, and the second kill it."""

    def first(number: int, _: FrameType | None) -> None:
        _handle(_leave)
        if not quiet:
            _say(b"\ntuner: finishing; a second Ctrl-C leaves at once\n")
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    _handle(first)
    _raise_again_what_is_lost()


def finish() -> None:
    """Let the first signal, if none has come, no longer unwind what runs: the last words are being written."""
    if signal.getsignal(signal.SIGINT) is not _leave:
        _handle(lambda *_: _handle(_leave))


def _handle(handler: "signal._HANDLER") -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Whoever started us with nohup wants us to outlive the terminal.
        if each is not signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, handler)


def _raise_again_what_is_lost() -> None:
    """Raise an interruption again that came during a finalizer, of which Python only says that it ignores it."""
    usual = sys.unraisablehook

    def hook(found: "UnraisableHookArgs") -> None:
        lost = found.exc_type
        if not issubclass(lost, KeyboardInterrupt | Terminated):
            usual(found)
            return

        def again(_: int, __: FrameType | None) -> None:
            raise lost

        signal.signal(signal.SIGALRM, again)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    sys.unraisablehook = hook


def _say(words: bytes) -> None:
    """Write to stderr, not through Python's buffers, which may be in the middle of a write; nobody may be there."""
    with suppress(OSError):
        os.write(2, words)


def _leave(number: int, _: FrameType | None) -> None:
    """End this process now: the reaper of each child sees that we are gone, and kills it with all below it."""
    if os.isatty(2):
        _say(_SHOW_CURSOR)
    os._exit(128 + number)
