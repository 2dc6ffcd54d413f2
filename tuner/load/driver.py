"""Locust as child processes, steered over two pipes: load on, window open, window closed, samples back."""

import json
import os
import select
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tuner.errors import TunerError
from tuner.load.samples import SESSION, THINK, Answered, Samples, read_answered, read_raw
from tuner.study.workload import Load, Loop
from tuner.target.launch import free_port
from tuner.target.process import SupervisedProcess, log_tail
from tuner.units import parse_address

_RECORDER = Path(__file__).with_name("recorder") / "recorder.py"
_ANSWER_SECONDS = 30.0
_CREW_SECONDS = 600.0
_POLL_SECONDS = 0.1


class LoadError(TunerError):
    """The load process is gone or does not answer."""

    exit_code = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One measured stretch of time, in seconds of the monotonic clock, and how the load process fared in it.

    It woke `lag_p99` and at most `lag_most` seconds late; `collected` says that garbage had to be collected after all.
    """

    load: Load
    opened: float
    closed: float
    lag_p99: float
    lag_most: float
    collected: bool

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.closed - self.opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Everything that the load process brought back.

    `sessions` and `thinks` are rows of `SESSION` and `THINK`; `errors` are the commonest messages with their counts;
    `answered` is a sample of the answers that were given in the last window.
    """

    samples: Samples
    sessions: Samples
    thinks: Samples
    errors: tuple[tuple[str, int], ...]
    answered: tuple[Answered, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """The processes that make the load: how many, and on which cores, None for all.

    With `master`, an address such as `0.0.0.0:5557`, they are started by somebody else, on other machines, and wait
    there for us; otherwise we start them.
    """

    processes: int = 1
    cores: tuple[int, ...] | None = None
    master: str | None = None

    @property
    def alone(self) -> bool:
        """Whether one process makes the load, without a master."""
        return self.processes == 1 and self.master is None

    @property
    def workers_here(self) -> int:
        """How many workers are ours to start."""
        return 0 if self.alone or self.master is not None else self.processes

    def address(self) -> tuple[str, str]:
        """Return where workers find the master: host and port."""
        return parse_address(self.master or f"127.0.0.1:{free_port()}")


ALONE = Crew()


def locust_command(locustfile: Path, *arguments: str) -> list[str]:
    """Return the command of a Locust that records what a locustfile's users do."""
    files = f"{_RECORDER},{locustfile}"
    return [sys.executable, "-m", "locust", "-f", files, "--headless", "--loglevel", "WARNING", *arguments]


def locust_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return our environment and `env`, without the LOCUST_* variables of a person's own runs.

    A run time or a tag among them would change the measurement.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    return {**own, **env}


class LoadProcess:
    """One Locust, alone or a master with its workers, for all levels of a launch; leaving the `with` block ends it.

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
        crew: Crew = ALONE,
    ) -> None:
        self.watch = watch
        self._on_tick = on_tick
        self._folder = folder.resolve()
        self._crew = crew
        self._log = self._folder / "locust.log"
        self._env = locust_environment(env)
        self._buffer = b""
        self._ended = False
        self._raw = [self._folder / f"{stream}.raw" for stream in ("requests", "sessions", "thinks")]
        self._answered = self._folder / "answered.jsonl"
        self._forget()
        commands, self._commands = os.pipe()
        self._events, out = os.pipe()
        pipes = {"RECORDER_PIPES": f"{commands},{out}", "RECORDER_FOLDER": str(self._folder)}
        host, port = crew.address()
        bind = ("--master-bind-host", host, "--master-bind-port", port, "--expect-workers", str(crew.processes))
        role = () if crew.alone else ("--master", *bind)
        own = locust_command(locustfile, "--users", "0", "--only-summary", "--host", url, *role)
        worker = locust_command(locustfile, "--worker", "--master-host", host, "--master-port", port)
        with ExitStack() as undo:
            undo.callback(os.close, self._commands)
            undo.callback(os.close, self._events)
            try:
                self.process = undo.enter_context(self._start(own, {**self._env, **pipes}, (commands, out)))
            finally:
                os.close(commands)
                os.close(out)
            self.workers = [undo.enter_context(self._start(worker, self._env)) for _ in range(crew.workers_here)]
            self._undo = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _start(self, argv: Sequence[str], env: Mapping[str, str], pipes: Sequence[int] = ()) -> SupervisedProcess:
        return SupervisedProcess(
            argv,
            env=env,
            workdir=self._folder,
            log=self._log,
            stop_seconds=1.0,
            descriptors=pipes,
            cores=self._crew.cores,
        )

    @property
    def processes(self) -> tuple[SupervisedProcess, ...]:
        """All that make the load on this machine."""
        return (self.process, *self.workers)

    def wait_ready(self) -> None:
        """Wait until Locust has loaded everything, and all of its workers are there; for others' to come, for long."""
        try:
            self._expect("spawned", _ANSWER_SECONDS if self._crew.master is None else _CREW_SECONDS)
        except LoadError as error:
            if self._crew.master is None or not self.process.running:
                raise
            wanted = f"start {self._crew.processes} of them: tuner worker {self._crew.master}"
            raise LoadError(f"not all load processes came within {_CREW_SECONDS:.0f} s; {wanted} ({error})") from None

    def drive(self, load: Load, seconds: float, seed: Sequence[int]) -> None:
        """Put a load on: raise the number of users, or start a seeded schedule of arrivals for so many seconds."""
        if load.loop is Loop.CLOSED:
            self._command("users", count=load.users)
            self._expect("spawned")
        else:
            self._command("arrivals", rate=load.rate, seconds=seconds, seed=list(seed))
            self._expect("arrivals")

    def run_for(self, seconds: float) -> None:
        """Let the load run."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._next(min(left, _POLL_SECONDS))

    def open(self) -> float:
        """Begin to measure; return when."""
        self._command("open")
        opened: float = self._expect("open")["opened"]
        return opened

    def close(self, load: Load, opened: float) -> Window:
        """End what `open` began."""
        self._command("close")
        closed = self._expect("close")
        if load.loop is Loop.CLOSED and closed["users"] != load.users:
            raise LoadError(f"{closed['users']} of {load.users} users were left: the locustfile stops its users")
        return Window(
            load=load,
            opened=opened,
            closed=closed["closed"],
            lag_p99=max(closed["lags"][::2]),
            lag_most=max(closed["lags"][1::2]),
            collected=closed["collected"],
        )

    def samples(self) -> Samples:
        """Return the requests that ended so far."""
        self._command("flush")
        self._expect("flush")
        return read_raw(self._raw[0])

    def finish(self, drain: float) -> Recording:
        """Stop the load, wait at most `drain` seconds for running requests, and take everything."""
        self._command("finish", drain=drain)
        finished = self._expect("finish", _ANSWER_SECONDS + drain)
        self._ended = True
        recording = Recording(
            samples=read_raw(self._raw[0]),
            sessions=read_raw(self._raw[1], SESSION),
            thinks=read_raw(self._raw[2], THINK),
            errors=tuple((str(message), int(count)) for message, count in finished["errors"]),
            answered=read_answered(self._answered),
        )
        self._forget()
        return recording

    def _forget(self) -> None:
        """Delete the rows on disk: those of an earlier, interrupted launch are not ours."""
        for path in (*self._raw, self._answered):
            path.unlink(missing_ok=True)

    def _command(self, do: str, **content: object) -> None:
        with suppress(BrokenPipeError):
            os.write(self._commands, json.dumps({"do": do, **content}).encode() + b"\n")

    def _expect(self, name: str, timeout: float = _ANSWER_SECONDS) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            event = self._next(_POLL_SECONDS)
            if event is not None and event["event"] == name:
                if (tapes := event.get("tapes", self._crew.processes)) != self._crew.processes:
                    raise LoadError(f"{tapes} load processes answer, and not {self._crew.processes}")
                return event
        raise LoadError(f"Locust did not say {name!r} within {timeout:.0f} s; see {self._log}")

    def _next(self, timeout: float) -> dict[str, Any] | None:
        """Read one event, or none within `timeout` seconds; checks that all sides still live."""
        if b"\n" not in self._buffer:
            readable, _, _ = select.select([self._events], [], [], timeout)
            if not readable:
                self.watch()
                self._watch_workers()
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

    def _watch_workers(self) -> None:
        """Notice a load process that is gone: Locust itself would go on without it."""
        if not self._ended and any(not worker.running for worker in self.workers):
            gone = [worker.ending() for worker in self.workers if not worker.running]
            tail = "; ".join(log_tail(self._log, 2))
            raise LoadError(f"{len(gone)} of {len(self.workers)} load processes ended ({gone[0]}): {tail}")
