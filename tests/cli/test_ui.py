"""Locust's web UI on a server that tuner launched, and on one that was there."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.cli.program import nothing_is_left_of, tuner
from tuner.target.launch import free_port


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A verb that runs until Ctrl-C, and what it says when it is there."""
    command = [sys.executable, "-m", "tuner", *arguments]
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        process.stdout.close()


def test_the_web_ui_drives_a_target_on_loopback_only(tmp_path: Path) -> None:
    port = free_port()
    with running("ui", "--target", "null", "--port", str(port), cwd=tmp_path) as (process, said):
        found = re.fullmatch(rf"Locust's web UI: (http://127.0.0.1:{port}) drives (http://127.0.0.1:\d+) .*\n", said)
        assert found is not None, said
        page, url = found.groups()
        assert httpx.get(url).is_success
        swarm = {"user_count": "2", "spawn_rate": "2", "host": url}
        assert httpx.post(f"{page}/swarm", data=swarm).json()["success"]
        listening = {
            one.laddr.ip
            for child in psutil.Process(process.pid).children(recursive=True)
            for one in child.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
    assert nothing_is_left_of(tmp_path)


def test_a_document_tells_where_it_is(tmp_path: Path) -> None:
    port = free_port()
    with running("serve", "--target", "null", "--port", str(port), "--json", cwd=tmp_path) as (process, first):
        assert process.stdout is not None
        document = first + "".join(iter(process.stdout.readline, "}\n")) + "}"
        url = json.loads(document)["result"]["url"]
        assert url == f"http://127.0.0.1:{port}"
        with running("ui", "--target", "null", "--url", url, "--port", str(free_port()), cwd=tmp_path) as (_, told):
            assert f"drives {url} until Ctrl-C" in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--url", "127.0.0.1:8000"], "--url 127.0.0.1:8000: begin it with http"),
        (["--url", "http://127.0.0.1:8000", "--set", "delay_ms=3"], "--set configures a server that tuner launches"),
    ],
)
def test_bad_input(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    result = tuner("ui", "--target", "null", *arguments, cwd=tmp_path)
    assert (result.returncode, sentence in result.stderr) == (2, True)
