"""Jobs in a real Redis, started for each test on loopback and gone after it."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import environment, eventually
from prometheus_client import CollectorRegistry
from reference_agent.errors import RequestError, StartError
from reference_agent.jobs import backoff
from reference_agent.jobs.brokers import open_broker
from reference_agent.jobs.callbacks import Callbacks
from reference_agent.jobs.connection import answering
from reference_agent.jobs.hosts import AllowedHosts
from reference_agent.jobs.job import Delivery, Job, done
from reference_agent.jobs.metrics import JobMetrics
from reference_agent.jobs.runner import Runner
from reference_agent.jobs.stream import START, Stream

SECONDS = 15.0
LEASE = 0.3
Run = Callable[[Any], Awaitable[dict[str, Any]]]


class RedisServer:
    """A redis-server that can be stopped and started again on the same port."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        # No persistence: what a test leaves is gone, and a restart finds nothing.
        argv = [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        argv += ["--save", "", "--appendonly", "no", "--logfile", "redis.log"]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        eventually(self._answers)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, *command: str) -> str:
        """Send a command over a connection of its own, and return the beginning of the raw answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(b"*%d\r\n" % len(command))
            for part in command:
                connection.sendall(b"$%d\r\n%s\r\n" % (len(part), part.encode()))
            return connection.recv(4096).decode()

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "redis.log").read_text()
        try:
            return self.ask("PING") == "+PONG\r\n"
        except OSError:
            return False


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    pytest.importorskip("redis")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    server = RedisServer(program, tmp_path)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(backoff, "LONGEST_SECONDS", 0.05)


async def double(request: Any) -> dict[str, Any]:
    return {"double": 2 * request}


async def forever(_request: Any) -> dict[str, Any]:
    await asyncio.Event().wait()
    return {}


def runner_of(url: str, run: Run = double, *, agent: str = "search", **options: Any) -> Runner:
    in_queue = {name: options.pop(name) for name in ("capacity", "ttl", "lease") if name in options}
    broker = open_broker(url, agent=agent, **{"lease": LEASE, **in_queue})
    metrics = JobMetrics(CollectorRegistry())
    return Runner(broker, run, callbacks=Callbacks(AllowedHosts()), metrics=metrics, **options)


def job(name: str, request: Any = 1, callback: str = "") -> Job:
    return Job(id=name, request=json.dumps(request), callback=callback, submitted=time.time())


async def status(runner: Runner, name: str) -> str:
    found = await runner.broker.find(name, 0.0)
    return "unknown" if found is None else found["status"]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await condition():
            await asyncio.sleep(0.01)


def length(redis: RedisServer, agent: str = "search") -> int:
    """How many jobs are unfinished."""
    return int(redis.ask("XLEN", f"reference_agent:jobs:{{{agent}}}:stream")[1:])


def test_a_job_goes_through_redis_and_leaves_only_its_result(redis: RedisServer) -> None:
    async def test() -> None:
        async with runner_of(redis.url) as runner:
            await runner.submit(job("a", 21))
            found = await runner.broker.find("a", SECONDS)
            assert found is not None
            assert (found["status"], found["answer"]) == ("done", {"double": 42})
            assert found["timing"]["queue"] <= found["seconds"]
            assert length(redis) == 0
            assert await runner.broker.find("b", SECONDS) is None
            assert await runner.drain(SECONDS)
        assert "consumers\r\n:0" in redis.ask("XINFO", "GROUPS", "reference_agent:jobs:{search}:stream")

    asyncio.run(test())


def test_a_job_is_queued_then_runs(redis: RedisServer) -> None:
    async def test() -> None:
        async with runner_of(redis.url, forever, concurrency=1) as runner:
            for name in ("a", "b"):
                await runner.submit(job(name))

            async def runs() -> bool:
                return await status(runner, "a") == "running"

            await until(runs)
            assert await status(runner, "b") == "queued"
            begun = time.monotonic()
            found = await runner.broker.find("b", 0.1)
            assert found is not None
            assert found["status"] == "queued"
            assert time.monotonic() - begun >= 0.1

    asyncio.run(test())


def test_two_servers_share_the_jobs_and_both_see_all_results(redis: RedisServer) -> None:
    seen: list[tuple[str, int]] = []

    def by(server: str) -> Run:
        async def run(request: Any) -> dict[str, Any]:
            await asyncio.sleep(0.002)
            seen.append((server, request))
            return {"by": server}

        return run

    async def test() -> None:
        one, two = (runner_of(redis.url, by(server), concurrency=2) for server in ("one", "two"))
        async with one, two:
            for number in range(60):
                await one.submit(job(f"job-{number}", number))
            polls = [two.broker.find(f"job-{number}", SECONDS) for number in range(60)]
            assert {(found or {})["status"] for found in await asyncio.gather(*polls)} == {"done"}

    asyncio.run(test())
    assert sorted(number for _, number in seen) == list(range(60))
    assert {server for server, _ in seen} == {"one", "two"}


def test_agents_do_not_share_a_queue(redis: RedisServer) -> None:
    async def test() -> None:
        async with runner_of(redis.url, agent="search"), runner_of(redis.url, forever, agent="other") as other:
            await other.submit(job("a"))

            async def runs() -> bool:
                return await status(other, "a") == "running"

            await until(runs)
            assert (length(redis, "search"), length(redis, "other")) == (0, 1)

    asyncio.run(test())


def test_a_full_queue_refuses(redis: RedisServer) -> None:
    async def test() -> None:
        async with runner_of(redis.url, forever, capacity=2) as runner:
            for name in ("a", "b"):
                await runner.submit(job(name))
            with pytest.raises(RequestError, match="2 jobs are unfinished already") as caught:
                await runner.submit(job("c"))
            assert (caught.value.status, caught.value.reason) == (503, "jobs_full")
            await runner.submit(job("a"))  # sent again because the answer was lost
            assert length(redis) == 2

    asyncio.run(test())


def test_results_expire(redis: RedisServer) -> None:
    async def test() -> None:
        async with runner_of(redis.url, ttl=0.2) as runner:
            await runner.submit(job("a"))
            found = await runner.broker.find("a", SECONDS)
            assert found is not None
            assert found["status"] == "done"

            async def expired() -> bool:
                return await status(runner, "a") == "unknown"

            await until(expired)

    asyncio.run(test())


CHILD = """
import asyncio, sys
from prometheus_client import CollectorRegistry
from reference_agent.jobs.callbacks import Callbacks
from reference_agent.jobs.brokers import open_broker
from reference_agent.jobs.hosts import AllowedHosts
from reference_agent.jobs.metrics import JobMetrics
from reference_agent.jobs.runner import Runner

