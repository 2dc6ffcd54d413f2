"""How many workers there should be: a pure rule over what was seen, in time that is passed in."""

from dataclasses import dataclass

UP_SECONDS = 0.02
"""A wait in the queue above this asks for one more worker."""
UP_LOOKS = 2
"""So many looks in a row must agree before a worker is added: one burst is no load."""
DOWN_BUSY = 0.7
"""Fewer workers would do when the rest were busy for no more than this share of the time."""
DOWN_LOOKS = 20
"""So many looks in a row must agree before a worker goes: it is cheaper to keep one than to need it again."""
COOL_DOWN_SECONDS = 1.0
"""After a change nothing is changed for so long: its effect has to show first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What one look saw: the longest wait since the last one (seconds), and how many of `running` were busy."""

    wait: float
    busy: float
    running: int


class Scaler:
    """Adds a worker when requests wait, removes one when the others would do; in between it does nothing."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most
        self._above = self._below = 0
        self._changed = float("-inf")

    def decide(self, now: float, signs: Signs) -> int:
        """Return 1 for a worker more, -1 for one fewer, 0 for as it is."""
        self._above = self._above + 1 if signs.wait > UP_SECONDS else 0
        spare = signs.wait <= UP_SECONDS and signs.busy <= DOWN_BUSY * (signs.running - 1)
        self._below = self._below + 1 if spare else 0
        if now - self._changed < COOL_DOWN_SECONDS:
            return 0
        if self._above >= UP_LOOKS and signs.running < self._most:
            return self._change(now, 1)
        if self._below >= DOWN_LOOKS and signs.running > self._least:
            return self._change(now, -1)
        return 0

    def _change(self, now: float, step: int) -> int:
        self._changed = now
        self._above = self._below = 0
        return step
