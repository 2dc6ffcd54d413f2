"""Locust as a real child process: what it recorded against what the server knows it did."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tuner import bundled
from tuner.load.driver import ALONE, Crew, LoadError, LoadProcess, Recording, Window, locust_command
from tuner.load.samples import COLUMNS, ROW, ended_in, intended_in, latencies, overlap, read_raw
from tuner.measure import ready
from tuner.study.workload import Load, Loop
from tuner.target import spec
from tuner.target.launch import Launch, free_port, render
from tuner.target.process import SupervisedProcess
from tuner.target.spec import Target


@pytest.fixture
def null(tmp_path: Path) -> Iterator[tuple[Target, Launch]]:
    """The null target, running, with a delay of 10 ms and every 10th request answered 500."""
    target = spec.load("null", {"error_every": "10"})
    launch = render(target, target.space.default(), port=free_port(), workdir=tmp_path, artifact=None)
    with SupervisedProcess(
        launch.argv, env=launch.env, workdir=tmp_path, log=tmp_path / "server.log", stop_seconds=1.0
    ) as server:
        ready.wait(target, launch, server)
        yield target, launch


def users(count: int) -> Load:
    return Load(loop=Loop.CLOSED, amount=count)


def rate(per_second: float) -> Load:
    return Load(loop=Loop.OPEN, amount=per_second)


def scenario(target: Target, load: Load) -> Path:
    found = target.locustfile if load.loop is Loop.CLOSED else target.open_locustfile
    assert found is not None
    return found


def load_process(
    target: Target, url: str, folder: Path, locustfile: Path | None = None, crew: Crew = ALONE, **env: str
) -> LoadProcess:
    env = {"AGENT_REQUESTS": "", "AGENT_PATH": "/", "AGENT_WAITS": "1", **env}
    return LoadProcess(
        locustfile or target.locustfile,
        url,
        folder,
        env=env,
        watch=lambda: None,
        on_tick=lambda *_: None,
        crew=crew,
    )


def run(process: LoadProcess, load: Load, seconds: float, drain: float = 2.0) -> tuple[Window, Recording]:
    """Put a load on, measure at once, and take everything."""
    process.wait_ready()
    process.drive(load, 60.0, (1, 2))
    opened = process.open()
    process.run_for(seconds)
    window = process.close(load, opened)
    return window, process.finish(drain)


def test_every_request_is_recorded_at_full_precision(null: tuple[Target, Launch], tmp_path: Path) -> None:
    target, launch = null
    with load_process(target, launch.url, tmp_path) as process:
        window, recording = run(process, users(2), 0.5)
    samples = recording.samples
    took = samples["end"] - samples["intended"]
    assert np.isfinite(samples["end"]).all()
    assert len(recording.thinks) == 0
    assert (samples["ok"] == 0).sum() == len(samples) // 10
    assert recording.errors[0][1] == len(samples) // 10
    assert (np.diff(samples["intended"]) >= 0).all()
    assert (samples["sent"] == samples["intended"]).all()
    assert (took >= 0.010).all()
    assert len(np.unique(took)) > 0.9 * len(samples), "nothing is rounded"
    assert (samples["total"] < took).all()
    assert window.seconds == pytest.approx(0.5, abs=0.1)
    assert window.lag_p99 <= window.lag_most
    assert not window.collected
    assert 0 < len(intended_in(samples, window.opened, window.closed)) <= len(samples)
    assert not list(tmp_path.glob("*.raw")), "nothing is left beside the log"


@pytest.mark.parametrize("load", [users(2), rate(100.0)], ids=str)
def test_answers_are_sampled_once_for_each_request_and_only_in_the_last_window(
    null: tuple[Target, Launch], tmp_path: Path, load: Load
) -> None:
    target, launch = null
    requests = tmp_path / "requests.jsonl"
    requests.write_text("".join(f'{{"request": {number}}}\n' for number in range(30)))
    with load_process(target, launch.url, tmp_path, scenario(target, load), AGENT_REQUESTS=str(requests)) as process:
        process.wait_ready()
        process.drive(load, 60.0, (1, 2))
        for seconds in (1.5, 0.1):
            opened = process.open()
            process.run_for(seconds)
            process.close(load, opened)
        recording = process.finish(2.0)
    rows = [one.row for one in recording.answered]
    assert 0 < len(rows) < 30, "those of the window before are forgotten"
    assert len(set(rows)) == len(rows)
    assert set(rows) <= set(range(30))
    assert {one.content for one in recording.answered} == {'{"answer": "null"}'}
    assert not list(tmp_path.glob("answered*")), "nothing is left beside the log"


def test_a_request_that_names_no_line_is_not_sampled(null: tuple[Target, Launch], tmp_path: Path) -> None:
    with load_process(null[0], null[1].url, tmp_path) as process:
        _, recording = run(process, users(2), 0.3)
    assert recording.answered == ()


def test_samples_can_be_read_while_the_load_runs_on(null: tuple[Target, Launch], tmp_path: Path) -> None:
    with load_process(null[0], null[1].url, tmp_path) as process:
        process.wait_ready()
        process.drive(users(2), 60.0, (1,))
        process.run_for(0.2)
        first = process.samples()
        process.run_for(0.2)
        second = process.samples()
        samples = process.finish(2.0).samples
    assert 0 < len(first) < len(second) < len(samples)
    assert set(first["intended"]) <= set(second["intended"]) <= set(samples["intended"])


@pytest.mark.parametrize("load", [users(3), rate(30.0)], ids=str)
def test_requests_that_never_end_are_infinite_from_their_start_on(tmp_path: Path, load: Load) -> None:
    target = spec.load("null", {"slow_every": "1", "slow_delay_ms": "60000"})
    launch = render(target, target.space.default(), port=free_port(), workdir=tmp_path, artifact=None)
    locustfile = scenario(target, load)
    with SupervisedProcess(
        launch.argv, env=launch.env, workdir=tmp_path, log=tmp_path / "server.log", stop_seconds=0.5
    ) as server:
        ready.wait(target, launch, server)
        with load_process(target, launch.url, tmp_path, locustfile) as process:
            window, recording = run(process, load, 0.4, drain=0.1)
    samples = recording.samples
    assert len(samples) == 3 if load.loop is Loop.CLOSED else 3 < len(samples) < 40
    assert np.isinf(samples["end"]).all()
    assert (samples["ok"] == 0).all()
    assert np.isinf(latencies(samples)).all()
    assert (np.abs(samples["intended"] - window.opened) < 1.0).all(), "their start is known"


def test_a_plain_locustfile_of_the_users_own_is_driven_too(null: tuple[Target, Launch], tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from locust import HttpUser, constant, task\n"
        "class Mine(HttpUser):\n"
        "    wait_time = constant(0.01)\n"
        "    @task\n"
        "    def go(self):\n"
        "        self.client.get('/')\n"
    )
    with load_process(null[0], null[1].url, tmp_path, mine) as process:
        _, recording = run(process, users(1), 0.3)
    assert len(recording.samples) > 3
    assert np.isfinite(recording.samples["compute"]).all()
    assert len(recording.thinks) == pytest.approx(len(recording.samples), abs=1)
    assert (recording.thinks["seconds"] == 0.01).all()


def test_arrivals_come_as_planned_and_count_from_their_intended_start(
    null: tuple[Target, Launch], tmp_path: Path
) -> None:
    schedules = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        with load_process(null[0], null[1].url, folder, null[0].open_locustfile) as process:
            window, recording = run(process, rate(200.0), 1.0)
        samples = recording.samples
        assert (samples["sent"] >= samples["intended"]).all()
        assert (samples["end"] - samples["intended"] >= 0.010).all()
        inside = intended_in(samples, window.opened, window.closed)
        assert 150 < len(inside) < 250
        schedules.append(np.diff(inside["intended"])[:100])
    assert schedules[0] == pytest.approx(schedules[1], abs=1e-6), "one seed is one schedule"


@pytest.mark.parametrize("load", [users(6), rate(200.0)], ids=str)
def test_several_processes_make_one_load(null: tuple[Target, Launch], tmp_path: Path, load: Load) -> None:
    locustfile = scenario(null[0], load)
    crew = Crew(processes=2)
    with load_process(null[0], null[1].url, tmp_path, locustfile, crew) as process:
        window, recording = run(process, load, 1.0)
    samples = intended_in(recording.samples, window.opened, window.closed)
    busy = overlap(samples["sent"], samples["end"], window.opened, window.closed)
    if load.loop is Loop.CLOSED:
        assert busy / window.seconds == pytest.approx(6, rel=0.15)
    else:
        assert 150 < len(samples) < 250
    assert (np.diff(samples["intended"]) >= 0).all()


def test_load_processes_of_other_machines_come_in_at_an_address(null: tuple[Target, Launch], tmp_path: Path) -> None:
    port = free_port()
    env = {**os.environ, "AGENT_REQUESTS": "", "AGENT_PATH": "/", "AGENT_WAITS": "1"}
    command = locust_command(
        null[0].locustfile, "--worker", "--master-host", "127.0.0.1", "--master-port", str(port)
    )  # fmt: skip
    workers = [
        SupervisedProcess(command, env=env, workdir=tmp_path, log=tmp_path / "worker.log", stop_seconds=0.5)
        for _ in range(2)
    ]
    try:
        crew = Crew(processes=2, master=f"127.0.0.1:{port}")
        with load_process(null[0], null[1].url, tmp_path, crew=crew) as process:
            assert process.workers == []
            _, recording = run(process, users(2), 0.5)
    finally:
        for worker in workers:
            worker.stop()
    assert len(recording.samples) > 20


def test_a_lost_load_process_is_noticed_where_locust_would_go_on(null: tuple[Target, Launch], tmp_path: Path) -> None:
    with load_process(null[0], null[1].url, tmp_path, crew=Crew(processes=2)) as process:
        process.wait_ready()
        process.drive(users(2), 60.0, (1,))
        process.workers[0].kill()
        with pytest.raises(LoadError, match=r"1 of 2 load processes ended .killed"):
            process.run_for(5.0)


def test_no_header_costs_a_sample_and_no_setting_of_ones_own_changes_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUST_RUN_TIME", "1ms")
    script = tmp_path / "odd.py"
    script.write_text(
        "import sys\n"
        "from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer\n"
        "class Handler(BaseHTTPRequestHandler):\n"
        "    protocol_version = 'HTTP/1.1'\n"
        "    def do_GET(self):\n"
        "        self.send_response(200)\n"
        "        self.send_header('Server-Timing', 'db;dur=\"5\", queue;desc=x;dur=1.5, batch;dur=0.25')\n"
        "        self.send_header('Server-Timing', 'compute;dur=fast')\n"
        "        self.send_header('X-Batch-Size', '3/8')\n"
        "        self.send_header('Content-Length', '0')\n"
        "        self.end_headers()\n"
        "    def log_message(self, *_):\n"
        "        pass\n"
        "ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n"
    )
    port = free_port()
    with (
        SupervisedProcess(
            [sys.executable, str(script), str(port)],
            env=dict(os.environ),
            workdir=tmp_path,
            log=tmp_path / "log",
            stop_seconds=0.5,
        ),
        load_process(spec.load("null"), f"http://127.0.0.1:{port}", tmp_path) as process,
    ):
        _, recording = run(process, users(1), 0.5)
    samples = recording.samples[recording.samples["ok"] == 1]
    assert len(samples) > 10
    assert (samples["queue"] == 0.0015).all()
    assert (samples["batch"] == 0.00025).all()
    assert np.isnan(samples["compute"]).all()
    assert np.isnan(samples["batch_size"]).all()


def test_users_that_stop_make_the_measurement_invalid(null: tuple[Target, Launch], tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from locust import HttpUser, task\n"
        "from locust.exception import StopUser\n"
        "class Mine(HttpUser):\n"
        "    @task\n"
        "    def go(self):\n"
        "        self.client.get('/')\n"
        "        raise StopUser\n"
    )
    with (
        load_process(null[0], null[1].url, tmp_path, mine) as process,
        pytest.raises(LoadError, match="0 of 2 users were left"),
    ):
        run(process, users(2), 0.3)


def test_a_pause_inside_a_task_is_no_unfinished_request(null: tuple[Target, Launch], tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "import time\n"
        "from locust import HttpUser, task\n"
        "class Mine(HttpUser):\n"
        "    @task\n"
        "    def go(self):\n"
        "        self.client.get('/')\n"
        "        time.sleep(30)\n"
    )
    with load_process(null[0], null[1].url, tmp_path, mine) as process:
        _, recording = run(process, users(2), 0.3, drain=0.1)
    assert np.isfinite(recording.samples["end"]).all()


def test_a_broken_locustfile_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module\n")
    with (
        load_process(spec.load("null"), "http://127.0.0.1:9", tmp_path, broken) as process,
        pytest.raises(LoadError, match=r"Locust ended .*no_such_module"),
    ):
        process.wait_ready()


def test_a_lost_load_process_is_noticed(null: tuple[Target, Launch], tmp_path: Path) -> None:
    with load_process(null[0], null[1].url, tmp_path) as process:
        process.wait_ready()
        process.drive(users(1), 60.0, (1,))
        process.process.kill()
        with pytest.raises(LoadError, match="Locust ended"):
            process.run_for(5.0)


def test_stored_samples_are_one_line_away_from_pandas(tmp_path: Path) -> None:
    nothing = (np.nan,) * 5
    rows = np.array([(2.0, 2.1, 2.5, 1, 0.1, 0.05, 0.2, 0.3, 4), (1.0, 1.0, 3.5, 0, *nothing)], dtype=ROW)
    rows.tofile(tmp_path / "raw")
    samples = read_raw(tmp_path / "raw")
    np.save(tmp_path / "samples.npy", samples)
    frame = pd.DataFrame(np.load(tmp_path / "samples.npy"))
    assert tuple(frame.columns) == COLUMNS
    assert list(frame["intended"]) == [1.0, 2.0]
    assert list(latencies(samples)) == [np.inf, 0.5]
    assert len(intended_in(samples, 1.5, 3.0)) == 1
    assert len(ended_in(samples, 2.5, 3.0)) == 1
    assert overlap(samples["sent"], samples["end"], 2.0, 3.0) == pytest.approx(1.4)


def test_the_bundled_locustfile_runs_alone(null: tuple[Target, Launch], tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(bundled.locustfiles() / "agent.py"), "--headless", "--users", "2",
         "--run-time", "1s", "--host", null[1].url, "--path", "/", "--requests", "", "--exit-code-on-error", "0"],
        env={**os.environ}, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    counts = re.search(r"GET +/ +(\d+) +(\d+)\(", result.stdout + result.stderr)
    assert counts is not None
    assert int(counts[1]) // 10 == int(counts[2]) > 5
