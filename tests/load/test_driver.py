"""Locust as a real child process: what it recorded against what the server knows it did."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tuner import bundled
from tuner.load.driver import LoadError, LoadProcess
from tuner.load.samples import COLUMNS, ROW, completed_in, read_raw, started_in
from tuner.measure import ready
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


def drive(target: Target, url: str, folder: Path, locustfile: Path | None = None, **env: str) -> LoadProcess:
    env = {"AGENT_REQUESTS": "", "AGENT_PATH": "/", **env}
    return LoadProcess(
        locustfile or target.locustfile, url, folder, env=env, watch=lambda: None, on_tick=lambda *_: None
    )


def test_every_request_is_recorded_at_full_precision(null: tuple[Target, Launch], tmp_path: Path) -> None:
    target, launch = null
    with drive(target, launch.url, tmp_path) as load:
        load.wait_ready()
        load.users(2)
        window = load.window(2, 0.5)
        recording = load.finish(2.0)
    samples = recording.samples
    assert recording.unfinished == 0
    assert not recording.thinks
    assert (samples["ok"] == 0).sum() == len(samples) // 10
    assert recording.errors[0][1] == len(samples) // 10
    assert (np.diff(samples["start"]) >= 0).all()
    assert (samples["latency"] >= 0.010).all()
    assert len(np.unique(samples["latency"])) > 0.9 * len(samples), "nothing is rounded"
    assert (samples["compute"] < samples["latency"]).all()
    assert window.seconds == pytest.approx(0.5, abs=0.1)
    assert 0 < len(started_in(samples, window.opened, window.closed)) <= len(samples)


def test_requests_that_never_end_are_counted(tmp_path: Path) -> None:
    target = spec.load("null", {"slow_every": "1", "slow_delay_ms": "60000"})
    launch = render(target, target.space.default(), port=free_port(), workdir=tmp_path, artifact=None)
    with SupervisedProcess(
        launch.argv, env=launch.env, workdir=tmp_path, log=tmp_path / "server.log", stop_seconds=0.5
    ) as server:
        ready.wait(target, launch, server)
        with drive(target, launch.url, tmp_path) as load:
            load.wait_ready()
            load.users(3)
            load.window(3, 0.2)
            recording = load.finish(0.1)
    assert recording.unfinished == 3
    assert len(recording.samples) == 0


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
    with drive(null[0], null[1].url, tmp_path, mine) as load:
        load.wait_ready()
        load.users(1)
        load.window(1, 0.3)
        recording = load.finish(2.0)
    assert recording.thinks
    assert len(recording.samples) > 3
    assert np.isfinite(recording.samples["compute"]).all()


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
        "        self.send_header('Server-Timing', 'db;dur=\"5\", queue;desc=x;dur=1.5')\n"
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
        drive(spec.load("null"), f"http://127.0.0.1:{port}", tmp_path) as load,
    ):
        load.wait_ready()
        load.users(1)
        load.run_for(0.5)
        recording = load.finish(2.0)
    samples = recording.samples[recording.samples["ok"] == 1]
    assert len(samples) > 10
    assert (samples["queue"] == 0.0015).all()
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
    with drive(null[0], null[1].url, tmp_path, mine) as load:
        load.wait_ready()
        load.users(2)
        with pytest.raises(LoadError, match="0 of 2 users were left"):
            load.window(2, 0.3)


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
    with drive(null[0], null[1].url, tmp_path, mine) as load:
        load.wait_ready()
        load.users(2)
        load.run_for(0.3)
        assert load.finish(0.1).unfinished == 0


def test_a_broken_locustfile_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module\n")
    with (
        drive(spec.load("null"), "http://127.0.0.1:9", tmp_path, broken) as load,
        pytest.raises(LoadError, match=r"Locust ended .*no_such_module"),
    ):
        load.wait_ready()


def test_a_lost_load_process_is_noticed(null: tuple[Target, Launch], tmp_path: Path) -> None:
    with drive(null[0], null[1].url, tmp_path) as load:
        load.wait_ready()
        load.users(1)
        load.process.kill()
        with pytest.raises(LoadError, match="Locust ended"):
            load.run_for(5.0)


def test_stored_samples_are_one_line_away_from_pandas(tmp_path: Path) -> None:
    rows = np.array([(2.0, 0.5, 1, 0.1, 0.2, 4), (1.0, 2.5, 0, np.nan, np.nan, np.nan)], dtype=ROW)
    rows.tofile(tmp_path / "raw")
    samples = read_raw(tmp_path / "raw")
    np.save(tmp_path / "samples.npy", samples)
    frame = pd.DataFrame(np.load(tmp_path / "samples.npy"))
    assert tuple(frame.columns) == COLUMNS
    assert list(frame["start"]) == [1.0, 2.0]
    assert len(started_in(samples, 1.5, 3.0)) == 1
    assert len(completed_in(samples, 2.5, 3.0)) == 1


def test_the_bundled_locustfile_runs_alone(null: tuple[Target, Launch], tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(bundled.locustfiles() / "agent.py"), "--headless", "--users", "2",
         "--run-time", "1s", "--host", null[1].url, "--path", "/", "--requests", "", "--exit-code-on-error", "0"],
        env={**os.environ}, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "GET      /" in result.stdout + result.stderr