async def run(request):
    print("begun", request, flush=True)
    await asyncio.Event().wait()

async def main():
    broker = open_broker(sys.argv[1], agent="search", lease=float(sys.argv[2]))
    async with Runner(broker, run, callbacks=Callbacks(AllowedHosts()), metrics=JobMetrics(CollectorRegistry())):
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_a_job_of_a_killed_server_is_done_again_by_another(redis: RedisServer) -> None:
    done_again: list[int] = []

    async def run(request: Any) -> dict[str, Any]:
        done_again.append(request)
        return await double(request)

    command = [sys.executable, "-c", CHILD, redis.url, str(LEASE)]
    child = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None

    async def test() -> None:
        broker = open_broker(redis.url, agent="search", lease=LEASE)
        await broker.start()
        for number in range(3):
            await broker.submit(job(f"job-{number}", number))
        lines = [await asyncio.to_thread(child.stdout.readline) for _ in range(3)]  # type: ignore[union-attr]
        assert sorted(lines) == ["begun 0\n", "begun 1\n", "begun 2\n"]
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        async with runner_of(redis.url, run) as other:
            for number in range(3):
                found = await other.broker.find(f"job-{number}", SECONDS)
                assert found is not None
                assert found["answer"] == {"double": 2 * number}
        assert length(redis) == 0
        await broker.leave()
        await broker.close()

    try:
        asyncio.run(test())
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    assert sorted(done_again) == [0, 1, 2]


