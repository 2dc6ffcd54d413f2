"""Loaded by Locust beside a locustfile: keeps every request at full precision and obeys tuner over a pipe.

Nothing imports this module: importing Locust patches the whole process with gevent. It runs only in
`python -m locust -f recorder.py,LOCUSTFILE --headless`, alone, as master or as worker. Every process with users has a
`Tape`; the one with the pipes (RECORDER_PIPES holds their descriptors) has a `Conductor` that passes commands on to
all tapes as Locust messages and puts their replies together.

Commands, one JSON object a line, `do` is one of: `users` (count), `arrivals` (rate, seconds, seed), `open`, `close`,
`flush`, `finish` (drain). Events, one JSON object a line: `spawned` (the first says that Locust is ready, with no
users), `tick`, and a reply with the name of the command. Rows of doubles are written to RECORDER_FOLDER, one file per
stream, and a sample of the answers of the last window, one JSON array a line.

Every time is `time.perf_counter()` of the conductor's machine, the system-wide monotonic clock on Linux, so that tuner
can compare it with its own.

An answer is sampled when its request event has `context={"request_row": N}`: Locust's own way to say something about a
request, here which line of the file of requests was sent.
"""

import gc
import json
import math
import os
import time
from array import array
from collections import Counter
from contextlib import suppress
from pathlib import Path

import gevent
import psutil
from gevent.event import Event
from gevent.fileobject import FileObject
from locust import User, events
from locust.runners import MasterRunner, WorkerRunner

STREAMS = ("requests", "sessions", "thinks")
NAN = float("nan")
TIMES = ("queue", "batch", "compute", "total")
UNKNOWN = (NAN,) * len(TIMES)
TICK_SECONDS = 0.5
LAG_SECONDS = 0.01
ANSWER_SECONDS = 20.0
MOST_GARBAGE = 512e6
MOST_ANSWERS = 2000
MOST_ANSWER_BYTES = 8_000_000
BOOT = Path("/proc/sys/kernel/random/boot_id")


def number(text):
    """Read a number from a header; whatever is none is NaN, because no header may cost us a sample."""
    try:
        return float(str(text).strip().strip('"'))
    except ValueError:
        return NAN


def server_timing(headers):
    """Return the seconds of `TIMES` from `Server-Timing` headers, NaN where they say nothing."""
    value = headers.get("server-timing") or ""
    found = {}
    for entry in (",".join(value) if isinstance(value, list) else value).split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            if parameter.startswith("dur="):
                found[name] = number(parameter[4:]) / 1000.0
    return tuple(found.get(name, NAN) for name in TIMES)


def in_flight(user_greenlet):
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


def percentile(ordered, per_cent):
    """Return the exact order statistic, as `tuner.statistics.quantiles` defines it, without its imports."""
    return ordered[max(math.ceil(per_cent * len(ordered) / 100), 1) - 1]


def boot_id():
    """Name this machine since its start: processes that agree share one monotonic clock."""
    return BOOT.read_text().strip() if BOOT.exists() else ""


