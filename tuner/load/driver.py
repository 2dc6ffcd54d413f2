"""Locust as a child process, steered over two pipes: users up, window open, window closed, samples back."""

import json
import os
import select
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tuner.errors import TunerError
from tuner.load.samples import Samples, read_raw
from tuner.target.process import SupervisedProcess, log_tail

_RECORDER = Path(__file__).with_name("recorder.py")
_ANSWER_SECONDS = 30.0
_POLL_SECONDS = 0.1


class LoadError(TunerError):
    """The load process is gone or does not answer."""

    exit_code = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One measured stretch of time, in seconds of the monotonic clock, and how late the load process was in it."""

    users: int
    opened: float
    closed: float
    lag_p99: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.closed - self.opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Everything that the load process brought back.

    `errors` are the commonest messages with their counts; `thinks` says whether users wait between requests.
    """

    samples: Samples
    unfinished: int
    errors: tuple[tuple[str, int], ...]
    thinks: bool


def _without_locust_settings(env: Mapping[str, str]) -> dict[str, str]:
    """Leave out the LOCUST_* variables of a person's own runs: a run time or a tag would change the measurement."""
    return {name: value for name, value in env.items() if not name.startswith("LOCUST_")}


class LoadProcess:
    """One Locust child for all levels of a launch; leaving the `with` block ends it.

    `watch` is called while we wait: it raises when going on makes no sense, because the server is gone. `on_tick` is
    told the throughput and the p99 of each half second, for people to watch; they are never part of a result.
    """

    def __init__(
        self,
        locustfile: Path,
        url: str,
        folder: Path,
        *,
        env: Mapping[str, str],
        watch: Callable[[], None],
        on_tick: Callable[[float, float | None], None],
    ) -> None:
        self.watch = watch
        self._on_tick = on_tick
        folder = folder.resolve()
        self._samples = folder / "samples.raw"
        self._log = folder / "locust.log"
        self._buffer = b""
        self._thinks = False
        commands, self._commands = os.pipe()
        self._events, out = os.pipe()
        pipes = {"RECORDER_PIPES": f"{commands},{out}", "RECORDER_SAMPLES": str(self._samples)}
        argv = [sys.executable, "-m", "locust", "-f", f"{_RECORDER},{locustfile}", "--headless", "--users", "0"]
        try:
            self.process = SupervisedProcess(
                [*argv, "--host", url, "--only-summary", "--loglevel", "WARNING"],
                env={**_without_locust_settings(os.environ), **env, **pipes},
                workdir=folder,
                log=self._log,
                stop_seconds=1.0,
                descriptors=(commands, out),
            )
        finally:
            os.close(commands)
            os.close(out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._commands)
        os.close(self._events)
        self.process.stop()

    def wait_ready(self) -> None:
        """Wait until Locust has loaded everything."""
        self._thinks = bool(self._expect("spawned")["thinks"])

    def users(self, count: int) -> None:
        """Raise the number of users and wait until all of them run."""
        self._command(f"users {count}")
        self._expect("spawned")

    def run_for(self, seconds: float) -> None:
        """Let the load run."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._next(min(left, _POLL_SECONDS))

    def window(self, users: int, seconds: float) -> Window:
        """Measure for `seconds`."""
        self._command("open")
        opened = self._expect("opened")["time"]
        self.run_for(seconds)
        self._command("close")
        closed = self._expect("closed")
        if closed["users"] != users:
            raise LoadError(f"{closed['users']} of {users} users were left: the locustfile stops its users")
        return Window(users=users, opened=opened, closed=closed["time"], lag_p99=closed["lag_p99"])

    def finish(self, drain: float) -> Recording:
        """Stop the users, wait at most `drain` seconds for running requests, and take the samples."""
        self._command(f"finish {drain}")
        finished = self._expect("finished", _ANSWER_SECONDS + drain)
        samples = read_raw(self._samples)
        self._samples.unlink()
        errors = tuple((str(message), int(count)) for message, count in finished["errors"])
        return Recording(samples=samples, unfinished=int(finished["unfinished"]), errors=errors, thinks=self._thinks)

    def _command(self, text: str) -> None:
        with suppress(BrokenPipeError):
            os.write(self._commands, f"{text}\n".encode())

    def _expect(self, name: str, timeout: float = _ANSWER_SECONDS) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            event = self._next(_POLL_SECONDS)
            if event is not None and event["event"] == name:
                return event
        raise LoadError(f"Locust did not say {name!r} within {timeout:.0f} s; see {self._log}")

    def _next(self, timeout: float) -> dict[str, Any] | None:
        """Read one event, or none within `timeout` seconds; checks that both sides still live."""
        if b"\n" not in self._buffer:
            readable, _, _ = select.select([self._events], [], [], timeout)
            if not readable:
                self.watch()
                return None
            received = os.read(self._events, 65_536)
            if not received:
                tail = "; ".join(log_tail(self._log, 2)) or "it wrote nothing"
                raise LoadError(f"Locust ended ({self.process.kill()}): {tail}")
            self._buffer += received
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            return None
        self._buffer = rest
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "tick":
            self._on_tick(event["throughput"], event["p99"])
        return event
