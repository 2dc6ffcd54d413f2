"""What one process with users records."""

import gc
import math
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
import psutil
from locust import User
from locust.rpc import Message
from locust.runners import Runner

STREAMS = ("requests", "sessions", "thinks")
NAN = float("nan")
TIMES = ("queue", "batch", "compute", "total")
UNKNOWN = (NAN,) * len(TIMES)
TICK_SECONDS = 0.5
LAG_SECONDS = 0.01
MOST_GARBAGE = 512e6
MOST_ANSWERS = 2000
MOST_ANSWER_BYTES = 8_000_000
BOOT = Path("/proc/sys/kernel/random/boot_id")


def number(text: object) -> float:
    """Read a number from a header; whatever is none is NaN, because no header may cost us a sample."""
    try:
        return float(str(text).strip().strip('"'))
    except ValueError:
        return NAN


def server_timing(headers: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the seconds of `TIMES` from `Server-Timing` headers, NaN where they say nothing."""
    value = headers.get("server-timing") or ""
    found = {}
    for entry in (",".join(value) if isinstance(value, list) else value).split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            if parameter.startswith("dur="):
                found[name] = number(parameter[4:]) / 1000.0
    return tuple(found.get(name, NAN) for name in TIMES)


def in_flight(user_greenlet: gevent.Greenlet) -> Iterator[tuple[float, float]]:
    """Yield (intended, sent) of every request that a user waits for now.

    A user with many requests at once lists them itself, in `in_flight`; any other one is asked where it stands: a pause
    of its own is no request, and Locust's HTTP clients keep the start in a local variable.
    """
    requests = getattr(user_greenlet.args[0], "in_flight", None)
    if requests is not None:
        yield from list(requests.values())
        return
    frame = user_greenlet.gr_frame
    while frame is not None:
        if frame.f_code.co_filename.endswith(("fasthttp.py", "clients.py")):
            start = frame.f_locals.get("start_perf_counter")
            if start is not None:
                yield start, start
                return
        frame = frame.f_back


def percentile(ordered: Sequence[float], per_cent: float) -> float:
    """Return the exact order statistic, as `tuner.statistics.quantiles` defines it, without its imports."""
    return ordered[max(math.ceil(per_cent * len(ordered) / 100), 1) - 1]


def boot_id() -> str:
    """Name this machine since its start: processes that agree share one monotonic clock."""
    return BOOT.read_text().strip() if BOOT.exists() else ""


class Tape:
    """What the users of this process did: rows of doubles per stream, and how late this process itself was."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.rows = {stream: array("d") for stream in STREAMS}
        self.errors = Counter[str]()
        self.answered: dict[int, tuple[float, bytes]] = {}
        self.answered_bytes = 0
        self.latencies: list[float] = []
        self.lags: list[float] = []
        self.shift = 0.0
        self.memory = 0
        self.collected = False
        self.watching: gevent.Greenlet | None = None
        for user_class in runner.environment.user_classes:
            if user_class.wait_time is not User.wait_time:
                user_class.wait_time = self.counted(user_class.wait_time)

    def counted(self, wait_time: Callable[[User], float]) -> Callable[[User], float]:
        """Wrap a user's `wait_time` so that the time it thinks is known."""

        def wait(user: User) -> float:
            seconds = wait_time(user)
            self.rows["thinks"].extend((time.perf_counter() + self.shift, seconds))
            return seconds

        return wait

    def on_request(
        self,
        request_type: str,
        response_time: float | None,
        exception: BaseException | None,
        response: Any = None,
        context: Mapping[str, object] | None = None,
        intended: float | None = None,
        sent: float | None = None,
        end: float | None = None,
        **_: object,
    ) -> None:
        """Keep one request, or one session of several. Who knows no start has it reckoned back from now.

        The event's own `start_time` is wall-clock time, which may jump.
        """
        end = end or time.perf_counter()
        latency = (response_time or 0.0) / 1000.0
        intended = end - latency if intended is None else intended
        sent = intended if sent is None else sent
        ok = exception is None
        if request_type == "SESSION":
            self.rows["sessions"].extend((end + self.shift, latency, ok))
            return
        headers = getattr(response, "headers", None)
        times = UNKNOWN if headers is None else server_timing(headers)
        batch_size = NAN if headers is None else number(headers.get("x-batch-size"))
        shift = self.shift
        self.rows["requests"].extend((intended + shift, sent + shift, end + shift, ok, *times, batch_size))
        self.latencies.append(end - intended)
        if context and ok and self.watching:
            self.sample(context.get("request_row"), response, batch_size)
        if exception is not None:
            self.errors[str(exception)[:200]] += 1

    def sample(self, row: object, response: Any, batch_size: float) -> None:
        """Keep the first answer to each request in a window, as it came: what it says is looked at after the load."""
        if type(row) is not int or row in self.answered or len(self.answered) >= MOST_ANSWERS:
            return
        content = getattr(response, "content", None)
        if isinstance(content, bytes) and self.answered_bytes + len(content) <= MOST_ANSWER_BYTES:
            self.answered[row] = (batch_size, content)
            self.answered_bytes += len(content)

    def tick(self) -> None:
        """Twice a second, say what was just measured: tuner shows it live."""
        while True:
            gevent.sleep(TICK_SECONDS)
            latencies, self.latencies = sorted(self.latencies), []
            p99 = percentile(latencies, 99) if latencies else None
            self.runner.send_message("ticked", {"count": len(latencies), "p99": p99})

    def watch(self) -> None:
        """Measure how late this event loop wakes: its lateness is an error of every latency it reports."""
        checked = 0.0
        while True:
            before = time.perf_counter()
            gevent.sleep(LAG_SECONDS)
            now = time.perf_counter()
            self.lags.append(now - before - LAG_SECONDS)
            if now - checked > TICK_SECONDS:
                checked = now
                self.watch_memory()

    def watch_memory(self) -> None:
        """Collect garbage after all where it would fill the memory; the pause is then told as one."""
        if not gc.isenabled() and psutil.Process().memory_info().rss - self.memory > MOST_GARBAGE:
            self.collected = True
            gc.enable()

    def on_command(self, msg: Message, **_: object) -> None:
        """Carry out a command of the conductor, and reply."""
        command = msg.data
        # Another machine's clock has another zero: what is told is told in the conductor's time.
        self.shift = 0.0 if command["boot"] == boot_id() else command["now"] - time.perf_counter()
        reply = getattr(self, f"do_{command['do']}")(command)
        self.runner.send_message("recorded", {"do": command["do"], **(reply or {})})

    def do_prepare(self, _: Mapping[str, Any]) -> None:
        """Collect garbage before the load: a full collection pauses every user, so none comes inside a window."""
        if not gc.isenabled():
            return
        gc.collect()
        gc.freeze()
        gc.disable()
        self.collected = False
        self.memory = psutil.Process().memory_info().rss

    def do_open(self, _: Mapping[str, Any]) -> None:
        """Begin to watch this process, and to sample answers."""
        self.lags.clear()
        self.answered, self.answered_bytes = {}, 0
        self.watching = gevent.spawn(self.watch)

    def do_close(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """End what `do_open` began, and say how late this process was meanwhile."""
        assert self.watching is not None
        self.watching.kill()
        self.watching = None
        gc.enable()
        return {"lags": self.lags, "collected": self.collected}

    def do_flush(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """Hand over the rows so far."""
        rows, self.rows = self.rows, {stream: array("d") for stream in STREAMS}
        return {"rows": {stream: values.tobytes() for stream, values in rows.items()}}

    def do_finish(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Let running requests end, and keep those that do not as without an end."""
        greenlets = self.runner.user_greenlets
        for greenlet in list(greenlets):
            greenlet.args[0].stop(force=False)
        with gevent.Timeout(command["drain"], False):
            greenlets.join()
        for intended, sent in (request for greenlet in greenlets for request in in_flight(greenlet)):
            self.rows["requests"].extend((intended + self.shift, sent + self.shift, math.inf, 0.0, *UNKNOWN, NAN))
        answered = [[row, size, text.decode(errors="replace")] for row, (size, text) in self.answered.items()]
        return {**self.do_flush(command), "errors": dict(self.errors.most_common(5)), "answered": answered}
