"""Who passes tuner's commands on to all tapes and puts their replies together."""

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from _tape import STREAMS, TICK_SECONDS, boot_id, percentile
from gevent.event import Event  # type: ignore[import-untyped]
from gevent.fileobject import FileObject  # type: ignore[import-untyped]
from locust.rpc import Message
from locust.runners import MasterRunner, Runner

ANSWER_SECONDS = 20.0

Reply = dict[str, Any]
"""What a tape sends: with the name of the command that it answers, or a tick."""


class Conductor:
    """Takes tuner's commands from a pipe, has all tapes carry them out, and tells tuner what came of it."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        commands, out = (int(text) for text in os.environ["RECORDER_PIPES"].split(","))
        self.commands = FileObject(commands, "rb", 0)
        self.out = FileObject(out, "wb", 0)
        self.folder = Path(os.environ["RECORDER_FOLDER"])
        self.replies: list[Reply] = []
        self.asked = ""
        self.replied = Event()
        self.ticks: dict[str, Reply] = {}

    @property
    def tapes(self) -> int:
        """How many processes record: this one, or every worker that is not missing."""
        if not isinstance(self.runner, MasterRunner):
            return 1
        clients = self.runner.clients
        return len(clients.ready) + len(clients.spawning) + len(clients.running)

    def emit(self, event: str, **content: object) -> None:
        """Tell tuner."""
        with suppress(BrokenPipeError):  # tuner ends when it has what it wants
            self.out.write(json.dumps({"event": event, **content}).encode() + b"\n")

    def on_spawned(self, **_: object) -> None:
        """Say that the users are there, or that Locust is ready."""
        self.emit("spawned", tapes=self.tapes)

    def on_tick(self, msg: Message, **_: object) -> None:
        """Keep the last tick of each tape."""
        self.ticks[msg.node_id] = msg.data

    def tick(self) -> None:
        """Twice a second, pass on what all processes measured together."""
        while True:
            gevent.sleep(TICK_SECONDS)
            ticks, self.ticks = list(self.ticks.values()), {}
            p99 = max((one["p99"] for one in ticks if one["p99"] is not None), default=None)
            self.emit("tick", throughput=sum(one["count"] for one in ticks) / TICK_SECONDS, p99=p99)

    def on_reply(self, msg: Message, **_: object) -> None:
        """Keep a reply to what was asked, until they are complete."""
        if msg.data["do"] != self.asked:
            return  # too late: an answer to what was asked before
        self.replies.append(msg.data)
        if len(self.replies) >= self.tapes:
            self.replied.set()

    def ask(self, do: str, **content: Any) -> tuple[list[Reply], float]:
        """Have every tape carry out a command; return the replies and when it was sent."""
        self.replies, self.asked = [], do
        self.replied.clear()
        now = time.perf_counter()
        self.runner.send_message("record", {"do": do, "now": now, "boot": boot_id(), **content})
        self.replied.wait(ANSWER_SECONDS + content.get("drain", 0.0))
        return self.replies, now

    def obey(self) -> None:
        """Carry out commands until tuner closes the pipe."""
        for line in self.commands:
            command = json.loads(line)
            getattr(self, f"do_{command.pop('do')}")(**command)
        self.runner.quit()

    def do_users(self, count: int) -> None:
        """Have so many users of a closed loop."""
        self.ask("prepare")
        # One user a millisecond at most; Locust warns above 100 a second because of slow starts of real users.
        self.runner.start(count, spawn_rate=1000)

    def do_arrivals(self, rate: float, seconds: float, seed: Sequence[int]) -> None:
        """Start one user a process that sends at its schedule; where it runs already, give it another schedule."""
        self.ask("prepare")
        if self.runner.user_count == 0:
            self.runner.start(self.tapes, spawn_rate=1000)
            while self.runner.user_count < self.tapes:
                gevent.sleep(0.01)
        message = {"rate": rate, "seconds": seconds, "seed": seed, "share": self.tapes}
        self.runner.send_message("arrivals", message)
        self.emit("arrivals")

    def do_open(self) -> None:
        """Begin a window."""
        replies, now = self.ask("open")
        self.emit("open", opened=now, tapes=len(replies))

    def do_close(self) -> None:
        """End a window; say how late each process was, and whether all users are still there."""
        replies, now = self.ask("close")
        self.emit(
            "close",
            closed=now,
            tapes=len(replies),
            users=self.runner.user_count,
            lags=[percentile(sorted(one["lags"]) or [0.0], per_cent) for one in replies for per_cent in (99, 100)],
            collected=any(one["collected"] for one in replies),
        )

    def do_flush(self) -> None:
        """Write the rows so far."""
        replies, _ = self.ask("flush")
        self.write(replies)
        self.emit("flush", tapes=len(replies))

    def do_finish(self, drain: float) -> None:
        """Write all rows and the sampled answers, once running requests had `drain` seconds to end; then leave."""
        replies, _ = self.ask("finish", drain=drain)
        self.write(replies)
        with open(self.folder / "answered.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for reply in replies for one in reply["answered"])
        errors = sum((Counter[str](one["errors"]) for one in replies), Counter[str]())
        self.emit("finish", tapes=len(replies), errors=errors.most_common(5))
        self.runner.quit()

    def write(self, replies: Sequence[Reply]) -> None:
        """Add the rows of all tapes to the files of their streams."""
        for stream in STREAMS:
            with open(self.folder / f"{stream}.raw", "ab") as file:
                file.writelines(one["rows"][stream] for one in replies)