class Tape:
    """What the users of this process did: rows of doubles per stream, and how late this process itself was."""

    def __init__(self, environment):
        self.environment = environment
        self.rows = {stream: array("d") for stream in STREAMS}
        self.errors = Counter()
        self.answered, self.answered_bytes = {}, 0
        self.latencies = []
        self.lags = []
        self.shift = 0.0
        self.memory = 0
        self.collected = False
        self.watching = None
        for user_class in environment.user_classes:
            if user_class.wait_time is not User.wait_time:
                user_class.wait_time = self.counted(user_class.wait_time)

    def counted(self, wait_time):
        """Wrap a user's `wait_time` so that the time it thinks is known."""

        def wait(user):
            seconds = wait_time(user)
            self.rows["thinks"].extend((time.perf_counter() + self.shift, seconds))
            return seconds

        return wait

    def on_request(
        self, request_type, response_time, exception, response=None, context=None,
        intended=None, sent=None, end=None, **_
    ):  # fmt: skip
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

    def sample(self, row, response, batch_size):
        """Keep the first answer to each request in a window, as it came: what it says is looked at after the load."""
        if type(row) is not int or row in self.answered or len(self.answered) >= MOST_ANSWERS:
            return
        content = getattr(response, "content", None)
        if isinstance(content, bytes) and self.answered_bytes + len(content) <= MOST_ANSWER_BYTES:
            self.answered[row] = (batch_size, content)
            self.answered_bytes += len(content)

    def tick(self):
        """Twice a second, say what was just measured: tuner shows it live."""
        while True:
            gevent.sleep(TICK_SECONDS)
            latencies, self.latencies = sorted(self.latencies), []
            p99 = percentile(latencies, 99) if latencies else None
            self.environment.runner.send_message("ticked", {"count": len(latencies), "p99": p99})

    def watch(self):
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

    def watch_memory(self):
        """Collect garbage after all where it would fill the memory; the pause is then told as one."""
        if not gc.isenabled() and psutil.Process().memory_info().rss - self.memory > MOST_GARBAGE:
            self.collected = True
            gc.enable()

    def on_command(self, msg, **_):
        """Carry out a command of the conductor, and reply."""
        command = msg.data
        # Another machine's clock has another zero: what is told is told in the conductor's time.
        self.shift = 0.0 if command["boot"] == boot_id() else command["now"] - time.perf_counter()
        reply = getattr(self, f"do_{command['do']}")(command)
        self.environment.runner.send_message("recorded", {"do": command["do"], **(reply or {})})

    def do_prepare(self, _):
        """Collect garbage before the load: a full collection pauses every user, so none comes inside a window."""
        if not gc.isenabled():
            return
        gc.collect()
        gc.freeze()
        gc.disable()
        self.collected = False
        self.memory = psutil.Process().memory_info().rss

    def do_open(self, _):
        self.lags.clear()
        self.answered, self.answered_bytes = {}, 0
        self.watching = gevent.spawn(self.watch)

    def do_close(self, _):
        self.watching.kill()
        self.watching = None
        gc.enable()
        return {"lags": self.lags, "collected": self.collected}

    def do_flush(self, _):
        """Hand over the rows so far."""
        rows, self.rows = self.rows, {stream: array("d") for stream in STREAMS}
        return {"rows": {stream: values.tobytes() for stream, values in rows.items()}}

    def do_finish(self, command):
        """Let running requests end, and keep those that do not as without an end."""
        greenlets = self.environment.runner.user_greenlets
        for greenlet in list(greenlets):
            greenlet.args[0].stop(force=False)
        with gevent.Timeout(command["drain"], False):
            greenlets.join()
        for intended, sent in (request for greenlet in greenlets for request in in_flight(greenlet)):
            self.rows["requests"].extend((intended + self.shift, sent + self.shift, math.inf, 0.0, *UNKNOWN, NAN))
        answered = [[row, size, text.decode(errors="replace")] for row, (size, text) in self.answered.items()]
        return {**self.do_flush(command), "errors": dict(self.errors.most_common(5)), "answered": answered}


