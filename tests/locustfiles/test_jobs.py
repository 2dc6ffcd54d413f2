"""Jobs against the reference agent's own queue, with made-up work."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.locustfiles.conftest import Run
from tuner.target.launch import free_port
from tuner.target.process import SupervisedProcess

RunLocust = Callable[..., Run]
REFERENCE = Path(__file__).resolve().parents[2] / "targets" / "reference"

# Every job takes 100 ms; every third one fails.
SERVER = """
import asyncio, contextlib, sys
import uvicorn
from prometheus_client import CollectorRegistry
from reference_agent.errors import RequestError
from reference_agent.jobs.callbacks import Callbacks
from reference_agent.http.jobs import job_routes
from reference_agent.jobs.hosts import AllowedHosts
from reference_agent.jobs.memory import MemoryBroker
from reference_agent.jobs.metrics import JobMetrics
from reference_agent.jobs.runner import Runner
from starlette.applications import Starlette
from starlette.responses import JSONResponse

async def work(request, numbers=iter(range(1, 10**9))):
    await asyncio.sleep(0.1)
    if next(numbers) % 3 == 0:
        raise RequestError(500, "no luck")
    return {"decision": "yes", "timing": {"compute": 0.1}}

async def read(request):
    return await request.json()

async def refuse(request, error):
    return JSONResponse({"error": str(error)}, error.status)

hosts = AllowedHosts()
broker = MemoryBroker(capacity=int(sys.argv[2]), ttl=60.0)
runner = Runner(broker, work, callbacks=Callbacks(hosts), metrics=JobMetrics(CollectorRegistry()))

@contextlib.asynccontextmanager
async def life(app):
    async with runner:
        yield

routes = job_routes(runner, read=read, check=lambda document: None, hosts=hosts)
uvicorn.run(Starlette(routes=routes, exception_handlers={RequestError: refuse}, lifespan=life), port=int(sys.argv[1]))
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Callable[[int], str]]:
    """Start a server with room for so many jobs, and return its URL."""
    script, port = tmp_path / "jobs_server.py", free_port()
    script.write_text(SERVER)
    env = {**os.environ, "PYTHONPATH": str(REFERENCE), "PYTHONDONTWRITEBYTECODE": "1"}
    running: list[SupervisedProcess] = []

    def start(capacity: int = 100) -> str:
        argv = [sys.executable, str(script), str(port), str(capacity)]
        process = SupervisedProcess(argv, env=env, workdir=tmp_path, log=tmp_path / "server.log", stop_seconds=2.0)
        running.append(process.__enter__())
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 20
        while True:
            try:
                assert httpx.get(f"{url}/v1/jobs/none").status_code == 404
                return url
            except httpx.ConnectError:
                assert time.monotonic() < deadline, (tmp_path / "server.log").read_text()
                time.sleep(0.05)

    yield start
    for process in running:
        process.__exit__(None, None, None)


def test_a_job_is_one_request_from_its_submission_to_its_answer(locust: RunLocust, jobs: Callable[..., str]) -> None:
    run = locust("jobs.py", jobs(), "--users", "2", "--spawn-rate", "10", "--field", "decision", seconds=3)
    assert len(run.seen) > 8
    assert {(event["kind"], event["name"]) for event in run.seen} == {("JOB", "/v1/jobs")}
    for event in run.seen:
        assert event["time"] == pytest.approx((event["end"] - event["intended"]) * 1000)
        assert event["sent"] == event["intended"]
        assert 100 < event["time"] < 2000
    good = [event for event in run.seen if event["fault"] is None]
    assert all("queue;dur=" in event["timing"] and "compute;dur=100.000" in event["timing"] for event in good)
    faults = [event["fault"] for event in run.seen if event["fault"] is not None]
    assert set(faults) == {"the job failed: no luck"}
    assert len(faults) == pytest.approx(len(run.seen) / 3, abs=1)


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        pytest.param(["--users", "3", "--spawn-rate", "10"], "code=503", id="refused"),
        pytest.param(["--timeout", "0.05"], "not done within 0.05 s of its submission", id="late"),
        pytest.param(["--field", "absent"], 'the answer has no field "absent"', id="wrong"),
    ],
)
def test_what_is_not_done_well_and_in_time_is_a_failure(
    locust: RunLocust, jobs: Callable[..., str], flags: list[str], fault: str
) -> None:
    run = locust("jobs.py", jobs(1), *flags, seconds=3)
    assert any(fault in str(event["fault"]) for event in run.seen)


def test_a_running_job_is_known_by_its_start(locust: RunLocust, jobs: Callable[..., str]) -> None:
    script = (
        "@events.init.add_listener\n"
        "def begin(environment, **_):\n"
        "    def look():\n"
        "        while len(environment.runner.user_greenlets) < 3: gevent.sleep(0.01)\n"
        "        gevent.sleep(0.35)\n"
        "        users = [greenlet.args[0] for greenlet in environment.runner.user_greenlets]\n"
        "        told['flying'] = [pair for user in users for pair in user.in_flight.values()]\n"
        "        told['now'] = time.perf_counter()\n"
        "    gevent.spawn(look)\n"
    )
    told = locust("jobs.py", jobs(), "--users", "3", "--spawn-rate", "10", script=script, seconds=3).told
    assert len(told["flying"]) == 3
    assert all(told["now"] - 0.5 < intended == sent < told["now"] for intended, sent in told["flying"])


def test_a_server_that_answers_at_once_needs_no_second_question(locust: RunLocust, serve: Callable[..., str]) -> None:
    run = locust("jobs.py", serve(), seconds=3)
    assert len(run.seen) > 8
    assert all(event["fault"] is None for event in run.seen)
