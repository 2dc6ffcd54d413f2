"""The server of one trial, kept for the next one: which configurations it takes while it runs, and that it goes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tuner.study.space import Configuration
from tuner.study.trial import DoubtKind, Measurement
from tuner.target.launch import Launch
from tuner.target.process import SupervisedProcess
from tuner.target.spec import Target

_UNHEALTHY = {DoubtKind.PROCESS_LOST, DoubtKind.UNFINISHED}
"""Doubts about a measurement after which the next one must not begin with the same server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that is ready: how and by which trial it was launched, and which configuration it runs now."""

    process: SupervisedProcess
    launch: Launch
    log: Path
    configuration: Configuration
    trial: int | None
    nonce_seen: bool

    def takes(self, target: Target, configuration: Configuration) -> bool:
        """Whether the server can go over to `configuration` without a restart."""
        hot = target.hot.knobs if target.hot else ()
        return self.process.running and all(
            name in hot for name, value in configuration.items() if value != self.configuration.get(name)
        )


class Keeper:
    """Keeps at most one server, from the end of a trial to the next; leaving the `with` block stops it."""

    def __init__(self) -> None:
        self._kept: Server | None = None
        self._leaving: SupervisedProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dismiss()
        self.wait()

    def keep(self, server: Server) -> None:
        """Take over a server that works, instead of stopping it."""
        self._kept = server

    def take(self, target: Target, configuration: Configuration) -> Server | None:
        """Hand over the server that is kept, if it takes `configuration` while it runs: the caller has to stop it."""
        kept = self._kept
        if kept is None or not kept.takes(target, configuration):
            return None
        self._kept = None
        return kept

    def dismiss(self) -> None:
        """Ask the server that is kept to terminate, and do not wait for it."""
        if self._kept is not None:
            self._leaving, self._kept = self._kept.process, None
            self._leaving.ask_to_stop()

    def wait(self) -> None:
        """Wait until the server that was dismissed is gone, and kill it when it does not go."""
        if self._leaving is not None:
            self._leaving.stop()
            self._leaving = None


def is_healthy(found: Measurement) -> bool:
    """Whether nothing in a measurement says that its server lost a process or still works on old requests."""
    return not _UNHEALTHY & {doubt.kind for doubt in found.doubts}


@contextmanager
def copied(log: Path, copy: Path) -> Iterator[None]:
    """Copy what a server writes to its log in the meantime: to the trial that it happens in, this is the log."""
    begin = log.stat().st_size
    try:
        yield
    finally:
        with log.open("rb") as written, copy.open("wb") as part:
            written.seek(begin)
            shutil.copyfileobj(written, part)