class Conductor:
    """Takes tuner's commands from a pipe, has all tapes carry them out, and tells tuner what came of it."""

    def __init__(self, environment):
        self.environment = environment
        commands, out = (int(text) for text in os.environ["RECORDER_PIPES"].split(","))
        self.commands = FileObject(commands, "rb", 0)
        self.out = FileObject(out, "wb", 0)
        self.folder = Path(os.environ["RECORDER_FOLDER"])
        self.replies, self.asked = [], ""
        self.replied = Event()
        self.ticks = {}

    @property
    def tapes(self):
        """How many processes record: this one, or every worker that is not missing."""
        runner = self.environment.runner
        if not isinstance(runner, MasterRunner):
            return 1
        return len(runner.clients.ready) + len(runner.clients.spawning) + len(runner.clients.running)

    def emit(self, event, **content):
        with suppress(BrokenPipeError):  # tuner ends when it has what it wants
            self.out.write(json.dumps({"event": event, **content}).encode() + b"\n")

    def on_spawned(self, **_):
        self.emit("spawned", tapes=self.tapes)

    def on_tick(self, msg, **_):
        self.ticks[msg.node_id] = msg.data

    def tick(self):
        """Twice a second, pass on what all processes measured together."""
        while True:
            gevent.sleep(TICK_SECONDS)
            ticks, self.ticks = list(self.ticks.values()), {}
            p99 = max((one["p99"] for one in ticks if one["p99"] is not None), default=None)
            self.emit("tick", throughput=sum(one["count"] for one in ticks) / TICK_SECONDS, p99=p99)

    def on_reply(self, msg, **_):
        if msg.data["do"] != self.asked:
            return  # too late: an answer to what was asked before
        self.replies.append(msg.data)
        if len(self.replies) >= self.tapes:
            self.replied.set()

    def ask(self, do, **content):
        """Have every tape carry out a command; return the replies and when it was sent."""
        self.replies, self.asked = [], do
        self.replied.clear()
        now = time.perf_counter()
        self.environment.runner.send_message("record", {"do": do, "now": now, "boot": boot_id(), **content})
        self.replied.wait(ANSWER_SECONDS + content.get("drain", 0.0))
        return self.replies, now

    def obey(self):
        """Carry out commands until tuner closes the pipe."""
        for line in self.commands:
            command = json.loads(line)
            getattr(self, f"do_{command.pop('do')}")(**command)
        self.environment.runner.quit()

    def do_users(self, count):
        self.ask("prepare")
        # One user a millisecond at most; Locust warns above 100 a second because of slow starts of real users.
        self.environment.runner.start(count, spawn_rate=1000)

    def do_arrivals(self, rate, seconds, seed):
        """Start one user a process that sends at its schedule; where it runs already, give it another schedule."""
        runner = self.environment.runner
        self.ask("prepare")
        if runner.user_count == 0:
            runner.start(self.tapes, spawn_rate=1000)
            while runner.user_count < self.tapes:
                gevent.sleep(0.01)
        message = {"rate": rate, "seconds": seconds, "seed": seed, "share": self.tapes}
        runner.send_message("arrivals", message)
        self.emit("arrivals")

    def do_open(self):
        replies, now = self.ask("open")
        self.emit("open", opened=now, tapes=len(replies))

    def do_close(self):
        replies, now = self.ask("close")
        self.emit(
            "close",
            closed=now,
            tapes=len(replies),
            users=self.environment.runner.user_count,
            lags=[percentile(sorted(one["lags"]) or [0.0], per_cent) for one in replies for per_cent in (99, 100)],
            collected=any(one["collected"] for one in replies),
        )

    def do_flush(self):
        replies, _ = self.ask("flush")
        self.write(replies)
        self.emit("flush", tapes=len(replies))

    def do_finish(self, drain):
        replies, _ = self.ask("finish", drain=drain)
        self.write(replies)
        with open(self.folder / "answered.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for reply in replies for one in reply["answered"])
        errors = sum((Counter(one["errors"]) for one in replies), Counter())
        self.emit("finish", tapes=len(replies), errors=errors.most_common(5))
        self.environment.runner.quit()

    def write(self, replies):
        for stream in STREAMS:
            with open(self.folder / f"{stream}.raw", "ab") as file:
                file.writelines(one["rows"][stream] for one in replies)


@events.init.add_listener
def start(environment, runner, **_):
    """Begin to record and to obey; Locust itself starts with no users (`--users 0`)."""
    if not isinstance(runner, MasterRunner):
        tape = Tape(environment)
        environment.events.request.add_listener(tape.on_request)
        runner.register_message("record", tape.on_command, concurrent=True)
        gevent.spawn(tape.tick)
    if not isinstance(runner, WorkerRunner):
        conductor = Conductor(environment)
        runner.register_message("recorded", conductor.on_reply)
        runner.register_message("ticked", conductor.on_tick)
        environment.events.spawning_complete.add_listener(conductor.on_spawned)
        gevent.spawn(conductor.obey)
        gevent.spawn(conductor.tick)