def test_a_job_that_takes_longer_than_the_lease_is_done_once(redis: RedisServer) -> None:
    begun: list[Any] = []

    async def slow(request: Any) -> dict[str, Any]:
        begun.append(request)
        await asyncio.sleep(4 * LEASE)
        return await double(request)

    async def test() -> None:
        async with runner_of(redis.url, slow) as one, runner_of(redis.url, slow):
            await one.submit(job("a"))
            found = await one.broker.find("a", SECONDS)
            assert found is not None
            assert found["status"] == "done"

    asyncio.run(test())
    assert begun == [1]


async def abandon(stream: Stream, times: int) -> Delivery:
    """Take a job over and over, as servers do that die with it."""
    (delivery,) = await stream.read(1, 1000)
    while delivery.number < times:
        await asyncio.sleep(0.005)
        for claimed in (await stream.claim(1, 1, START))[1]:
            delivery = claimed
    return delivery


def test_a_job_that_ends_every_server_is_given_up(redis: RedisServer) -> None:
    async def test() -> None:
        stream = Stream(redis.url, "search")
        await stream.create_group()
        await stream.add(job("poison"), 10)
        assert (await abandon(stream, 3)).number == 3
        async with runner_of(redis.url, attempts=3) as runner:
            found = await runner.broker.find("poison", SECONDS)
            assert found is not None
            assert found["error"] == "given up: its server ended each of the 3 times that it was begun"
            assert length(redis) == 0
        await stream.close()

    asyncio.run(test())


def test_the_first_outcome_is_the_one_that_is_seen(redis: RedisServer) -> None:
    async def test() -> None:
        broker = open_broker(redis.url, agent="search", lease=LEASE)
        await broker.start()
        await broker.submit(job("a"))
        (delivery,) = await broker.take(1)
        first, second = (done(delivery.job, {"by": server}, time.time()) for server in ("one", "two"))
        assert await broker.finish(delivery, first, keep=False)
        assert not await broker.finish(delivery, second, keep=False)
        assert await broker.finish(delivery, first, keep=False), "sent again because the answer was lost"
        assert await broker.find("a", 0.0) == first
        await broker.leave()
        await broker.close()

    asyncio.run(test())


def test_a_callback_that_a_dead_server_owes_is_sent_by_another(redis: RedisServer) -> None:
    posted: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        posted.append(await reader.readexactly(int(head.lower().split(b"content-length:")[1].split()[0])))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def test() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as receiver:
            stream = Stream(redis.url, "search")
            await stream.create_group()
            await stream.add(job("a", callback=f"http://127.0.0.1:{receiver.sockets[0].getsockname()[1]}/"), 10)
            (delivery,) = await stream.read(1, 1000)
            document = done(delivery.job, {"by": "the dead"}, time.time())
            assert await stream.finish(delivery, json.dumps(document), 60_000, keep=True)
            assert length(redis) == 1
            async with runner_of(redis.url) as runner:

                async def acknowledged() -> bool:
                    return length(redis) == 0

                await until(acknowledged)
                assert await runner.broker.find("a", 0.0) == document
            await stream.close()
            assert [json.loads(body) for body in posted] == [document]

    asyncio.run(test())


@pytest.mark.parametrize("waits_for", ["its work", "another attempt"])
def test_draining_hands_back_what_is_not_finished(redis: RedisServer, waits_for: str) -> None:
    async def refuse(_request: Any) -> dict[str, Any]:
        raise RequestError(503, "full", "queue_full")

    async def test() -> None:
        # The lease is long: only what is handed back can be done by the other one within the test.
        stuck = runner_of(redis.url, forever if waits_for == "its work" else refuse, lease=600.0)
        await stuck.start()
        await stuck.submit(job("a", 4))

        async def runs() -> bool:
            return await status(stuck, "a") == "running"

        await until(runs)
        poll = asyncio.create_task(stuck.broker.find("a", SECONDS))
        assert await stuck.drain(0.05 if waits_for == "its work" else SECONDS), "nothing is lost"
        found = await poll
        assert found is not None
        assert found["status"] == "running"
        await stuck.close()
        async with runner_of(redis.url, lease=600.0) as other:
            found = await other.broker.find("a", SECONDS)
            assert found is not None
            assert found["answer"] == {"double": 8}

    asyncio.run(test())


