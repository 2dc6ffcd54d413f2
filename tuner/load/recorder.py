"""Loaded by Locust beside a locustfile: keeps every request at full precision and obeys tuner over a pipe.

Nothing imports this module: importing Locust patches the whole process with gevent. It runs only in
`python -m locust -f recorder.py,LOCUSTFILE --headless`, with the descriptors of two pipes in RECORDER_PIPES.
Commands, one a line: `users N`, `open`, `close`, `finish SECONDS`. Events, one JSON object a line: `spawned` (the
first says that Locust is ready, with no users), `tick`, `opened`, `closed`, `finished`. Every time is
`time.perf_counter()`, the system-wide monotonic clock on Linux, so that tuner can compare it with its own.
"""

import gc
import json
import math
import os
import time
from array import array
from collections import Counter

import gevent
from gevent.fileobject import FileObject
from locust import User, events

COLUMNS = ("start", "latency", "ok", "queue", "compute", "batch_size")
NAN = float("nan")
TICK_SECONDS = 0.5
LAG_SECONDS = 0.01


def number(text):
    """Read a number from a header; whatever is none is NaN, because no header may cost us a sample."""
    try:
        return float(str(text).strip().strip('"'))
    except ValueError:
        return NAN


def server_timing(headers):
    """Return (queue, compute) in seconds from `Server-Timing` headers, NaN where they say nothing."""
    value = headers.get("server-timing") or ""
    found = {}
    for entry in (",".join(value) if isinstance(value, list) else value).split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            if parameter.startswith("dur="):
                found[name] = number(parameter[4:]) / 1000.0
    return found.get("queue", NAN), found.get("compute", NAN)


def in_request(greenlet):
    """Whether a user waits inside Locust's HTTP client now, and not in a pause of its own."""
    frame = greenlet.gr_frame
    while frame is not None:
        if frame.f_code.co_filename.endswith(("fasthttp.py", "clients.py")):
            return True
        frame = frame.f_back
    return False


def percentile(ordered, per_cent):
    """Return the exact order statistic, as `tuner.statistics.quantiles` defines it, without its imports."""
    return ordered[max(math.ceil(per_cent * len(ordered) / 100), 1) - 1]


class Recorder:
    """Samples as rows of doubles, the window that is open, and how late this process itself is."""

    def __init__(self, environment):
        self.environment = environment
        self.rows = array("d")
        self.errors = Counter()
        self.ticked = 0
        self.lags = []
        self.opened = 0.0
        commands, out = (int(text) for text in os.environ["RECORDER_PIPES"].split(","))
        self.commands = FileObject(commands, "rb", 0)
        self.out = FileObject(out, "wb", 0)

    def emit(self, event, **content):
        self.out.write(json.dumps({"event": event, "time": time.perf_counter(), **content}).encode() + b"\n")

    def on_request(self, response_time, exception, response=None, **_):
        """Keep one request. The start is reckoned back from now: the event's own start is wall-clock time."""
        latency = (response_time or 0.0) / 1000.0
        headers = getattr(response, "headers", None)
        queue, compute = NAN, NAN
        batch_size = NAN
        if headers is not None:
            queue, compute = server_timing(headers)
            batch_size = number(headers.get("x-batch-size"))
        self.rows.extend((time.perf_counter() - latency, latency, exception is None, queue, compute, batch_size))
        if exception is not None:
            self.errors[str(exception)[:200]] += 1

    def tick(self):
        """Twice a second, say what was just measured: tuner shows it live."""
        while True:
            gevent.sleep(TICK_SECONDS)
            latencies = sorted(self.rows[self.ticked + 1 :: len(COLUMNS)])
            self.ticked = len(self.rows)
            p99 = percentile(latencies, 99) if latencies else None
            self.emit("tick", throughput=len(latencies) / TICK_SECONDS, p99=p99)

    def watch_lag(self):
        """Measure how late this event loop wakes: its lateness is an error of every latency it reports."""
        while True:
            before = time.perf_counter()
            gevent.sleep(LAG_SECONDS)
            # A sleep that began before the window would count the collection that opens it.
            if before >= self.opened:
                self.lags.append(time.perf_counter() - before - LAG_SECONDS)

    def obey(self):
        """Carry out commands until tuner closes the pipe."""
        for line in self.commands:
            command, *arguments = line.decode().split()
            getattr(self, f"do_{command}")(*arguments)
        self.environment.runner.quit()

    def do_users(self, count):
        # One user a millisecond at most; Locust warns above 100 a second because of slow starts of real users.
        self.environment.runner.start(int(count), spawn_rate=1000)

    def do_open(self):
        # A full collection of Locust's garbage pauses every user for tens of milliseconds: none inside the window.
        gc.collect()
        gc.freeze()
        gc.disable()
        self.lags.clear()
        self.opened = time.perf_counter()
        self.emit("opened")

    def do_close(self):
        gc.enable()
        self.emit(
            "closed", users=self.environment.runner.user_count, lag_p99=percentile(sorted(self.lags) or [0.0], 99)
        )

    def do_finish(self, seconds):
        """Let running requests end, count those that do not, and hand the samples over."""
        runner = self.environment.runner
        for greenlet in list(runner.user_greenlets):
            greenlet.args[0].stop(force=False)
        runner.user_greenlets.join(timeout=float(seconds))
        unfinished = sum(map(in_request, runner.user_greenlets))
        with open(os.environ["RECORDER_SAMPLES"], "wb") as file:
            self.rows.tofile(file)
        self.emit("finished", unfinished=unfinished, errors=self.errors.most_common(5))
        runner.quit()


@events.init.add_listener
def start(environment, **_):
    """Begin to record and to obey; Locust itself starts with no users (`--users 0`)."""
    recorder = Recorder(environment)
    environment.events.request.add_listener(recorder.on_request)
    for greenlet in (recorder.obey, recorder.tick, recorder.watch_lag):
        gevent.spawn(greenlet)
    thinks = any(user.wait_time is not User.wait_time for user in environment.user_classes)
    environment.events.spawning_complete.add_listener(lambda **_: recorder.emit("spawned", thinks=thinks))
