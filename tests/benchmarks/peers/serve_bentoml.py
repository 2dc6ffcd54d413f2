"""A model behind BentoML: `python serve_bentoml.py MODEL PORT WINDOW`, in BentoML's own environment.

Becomes `bentoml serve`, which runs for production without `--development`: two workers, one session of one thread in
each, one call at a time in each, adaptive batches of at most 8. It finds the window itself; the longest latency is its
default, a minute, because it refuses requests that it expects to take longer.
"""

import os
import sys
from pathlib import Path

MODEL = "BENCHMARK_MODEL"


def main() -> None:
    model, port, _ = sys.argv[1:]
    os.environ |= {MODEL: model, "BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(Path.cwd() / "home")}
    here = Path(__file__).resolve().parent
    where = ["--host", "127.0.0.1", "--port", port, "--working-dir", str(here)]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", *where, "bentoml_service:Agent"])


if __name__ == "__main__":
    main()
