"""Loaded by Locust beside a locustfile: keeps every request at full precision and obeys tuner over a pipe.

Nothing of tuner imports this folder: importing Locust patches the whole process with gevent. It runs only in
`python -m locust -f recorder.py,LOCUSTFILE --headless`, alone, as master or as worker. Nor does it import anything of
tuner, which that process need not find: Locust puts the folder of this file on the path while it loads it.

Every process with users has a `Tape`; the one with the pipes (RECORDER_PIPES holds their descriptors) has a `Conductor`
that passes commands on to all tapes as Locust messages and puts their replies together.

Commands, one JSON object a line, `do` is one of: `users` (count), `arrivals` (rate, seconds, seed), `open`, `close`,
`flush`, `finish` (drain). Events, one JSON object a line: `spawned` (the first says that Locust is ready, with no
users), `tick`, and a reply with the name of the command. Rows of doubles are written to RECORDER_FOLDER, one file per
stream, and a sample of the answers of the last window, one JSON array a line.

Every time is `time.perf_counter()` of the conductor's machine, the system-wide monotonic clock on Linux, so that tuner
can compare it with its own.

An answer is sampled when its request event has `context={"request_row": N}`: Locust's own way to say something about a
request, here which line of the file of requests was sent.
"""

import gevent  # type: ignore[import-untyped]
from _conductor import Conductor
from _tape import Tape
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner


def start(environment: Environment, runner: Runner, **_: object) -> None:
    """Begin to record and to obey; Locust itself starts with no users (`--users 0`)."""
    if not isinstance(runner, MasterRunner):
        tape = Tape(runner)
        environment.events.request.add_listener(tape.on_request)
        runner.register_message("record", tape.on_command, concurrent=True)
        gevent.spawn(tape.tick)
    if not isinstance(runner, WorkerRunner):
        conductor = Conductor(runner)
        runner.register_message("recorded", conductor.on_reply)
        runner.register_message("ticked", conductor.on_tick)
        environment.events.spawning_complete.add_listener(conductor.on_spawned)
        gevent.spawn(conductor.obey)
        gevent.spawn(conductor.tick)


events.init.add_listener(start)
