"""Whether p99 and throughput of an open loop are those that the law of the server makes of the arrivals.

    python tests/benchmarks/latency_truth.py [--repetitions 20] [--seconds 2] [--beside 5] [--beside-seconds 5]

Four laws of the null target at 100, 500 and 1,000 requests/s. The truth is the law applied to the intended moments of
all arrivals that were sent: it says what p99 is, and how many answers fall into the window. Of every run p99 must be
within 3 % or 1.5 ms of it, whichever is more, and throughput within 1 %; how many runs are even within 3 % or 0.3 ms is
shown. Beside it, what p99 of the server's own record is off from that truth: so much is due to when requests arrived
and how punctual the server was, and not to what the client saw of it.

Then our open loop and stock Locust take turns on the same server at 500, 1,000 and 2,000 requests/s. Each one's own p99
is held against the server's record of its run. Stock Locust is a pool of users that ask ten times a second, with its
`constant_throughput` and with its `poisson`; p99 is what it writes into its statistics.

At 100 requests/s a run takes 4 s, because no p99 exists below 368 requests. All of it takes 20 minutes.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from null import Law, Level, Run, believed, law, milliseconds, per_cent, progress, run
from stock import LOCUSTFILE, locust

from tuner.study.trial import DoubtKind, Failure
from tuner.study.workload import opened

PLAN = (
    (law("constant", 10.0), (100, 500, 1000)),
    (law("lognormal", 10.0, sigma=0.5), (100, 500, 1000)),
    (law("mdc", 7.0, servers=1), (100,)),
    (law("mdc", 7.0, servers=5), (500,)),
    (law("mdc", 7.0, servers=10), (1000,)),
    (law("batching", 12.0, max_batch=2, per_item_ms=1.0), (100,)),
    (law("batching", 7.2, max_batch=8, per_item_ms=0.5), (500,)),
    (law("batching", 7.2, max_batch=16, per_item_ms=0.25), (1000,)),
)
"""A launch each, with its rates; both queues are loaded to 0.7."""
BESIDE = law("lognormal", 10.0, sigma=0.5)
BESIDE_RATES = (500, 1000, 2000)
EACH_USER = 10
P99_SHARE, P99_FLOOR, FINE_FLOOR = 0.03, 0.0015, 0.0003
THROUGHPUT_SHARE = 0.01
LATE = {DoubtKind.LATE.value, DoubtKind.LOAD_PAUSE.value}


@dataclass(slots=True)
class Cell:
    """All runs of one law at one rate: the levels, how many of them were doubted, and how many launches failed."""

    levels: list[Level] = field(default_factory=list)
    doubted: int = 0
    failed: int = 0

    def add(self, level: Level, made: Run) -> None:
        """Add one run."""
        self.levels.append(level)
        at = f"at {level.reported.load}:"
        doubts = made.outcome.doubts if not isinstance(made.outcome, Failure) else ()
        self.doubted += any(doubt.kind.value in LATE and doubt.message.startswith(at) for doubt in doubts)

    def within(self, floor: float) -> int:
        """Count the runs whose p99 is within 3 % or `floor` seconds of the truth."""
        return sum(abs(level.error) <= max(P99_SHARE * level.truth, floor) for level in self.levels)

    @property
    def rate_errors(self) -> list[float]:
        """What throughput is off from the true one, as a share of it."""
        return [level.reported.throughput / level.throughput - 1.0 for level in self.levels]


def measured(law: Law, rates: Sequence[float], seconds: float, seed: int) -> tuple[Run, int]:
    """Measure one launch, once more if the measurement itself failed; return how often that was."""

    def attempt(number: int) -> Run:
        return run(law, opened(rates), Path(folder) / str(number), seconds=seconds, seed=seed)

    with tempfile.TemporaryDirectory() as folder:
        return believed(attempt)


def against_truth(repetitions: int, seconds: float) -> list[str]:
    """Print the first table; return what falls short."""
    cells = {(law.name, rate): Cell() for law, rates in PLAN for rate in rates}
    repeated = 0
    for repetition in range(repetitions):
        for one, rates in PLAN:
            made, again = measured(one, rates, seconds, repetition)
            repeated += again
            if isinstance(made.outcome, Failure):
                progress(f"{one.name} at {rates}: {made.outcome.reason}")
                for rate in rates:
                    cells[one.name, rate].failed += 1
            for rate, level in zip(rates, made.levels(), strict=False):
                cells[one.name, rate].add(level, made)
        progress(f"{repetition + 1} of {repetitions} repetitions")
    print("| law | requests/s | true p99 | p99 error | within 3 % or 1.5 ms | or 0.3 ms | server's own error ", end="")
    print("| throughput error | load doubted |\n|---|---|---|---|---|---|---|---|---|")
    short = []
    for (name, rate), cell in cells.items():
        print(row(name, rate, cell))
        short += shortfalls(f"{name} at {rate:,}", cell)
    print(f"\n{repeated} launches were repeated because the measurement failed")
    return short


def row(name: str, rate: float, cell: Cell) -> str:
    """Write one line: medians, from least to most."""
    count = len(cell.levels)
    truths = milliseconds([level.truth for level in cell.levels])
    errors = milliseconds([level.error for level in cell.levels])
    served = milliseconds([level.served - level.truth for level in cell.levels])
    kept = f"{cell.within(P99_FLOOR)} of {count} | {cell.within(FINE_FLOOR)} of {count}"
    rates = per_cent(cell.rate_errors)
    return f"| {name} | {rate:,} | {truths} | {errors} | {kept} | {served} | {rates} | {cell.doubted} |"


def shortfalls(name: str, cell: Cell) -> list[str]:
    """Say what a cell fails in."""
    count = len(cell.levels)
    found = [f"{name} failed {cell.failed} times"] if cell.failed else []
    if (kept := cell.within(P99_FLOOR)) < count:
        found.append(f"{name}: p99 of {count - kept} runs")
    if off := sum(abs(error) > THROUGHPUT_SHARE for error in cell.rate_errors):
        found.append(f"{name}: throughput of {off} runs")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a load generator says of one run, and p99 by the server's record; in seconds and per second."""

    p99: float
    rate: float
    served: float


