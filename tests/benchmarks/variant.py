"""One variant of a model, alone in a process: it answers requests, and tells how many rows a second it computes.

    python tests/benchmarks/variant.py AGENT MODEL PROVIDER RUNTIMES

Reads commands from standard input, one a line, and answers each with one line of JSON:
`answers BATCH MOST` gives what it decides for the first requests of the final test set, computed in batches;
`rate BATCH SECONDS` gives the rows a second that one thread computes in batches of that size.
"""

import json
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import Any

from reference_agent.agents import AGENTS, HOME
from reference_agent.inference.resources import Resources
from reference_agent.inference.runtimes import lay_over, overlay


class Variant:
    """A loaded model and the requests that it is asked."""

    def __init__(self, name: str, path: Path, provider: str) -> None:
        from reference_agent.inference.model import Model  # once it is known which ONNX Runtime computes

        self._agent = AGENTS[name]
        self._model = Model.load(self._agent, path, Resources(execution_provider=provider, intra_op_threads=1))
        self._signature = self._model.description.signature
        lines = (HOME / "data" / f"{name}_test.jsonl").read_text(encoding="utf-8").splitlines()
        self._documents = [json.loads(line)["request"] for line in lines]
        self._rows = [self._agent.read(document, self._signature) for document in self._documents]

    def answers(self, batch: str, most: str) -> list[Any]:
        """Decide for the first requests."""
        chosen = self._batches(int(batch))[: int(most) // int(batch)]
        scores = [row.tolist() for some in chosen for row in self._model.run(some)]
        return [self._decision(*one) for one in zip(scores, self._rows, self._documents, strict=False)]

    def rate(self, batch: str, seconds: str) -> float:
        """Compute whole batches for so many seconds."""
        whole = [some for some in self._batches(int(batch)) if len(some) == int(batch)]
        started, rows = time.perf_counter(), 0
        for some in cycle(whole):
            self._model.run(some)
            rows += len(some)
            if (elapsed := time.perf_counter() - started) > float(seconds):
                break
        return rows / elapsed

    def _batches(self, size: int) -> list[list[bytes]]:
        return [self._rows[start : start + size] for start in range(0, len(self._rows), size)]

    def _decision(self, scores: list[float], row: bytes, document: Any) -> Any:
        scored = self._agent.scored(len(row) // self._signature.element_bytes, self._signature)
        return self._agent.decide(scores[:scored], document, self._signature)["decision"]


def main() -> None:
    """Load, say so, and do what is asked until the input ends."""
    name, path, provider, runtimes = sys.argv[1:]
    lay_over(overlay(runtimes, provider))
    variant = Variant(name, Path(path), provider)
    print("ready", flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        print(json.dumps({"answers": variant.answers, "rate": variant.rate}[command](*arguments)), flush=True)


if __name__ == "__main__":
    main()
