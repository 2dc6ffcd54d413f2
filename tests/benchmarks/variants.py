"""What every variant of the bundled models costs and gains: the table of precisions, compressions and providers.

    python tests/benchmarks/variants.py [--agents search recommend drive] [--batches 1 8 32] [--rounds 5]

Every variant that works here is built by the target's own [prepare]. Then all variants of an agent compute in turns,
one thread each, the requests of the final test set; a ratio is that of a variant to fp32 in the same round. Decisions
in batches of 8 are compared, request by request, with those of fp32. An int8 of search and one of drive must give 1.7
times the throughput of fp32, each at its best batch size, and lose less than half a point of accuracy.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from built import HOME, Built, Running, build
from table import close, head, progress, row, spread

from tuner.statistics.paired import Difference, compared
from tuner.target import spec
from tuner.target.spec import Target

AGENTS = ("search", "recommend", "drive")
JUDGED = ("search", "drive")
LEAST_GAIN, MOST_LOSS = 1.7, 0.005
COMPARED_BATCH, ASKED_ALONE = 8, 400
SECONDS = 0.3
"""That a variant computes in each round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was measured of one variant: its accuracy less that of fp32, and rows a second by batch size and round."""

    built: Built
    accuracy: float
    difference: Difference
    changed: float
    """Share of the decisions that are others in a batch than alone."""
    rates: dict[int, list[float]]

    def gains(self, base: "Found", batch: int) -> list[float]:
        """Throughput over that of fp32, round by round."""
        return [ours / theirs for ours, theirs in zip(self.rates[batch], base.rates[batch], strict=True)]

    @property
    def best(self) -> float:
        """The throughput at its best batch size."""
        return max(map(median, self.rates.values()))


def expected(agent: str) -> list[Any]:
    """The right answers of the final test set."""
    lines = (HOME / "data" / f"{agent}_test.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["answer"] for line in lines]


def measure(target: Target, built: Sequence[Built], batches: Sequence[int], rounds: int) -> list[Found]:
    """Let all variants of an agent decide, then compute in turns."""
    started = [Running(one, str(target.names["runtimes"])) for one in built]
    running = [one for one in started if one.works]
    right = expected(built[0].agent)
    rates: list[dict[int, list[float]]] = [{batch: [] for batch in batches} for _ in running]
    together = [one.ask("answers", COMPARED_BATCH, len(right)) for one in running]
    alone = [one.ask("answers", 1, ASKED_ALONE) for one in running]
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        for batch in batches:
            for one, measured in zip(running, rates, strict=True):
                measured[batch].append(one.ask("rate", batch, SECONDS))
    for one in started:
        one.close()
    return [
        Found(
            built=one.built,
            accuracy=sum(map(_same, given, right)) / len(right),
            difference=_difference(given, together[0], right),
            changed=1.0 - sum(map(_same, given, lonely)) / len(lonely),
            rates=measured,
        )
        for one, given, lonely, measured in zip(running, together, alone, rates, strict=True)
    ]


def _same(one: object, other: object) -> bool:
    return one == other


def _difference(given: Sequence[Any], base: Sequence[Any], right: Sequence[Any]) -> Difference:
    pairs = [(one == answer, other == answer) for one, other, answer in zip(given, base, right, strict=True)]
    return compared(pairs.count((True, False)), pairs.count((False, True)), len(pairs))


def tell(found: Sequence[Found], batches: Sequence[int]) -> None:
    """Print the table of one agent."""
    base = found[0]
    alone = ", ".join(f"{median(base.rates[batch]):,.0f} at {batch}" for batch in batches)
    print(f"\n**{base.built.agent}**: fp32 computes {alone}; accuracy {base.accuracy:.1%} of {base.difference.total}\n")
    columns = [f"× fp32, {batch} a batch" for batch in batches]
    head("precision", "compression", "provider", "MB", *columns, "accuracy, points", "changed by its batch", "built, s")
    for one in found:
        loss = one.difference
        row(
            one.built.precision,
            one.built.compression,
            one.built.provider.removesuffix("ExecutionProvider"),
            f"{one.built.model.stat().st_size / 1e6:.2f}",
            *(spread(one.gains(base, batch), 1.0, 2) for batch in batches),
            f"{loss.value * 100:+.2f} [{loss.low * 100:+.2f}, {loss.high * 100:+.2f}]",
            f"{one.changed:.2%}",
            f"{one.built.seconds:.1f}",
        )


def shortcomings(found: Sequence[Found]) -> list[str]:
    """What these variants do not reach."""
    agent, base = found[0].built.agent, found[0]
    plain = [one for one in found if (one.built.compression, one.built.provider) == ("none", base.built.provider)]
    eighths = [one for one in plain if one.built.precision.startswith("int8")]
    good = [one for one in eighths if -one.difference.value < MOST_LOSS]
    gain = max((one.best / base.best for one in good), default=0.0)
    print(f"\nint8 within half a point: {gain:.2f} times the throughput of fp32, each at its best batch size")
    return [f"{agent}: {gain:.2f}"] if agent in JUDGED and gain < LEAST_GAIN else []


def main() -> None:
    """Build, measure, print the tables, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", nargs="+", choices=AGENTS, default=AGENTS)
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    short: list[str] = []
    for agent in options.agents:
        with tempfile.TemporaryDirectory() as cache:
            progress(f"building the variants of {agent}")
            target = spec.load("reference", {"agent": agent})
            found = measure(target, build(target, Path(cache)), options.batches, options.rounds)
            tell(found, options.batches)
            short += shortcomings(found)
    close(short, f"int8 at {LEAST_GAIN:g} times the throughput of fp32")


if __name__ == "__main__":
    main()
