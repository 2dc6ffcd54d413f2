"""Jobs in the queue of this process, over HTTP where a client sees it, with made-up work."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from reference_agent.errors import RequestError, StartError
from reference_agent.http import jobs as endpoints
from reference_agent.http.jobs import job_routes
from reference_agent.jobs import backoff, memory
from reference_agent.jobs.broker import Broker
from reference_agent.jobs.brokers import open_broker
from reference_agent.jobs.callbacks import Callbacks
from reference_agent.jobs.hosts import AllowedHosts
from reference_agent.jobs.job import Job
from reference_agent.jobs.memory import MemoryBroker
from reference_agent.jobs.metrics import JobMetrics
from reference_agent.jobs.runner import Runner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

SECONDS = 10.0
Run = Callable[[Any], Awaitable[dict[str, Any]]]


async def double(request: Any) -> dict[str, Any]:
    return {"double": 2 * request["number"]}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


def check(document: Any) -> None:
    if not isinstance(document, dict) or "number" not in document:
        raise RequestError(400, '"number" is missing')


async def read(request: Request) -> Any:
    return orjson.loads(await request.body())


async def refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return JSONResponse({"error": str(error), "reason": error.reason}, error.status)


class Server:
    """A runner with its endpoints, asked within the event loop."""

    def __init__(self, run: Run, broker: Broker | None = None, **options: Any) -> None:
        self.registry = CollectorRegistry()
        hosts = AllowedHosts()
        self.runner = Runner(
            broker or MemoryBroker(capacity=10, ttl=60.0),
            run,
            callbacks=Callbacks(hosts),
            metrics=JobMetrics(self.registry),
            **options,
        )
        routes = job_routes(self.runner, read=read, check=check, hosts=hosts)
        app = Starlette(routes=routes, exception_handlers={RequestError: refuse})
        transport = httpx.ASGITransport(app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://here", timeout=SECONDS)

    async def __aenter__(self) -> "Server":
        await self.runner.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()
        await self.runner.close()

    async def submit(self, number: Any = 1, **more: Any) -> httpx.Response:
        return await self.client.post("/v1/jobs", json={"request": {"number": number}, **more})

    async def find(self, name: str, wait_ms: float = SECONDS * 1000) -> dict[str, Any]:
        answer = await self.client.get(f"/v1/jobs/{name}", params={"wait_ms": wait_ms})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def do(self, number: Any = 1, **more: Any) -> dict[str, Any]:
        return await self.find((await self.submit(number, **more)).json()["id"])


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(backoff, "LONGEST_SECONDS", 0.01)


def test_a_job_is_accepted_at_once_and_answered_later() -> None:
    async def test() -> None:
        go = asyncio.Event()

        async def run(request: Any) -> dict[str, Any]:
            await go.wait()
            return {**await double(request), "timing": {"queue": 0.25, "compute": 0.5}}

        async with Server(run, concurrency=1) as server:
            first, second = await server.submit(21), await server.submit(22)
            assert first.status_code == 202
            name = first.json()["id"]
            assert first.json() == {"id": name, "status": "queued", "href": f"/v1/jobs/{name}"}
            assert first.headers["location"] == f"/v1/jobs/{name}"
            await until(lambda: server.runner.broker.waiting == 1)
            assert await server.find(name, 0) == {"id": name, "status": "running"}
            assert (await server.find(second.json()["id"], 0))["status"] == "queued"
            go.set()
            await server.find(name)
            answer = await server.client.get(first.headers["location"])
            found = answer.json()
            assert (found["status"], found["answer"]) == ("done", {"double": 42})
            assert 0.0 < found["seconds"] < SECONDS
            assert found["timing"]["compute"] == 0.5
            assert 0.25 < found["timing"]["queue"] < 0.25 + SECONDS
            assert answer.headers["cache-control"] == "no-store"
            assert "compute;dur=500.000" in answer.headers["server-timing"]
            assert f"total;dur={found['seconds'] * 1000:.3f}" in answer.headers["server-timing"]

    asyncio.run(test())


def test_a_long_poll_ends_with_the_job_or_with_its_wait() -> None:
    async def test() -> None:
        go = asyncio.Event()

        async def run(request: Any) -> dict[str, Any]:
            await go.wait()
            return await double(request)

        async with Server(run) as server:
            name = (await server.submit()).json()["id"]
            begun = time.monotonic()
            assert (await server.find(name, 50))["status"] == "running"
            assert time.monotonic() - begun >= 0.049
            polls = [asyncio.create_task(server.find(name)) for _ in range(3)]
            await asyncio.sleep(0)
            go.set()
            assert [poll["status"] for poll in await asyncio.gather(*polls)] == ["done"] * 3
            assert time.monotonic() - begun < SECONDS / 2

    asyncio.run(test())


def test_a_poll_waits_no_longer_than_the_longest_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "LONGEST_WAIT_MS", 20.0)

    async def test() -> None:
        async with Server(lambda _: asyncio.Event().wait()) as server:
            name = (await server.submit()).json()["id"]
            assert (await server.find(name, 1e9))["status"] == "running"
            for wrong in ("soon", "-1", "nan", ""):
                answer = await server.client.get(f"/v1/jobs/{name}", params={"wait_ms": wrong})
                assert answer.status_code == 400
                assert "wait_ms" in answer.json()["error"]

    asyncio.run(test())


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param([], 400, '{"request"', id="no object"),
        pytest.param({}, 400, '{"request"', id="no request"),
        pytest.param({"request": {"number": 1}, "priority": 1}, 400, '{"request"', id="more than is known"),
        pytest.param({"request": {}}, 400, '"number" is missing', id="what the model cannot answer"),
        pytest.param({"request": {"number": "9" * 70_000}}, 413, "65536 bytes", id="too large"),
        pytest.param({"request": {"number": 1}, "callback": "http://localhost:99999/"}, 400, "plain URL", id="port"),
        pytest.param({"request": {"number": 1}, "callback": "http://localhost:0/"}, 400, "plain URL", id="port 0"),
        pytest.param({"request": {"number": 1}, "callback": 7}, 400, "plain URL", id="callback is a number"),
        pytest.param({"request": {"number": 1}, "callback": ""}, 400, "plain URL", id="callback is empty"),
        pytest.param({"request": {"number": 1}, "callback": "http://10.0.0.1/"}, 400, "10.0.0.1", id="foreign host"),
    ],
)
def test_what_could_not_be_answered_is_refused_at_submission(body: Any, status: int, words: str) -> None:
    async def test() -> None:
        async with Server(double) as server:
            answer = await server.client.post("/v1/jobs", json=body)
            assert answer.status_code == status
            assert words in answer.json()["error"]

    asyncio.run(test())


def test_what_is_nested_deeper_than_it_can_be_written_is_refused() -> None:
    body = f'{{"request": {{"number": 1, "more": {"[" * 990}{"]" * 990}}}}}'

    async def test() -> None:
        async with Server(double) as server:
            answer = await server.client.post("/v1/jobs", content=body)
            assert (answer.status_code, answer.json()["error"]) == (400, "the request of a job is nested too deeply")

    asyncio.run(test())


def test_no_more_jobs_than_the_capacity_are_unfinished() -> None:
    async def test() -> None:
        go = asyncio.Event()

        async def run(request: Any) -> dict[str, Any]:
            await go.wait()
            return await double(request)

        async with Server(run, MemoryBroker(capacity=2, ttl=60.0)) as server:
            names = [(await server.submit(number)).json()["id"] for number in range(2)]
            full = await server.submit()
            assert (full.status_code, full.json()["reason"]) == (503, "jobs_full")
            assert "2 jobs are unfinished" in full.json()["error"]
            go.set()
            await server.find(names[0])
            await server.find(names[1])
            assert (await server.do(3))["answer"] == {"double": 6}

    asyncio.run(test())


def test_results_expire_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "RESULTS_PER_JOB", 1)
    now = 0.0

    async def test() -> None:
        nonlocal now
        async with Server(double, MemoryBroker(capacity=2, ttl=5.0, clock=lambda: now)) as server:
            names = [(await server.do(number))["id"] for number in range(3)]
            statuses = [(await server.client.get(f"/v1/jobs/{name}")).status_code for name in names]
            assert statuses == [404, 200, 200]
            now = 5.1
            gone = await server.client.get(f"/v1/jobs/{names[2]}")
            assert gone.status_code == 404
            assert gone.json()["error"] == f"no job {names[2]} is known; a result is kept for 5 s, then submit again"

    asyncio.run(test())


def failing(*errors: Exception | None) -> Run:
    """Raise these errors one after the other, then answer; None stands for an answer that is no JSON."""
    left = list(errors)

    async def run(request: Any) -> dict[str, Any]:
        if not left:
            return await double(request)
        error = left.pop(0)
        if error is None:
            return {"double": float("nan")}
        raise error

    return run


DIED = RequestError(503, "the worker died", "worker_died")
FULL = RequestError(503, "the queue is full", "queue_full")


@pytest.mark.parametrize(
    ("errors", "error"),
    [
        pytest.param([DIED, DIED], None, id="tried again"),
        pytest.param([DIED] * 3, "given up after 3 attempts: the worker died", id="not for ever"),
        pytest.param([FULL] * 20 + [DIED], None, id="a full queue costs no attempt"),
        pytest.param([RequestError(500, "not finite")], "not finite", id="a sentence of its own"),
        pytest.param([ZeroDivisionError()], "the server made a mistake; its log has the details", id="our mistake"),
        pytest.param([None], "the server made a mistake; its log has the details", id="no JSON"),
    ],
)
def test_what_may_be_tried_again_is(errors: list[Any], error: str | None) -> None:
    async def test() -> None:
        async with Server(failing(*errors), attempts=3) as server:
            found = await server.do(4)
            assert found.get("error") == error
            assert found["status"] == ("done" if error is None else "failed")
            text = generate_latest(server.registry).decode()
            assert f'agent_jobs_total{{status="{found["status"]}"}} 1.0' in text
            assert "agent_jobs_submitted_total 1.0" in text
            assert "agent_jobs_waiting 0.0" in text

    asyncio.run(test())


def test_a_mistake_of_ours_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with Server(failing(ZeroDivisionError("by the test"))) as server:
            await server.do()

    asyncio.run(test())
    assert "by the test" in caplog.text


def test_no_more_jobs_run_than_are_allowed() -> None:
    running, most = 0, 0

    async def run(request: Any) -> dict[str, Any]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return await double(request)

    async def test() -> None:
        async with Server(run, MemoryBroker(capacity=100, ttl=60.0), concurrency=3) as server:
            answers = await asyncio.gather(*(server.do(number) for number in range(50)))
            assert [answer["answer"]["double"] for answer in answers] == [2 * number for number in range(50)]

    asyncio.run(test())
    assert most == 3


def test_draining_finishes_what_is_queued_and_takes_nothing_more() -> None:
    async def test() -> None:
        go = asyncio.Event()

        async def run(request: Any) -> dict[str, Any]:
            await go.wait()
            return await double(request)

        async with Server(run, concurrency=1) as server:
            names = [(await server.submit(number)).json()["id"] for number in range(5)]
            drain = asyncio.create_task(server.runner.drain(SECONDS))
            await asyncio.sleep(0)
            refused = await server.submit()
            assert (refused.status_code, refused.json()["reason"]) == (503, "draining")
            go.set()
            assert await drain
            assert [(await server.find(name))["answer"]["double"] for name in names] == [0, 2, 4, 6, 8]

    asyncio.run(test())


def test_draining_ends_in_time_and_tells_whoever_waits() -> None:
    async def test() -> None:
        async with Server(lambda _: asyncio.Event().wait()) as server:
            name = (await server.submit()).json()["id"]
            poll = asyncio.create_task(server.find(name))
            await until(lambda: server.runner.broker.waiting == 0)
            assert not await server.runner.drain(0.05)
            assert (await poll)["status"] == "running"

    asyncio.run(test())


class Receiver:
    """Takes posts on loopback; each is answered with the next status, the last one for ever."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/answers?of=me"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split()[0])
        self.bodies.append(json.loads(await reader.readexactly(length)))
        self.paths.append(head.split()[1])
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        writer.write(f"HTTP/1.1 {status}\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def test_an_answer_is_posted_until_it_arrives() -> None:
    async def test() -> None:
        receiver = Receiver("500 Wait", "200 Thanks")
        async with receiver.listening() as url, Server(double, MemoryBroker(capacity=1, ttl=60.0)) as server:
            found = await server.do(4, callback=url)
            assert found["answer"] == {"double": 8}
            await until(lambda: "arrived" in generate_latest(server.registry).decode())
            assert receiver.bodies == [found, found]
            assert receiver.paths == ["/answers?of=me"] * 2
            assert (await server.do(5))["answer"] == {"double": 10}, "its place is free again"

    asyncio.run(test())


def test_a_failed_job_is_posted_too() -> None:
    async def test() -> None:
        receiver = Receiver("204 Thanks")
        async with receiver.listening() as url, Server(failing(RequestError(500, "not finite"))) as server:
            found = await server.do(callback=url)
            await until(lambda: bool(receiver.bodies))
            assert receiver.bodies == [found]
            assert found["error"] == "not finite"

    asyncio.run(test())


def test_a_redirect_or_a_proxy_leads_nowhere(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    async def test() -> None:
        receiver = Receiver("302 Elsewhere")
        async with receiver.listening() as url, Server(double) as server:
            await server.do(callback=url)
            await until(lambda: "given_up" in generate_latest(server.registry).decode())
            assert receiver.paths == ["/answers?of=me"] * 4

    asyncio.run(test())
    assert "did not arrive" in caplog.text
    assert "302" in caplog.text


def test_a_slow_receiver_holds_up_no_other_job() -> None:
    async def test() -> None:
        stuck = asyncio.Event()

        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await stuck.wait()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as slow, Server(double, concurrency=1) as server:
            url = f"http://127.0.0.1:{slow.sockets[0].getsockname()[1]}/"
            assert (await server.do(1, callback=url))["answer"] == {"double": 2}
            assert (await server.do(2))["answer"] == {"double": 4}
            await server.runner.close()
            stuck.set()

    asyncio.run(test())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1.2.3:9000/answers?job=1",
        "https://localhost:8443",
        "http://LOCALHOST/",
        "http://[::1]:9000/",
    ],
)
def test_loopback_is_allowed(url: str) -> None:
    AllowedHosts().check(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://localhost/",
        "file:///etc/passwd",
        "http://example.com/",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost.example.com/",
        "http://example.com@localhost/",
        "http://localhost@example.com/",
        "http://localhost\\@example.com/",
        "http://localhost /",
        "http://localhost/\r\nHost: example.com",
        "http://localhost\t.example.com/",
        "http://127.0.0.1.example.com/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://0.0.0.0/",
        "http:///localhost",
        "//localhost/",
        "http://löcalhost/",
        "http://[/",
    ],
)
def test_everything_else_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(RequestError) as caught:
        AllowedHosts().check(url)
    assert caught.value.status == 400


