"""Load from somewhere else: two `tuner worker` come in where `tuner measure` waits for them."""

import re
import signal
import subprocess
import sys
from pathlib import Path

from tuner.target.launch import free_port


def test_workers_of_ones_own_make_the_load(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    start = [sys.executable, "-m", "tuner"]
    worker = [*start, "worker", address, "--target", "null"]
    workers = [subprocess.Popen(worker, cwd=tmp_path, stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        measure = [*start, "measure", "--target", "null", "--users", "4", "--load-processes", "2"]
        result = subprocess.run(
            [*measure, "--load-master", address, "--out", "out"],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
    finally:
        for process in workers:
            process.send_signal(signal.SIGINT)
        endings = [process.wait(20) for process in workers]
    assert re.search(r"4 users .* req/s", result.stdout)
    assert endings == [130, 130]
