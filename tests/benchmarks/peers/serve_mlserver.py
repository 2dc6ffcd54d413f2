"""A model behind MLServer: `python serve_mlserver.py MODEL PORT WINDOW`, in MLServer's own environment.

Writes what `mlserver start` reads into the working folder, and becomes it. Set for production: two parallel workers,
adaptive batching, no debug mode (which logs every request). orjson comes with MLServer. The runtime is a custom one as
its documentation shows it, with NumpyCodec; MLServer merges and splits batches itself.
"""

import json
import os
import socket
import sys
from pathlib import Path

WORKERS = 2
MAX_BATCH_SIZE = 8


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    model, port, window = sys.argv[1:]
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": int(port),
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        "parallel_workers": WORKERS,
    }
    Path("settings.json").write_text(json.dumps(settings))
    agent = {
        "name": "search",
        "implementation": "mlserver_runtime.Agent",
        "max_batch_size": MAX_BATCH_SIZE,
        "max_batch_time": float(window),
        "parameters": {"uri": model},
    }
    Path("model-settings.json").write_text(json.dumps(agent))
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent)
    os.execv(sys.executable, [sys.executable, "-m", "mlserver.cli.main", "start", "."])


if __name__ == "__main__":
    main()
