"""Ctrl-C and SIGTERM: the first one ends what runs in good order, the second one at once."""

import os
import signal
from types import FrameType

from tuner.errors import Terminated

_SHOW_CURSOR = b"\x1b[?25h"


def listen(*, quiet: bool) -> None:
    """Let the first signal unwind what runs, so that servers stop and the report is written, and the second kill it."""

    def first(number: int, _: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, _leave)
        if not quiet:
            # Not through Python's buffers: they may be in the middle of a write.
            os.write(2, b"\ntuner: finishing; a second Ctrl-C leaves at once\n")
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, first)


def finish() -> None:
    """Let the first signal, if none has come, no longer unwind what runs: the last words are being written."""

    def first(_: int, __: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, _leave)

    for each in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(each) is not _leave:
            signal.signal(each, first)


def _leave(number: int, _: FrameType | None) -> None:
    """End this process now: the reaper of each child sees that we are gone, and kills it with all below it."""
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR)
    os._exit(128 + number)