def test_nothing_is_taken_while_draining(redis: RedisServer) -> None:
    async def test() -> None:
        async with runner_of(redis.url) as one, runner_of(redis.url, agent="search") as two:
            await one.drain(SECONDS)
            await two.drain(SECONDS)
            with pytest.raises(RequestError, match="shutting down"):
                await one.submit(job("a"))
            await one.broker.submit(job("b"))
            assert await status(one, "b") == "queued"

    asyncio.run(test())


def test_a_poll_outlives_a_lost_subscription(redis: RedisServer) -> None:
    async def test() -> None:
        go = asyncio.Event()

        async def run(request: Any) -> dict[str, Any]:
            await go.wait()
            return await double(request)

        async with runner_of(redis.url, run) as runner:
            await runner.submit(job("a"))
            poll = asyncio.create_task(runner.broker.find("a", SECONDS))

            async def cut() -> bool:
                return redis.ask("CLIENT", "KILL", "TYPE", "pubsub") == ":1\r\n"

            await until(cut)
            begun = time.monotonic()
            go.set()
            found = await poll
            assert found is not None
            assert found["status"] == "done"
            assert time.monotonic() - begun < SECONDS / 2

    asyncio.run(test())


def test_without_redis_jobs_are_refused_until_it_is_back(redis: RedisServer) -> None:
    async def test() -> None:
        async with runner_of(redis.url) as runner:
            await runner.submit(job("before"))
            await runner.broker.find("before", SECONDS)
            redis.stop()
            for step in (runner.submit(job("lost")), runner.broker.find("before", 0.0)):
                with pytest.raises(
                    RequestError, match=r"the queue of jobs does not answer .*; try again later"
                ) as caught:
                    await step
                assert (caught.value.status, caught.value.reason) == (503, "jobs_unreachable")
            redis.start()
            await runner.submit(job("after", 4))
            found = await runner.broker.find("after", SECONDS)
            assert found is not None
            assert found["answer"] == {"double": 8}

    asyncio.run(test())


@pytest.mark.parametrize("error", [RuntimeError("the handler is closed"), asyncio.CancelledError()])
def test_a_connection_lost_at_an_unlucky_moment_ends_no_task(error: BaseException) -> None:
    async def test() -> None:
        with pytest.raises(RequestError, match="the queue of jobs does not answer"), answering():
            raise error

    pytest.importorskip("redis")
    asyncio.run(test())


def test_a_job_that_was_dropped_by_mistake_is_done_again(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with runner_of(redis.url) as runner:
            right = runner.broker.finish

            async def wrong(*_: Any, **__: Any) -> bool:
                monkeypatch.setattr(runner.broker, "finish", right)
                raise ZeroDivisionError

            monkeypatch.setattr(runner.broker, "finish", wrong)
            await runner.submit(job("a", 2))
            found = await runner.broker.find("a", SECONDS)
            assert found is not None
            assert found["answer"] == {"double": 4}

    asyncio.run(test())
    assert "job a was dropped" in caplog.text


def test_a_server_does_not_start_without_its_redis(redis: RedisServer) -> None:
    redis.stop()

    async def test() -> None:
        runner = runner_of(redis.url.replace("redis://", "redis://me:secret@"))
        with pytest.raises(StartError) as caught:
            await runner.start()
        assert str(caught.value).startswith(f"no jobs can be queued at {redis.url} (Error 111 connecting")
        assert str(caught.value).endswith("; start Redis 6.2 or newer there")
        await runner.close()

    asyncio.run(test())