def test_other_hosts_can_be_allowed() -> None:
    hosts = AllowedHosts(["answers.example.com", "10.1.0.0/16", "[2001:db8::1]"])
    for url in ("http://answers.example.com/", "http://10.1.2.3:80/", "http://[2001:db8::1]/"):
        hosts.check(url)
    for url in ("http://localhost/", "http://10.2.0.1/"):
        with pytest.raises(RequestError, match=r"answers\.example\.com, 10\.1\.0\.0/16"):
            hosts.check(url)
    for wrong in ("10.0.0.0/99", "", "http://here", "1.2.3"):
        with pytest.raises(StartError, match="is no host"):
            AllowedHosts([wrong])


def test_a_callback_is_checked_again_when_it_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with Server(double) as server:
            job = Job(id="a", request='{"number": 1}', callback="http://10.0.0.1/", submitted=time.time())
            await server.runner.submit(job)
            await until(lambda: "given_up" in generate_latest(server.registry).decode())

    asyncio.run(test())
    assert "no answers are posted to 10.0.0.1" in caplog.text


def test_the_queue_is_chosen_by_url(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_broker("", agent="search"), MemoryBroker)
    with pytest.raises(StartError, match=r"'amqp://here/' is no queue of jobs: give redis://host:port/db"):
        open_broker("amqp://me:secret@here/", agent="search")
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(StartError, match=r"need the package redis, which is missing: pip install"):
        open_broker("redis://here", agent="search")