def ours(rate: float, seconds: float, seed: int) -> Report | None:
    """Measure with our open loop; nothing where tuner gives no number."""
    made, _ = measured(BESIDE, (rate,), seconds, seed)
    for level in made.levels():
        return Report(p99=level.reported.p99.value, rate=level.reported.throughput, served=level.served)
    return None


def stock(wait: str) -> Callable[[float, float, int], Report | None]:
    """Measure with stock Locust and one of its waits."""

    def one(rate: float, seconds: float, seed: int) -> Report | None:  # noqa: ARG001
        users = round(rate / EACH_USER)
        with tempfile.TemporaryDirectory() as folder:
            found = locust(BESIDE, LOCUSTFILE, users, seconds, Path(folder), {"WAIT": wait})
        return Report(p99=found.p99, rate=found.rate, served=found.served)

    return one


GENERATORS: dict[str, Callable[[float, float, int], Report | None]] = {
    "tuner, open loop": ours,
    "stock Locust, constant_throughput": stock("constant_throughput"),
    "stock Locust, poisson": stock("poisson"),
}


def beside_locust(repetitions: int, seconds: float) -> None:
    """Print the second table: every generator takes its turn in each repetition."""
    found: dict[tuple[float, str], list[Report | None]] = {
        (rate, name): [] for rate in BESIDE_RATES for name in GENERATORS
    }
    for repetition in range(repetitions):
        for (rate, name), reports in found.items():
            reports.append(GENERATORS[name](rate, seconds, repetition))
        progress(f"{repetition + 1} of {repetitions} repetitions beside Locust")
    print("\n| requests/s | load generator | its p99 | the server's record | error | share of it | sent | no number |")
    print("|---|---|---|---|---|---|---|---|")
    for (rate, name), reports in found.items():
        told = [one for one in reports if one is not None]
        errors = [one.p99 - one.served for one in told]
        shares = [error / one.served for error, one in zip(errors, told, strict=True)]
        sent = f"{median(one.rate for one in told):,.0f}/s" if told else "–"
        print(
            f"| {rate:,} | {name} | {milliseconds([one.p99 for one in told])} | "
            f"{milliseconds([one.served for one in told])} | {milliseconds(errors)} | {per_cent(shares)} | {sent} | "
            f"{len(reports) - len(told)} |"
        )


def main() -> None:
    """Run, print the tables, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=2.0, help="measured at each rate")
    parser.add_argument("--beside", type=int, default=5, help="repetitions beside stock Locust")
    parser.add_argument("--beside-seconds", type=float, default=5.0)
    options = parser.parse_args()
    short = against_truth(options.repetitions, options.seconds) if options.repetitions else []
    if options.beside:
        beside_locust(options.beside, options.beside_seconds)
    need = "p99 within 3 % or 1.5 ms, throughput within 1 %, in every run"
    print(f"\nfalls short of {need}: {'; '.join(short)}" if short else f"\nholds: {need}")
    sys.exit(bool(short))


if __name__ == "__main__":
    main()
