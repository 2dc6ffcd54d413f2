"""What the bundled server loses of what ONNX Runtime alone does on the same two cores, and what it takes to start.

    python tests/benchmarks/server_ceiling.py [--repetitions 5] [--seconds 5] [--isolation process --workers 2]

The encoder is the bundled model. Two callers in two processes, a session of one thread each, compute batches of 8 as
fast as they can: that is the ceiling. In turn with them the server, with two workers and batches of at most 8, is
driven by wrk over 32 connections, with tensors in JSON as people write them, 64 tokens a request. It must reach 95 %
of the ceiling, although wrk takes its share of the same cores, with p99 at most 1.6 times p50.

The small model takes about 0.1 ms a row, so that what the server adds shows: the CPU of all its processes a request,
less that of ONNX Runtime in process at the batch size that the server's metrics report. At most 150 µs, and 100 µs
wanted, in the layout that adds least. From exec to the first right answer at most 1 s, at most 150 MB in a process.

Takes 6 minutes.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from inprocess import InProcess, callers, cpu_a_row
from models import ENCODER, write_small
from ours import MAX_BATCH_SIZE, PROCESSES, Layout, batches, mean_batch, ours
from serving import Load, Memory, keep_to_two_cores, running
from table import close, disturbed, head, progress, row, spread

LEAST_OF_CEILING = 0.95
MOST_TAIL = 1.6
MOST_OVERHEAD, WANTED_OVERHEAD = 150e-6, 100e-6
MOST_START_SECONDS = 1.0
MOST_MEMORY = 150e6
LAYOUTS = (Layout(isolation="process", workers=1), PROCESSES, Layout(isolation="thread", workers=1))
WARM_UP_SECONDS = 2.0
ALONE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """The server between two halves of the ceiling, once."""

    before: InProcess
    after: InProcess
    load: Load

    @property
    def ceiling(self) -> float:
        """Rows per second of ONNX Runtime alone."""
        return (self.before.throughput + self.after.throughput) / 2

    @property
    def alone(self) -> float:
        """CPU seconds of ONNX Runtime a row."""
        return (self.before.cpu + self.after.cpu) / 2

    @property
    def reached(self) -> float:
        """The share of the ceiling that became answers."""
        return self.load.driven.throughput / self.ceiling

    @property
    def tail(self) -> float:
        """How much longer slow requests take than usual ones."""
        return self.load.driven.p99 / self.load.driven.p50


@dataclass(frozen=True, slots=True, kw_only=True)
class Adding:
    """What the server adds to a small model, once."""

    load: Load
    batch: float
    """Rows, on average."""
    alone: float
    """CPU seconds of ONNX Runtime a row, in process."""

    @property
    def overhead(self) -> float:
        """CPU seconds a request that are not ONNX Runtime's."""
        return self.load.cpu - self.alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """Launches of one layout: seconds to the first right answer, and memory after load."""

    seconds: list[float]
    memory: list[Memory]


def encode(layout: Layout, seconds: float) -> Encoding:
    """Let the server compute the encoder, and the callers before and after it."""
    before = callers(ENCODER, MAX_BATCH_SIZE, seconds / 2)
    with running(ours(ENCODER, layout)) as server:
        server.verify()
        server.warm_up(WARM_UP_SECONDS)
        load = server.load(seconds)
    made = Encoding(before=before, after=callers(ENCODER, MAX_BATCH_SIZE, seconds / 2), load=load)
    progress(f"encoder: {made.reached:.1%} of the ceiling, p99 {made.tail:.2f} times p50, {others(made.load)}")
    return made


def add(model: Path, layout: Layout, seconds: float) -> Adding:
    """Let the server compute the small model, then ONNX Runtime alone at the same batch size."""
    with running(ours(model, layout)) as server:
        server.verify()
        server.warm_up(WARM_UP_SECONDS)
        before = batches(server)
        load = server.load(seconds)
        batch = mean_batch(before, batches(server))
    made = Adding(load=load, batch=batch, alone=cpu_a_row(model, batch, min(seconds, ALONE_SECONDS)))
    progress(f"small model, {layout}: {made.overhead * 1e6:.0f} µs a request added, {others(load)}")
    return made


def start(layout: Layout, times: int) -> Starting:
    """Start the server as often as asked for, and load the last one."""
    seconds: list[float] = []
    memory: list[Memory] = []
    while len(seconds) < times:
        with running(ours(ENCODER, layout)) as server:
            seconds.append(server.start_seconds)
            if len(seconds) == times:
                server.warm_up(WARM_UP_SECONDS)
                memory = server.memory()
    progress(f"start, {layout}: {spread(seconds, digits=2)} s")
    return Starting(seconds=seconds, memory=memory)


def others(load: Load) -> str:
    """Tell how far a run was disturbed."""
    return f"other programs on {load.others:.2f} cores"


def report_encoded(layout: Layout, runs: Sequence[Encoding]) -> list[str]:
    """Print what became of the ceiling; return what falls short."""
    reached, tail = [run.reached for run in runs], [run.tail for run in runs]
    loads = [run.load for run in runs]
    driven = [load.driven for load in loads]
    head(f"encoder, {layout}", "median (least to most)", "needed")
    row("ONNX Runtime alone, rows/s", spread([run.ceiling for run in runs]), "–")
    row("server, requests/s", spread([one.throughput for one in driven]), "–")
    row("server / alone", spread(reached, 100, 1) + " %", f"at least {LEAST_OF_CEILING:.0%}")
    row("p50, ms", spread([one.p50 for one in driven], 1e3, 1), "–")
    row("p99, ms", spread([one.p99 for one in driven], 1e3, 1), "–")
    row("p99 / p50", spread(tail, digits=2), f"at most {MOST_TAIL}")
    row("CPU of ONNX Runtime alone, µs a row", spread([run.alone for run in runs], 1e6), "–")
    row("CPU of the server, µs a request", spread([load.cpu for load in loads], 1e6), "–")
    row("CPU of wrk, µs a request", spread([one.cpu / one.requests for one in driven], 1e6), "–")
    row("other programs, cores", spread([load.others for load in loads], digits=2), "–")
    disturbed([load.others for load in loads])
    short = [f"{median(reached):.1%} of the ceiling"] if median(reached) < LEAST_OF_CEILING else []
    short += [f"p99 is {median(tail):.2f} times p50"] if median(tail) > MOST_TAIL else []
    return short + errors("encoder", loads)


def report_added(added: Mapping[Layout, Sequence[Adding]]) -> list[str]:
    """Print what the server adds in each layout; return what falls short."""
    print()
    columns = ("requests/s", "p50, ms", "p99, ms", "rows a batch", "CPU, µs a request", "of it ONNX Runtime", "added")
    head("small model", *columns, "CPU of wrk", "other programs, cores")
    short = []
    for layout, runs in added.items():
        driven, loads = [run.load.driven for run in runs], [run.load for run in runs]
        row(
            str(layout),
            spread([one.throughput for one in driven]),
            spread([one.p50 for one in driven], 1e3, 1),
            spread([one.p99 for one in driven], 1e3, 1),
            spread([run.batch for run in runs], digits=1),
            spread([load.cpu for load in loads], 1e6),
            spread([run.alone for run in runs], 1e6),
            spread([run.overhead for run in runs], 1e6),
            spread([one.cpu / one.requests for one in driven], 1e6),
            spread([load.others for load in loads], digits=2),
        )
        short += errors(f"small model, {layout}", loads)
    disturbed([run.load.others for runs in added.values() for run in runs])
    best = min(median(run.overhead for run in runs) for runs in added.values())
    print(f"\nadded at best: {best * 1e6:.0f} µs", end=" ")
    print(f"(at most {MOST_OVERHEAD * 1e6:.0f} µs, wanted {WANTED_OVERHEAD * 1e6:.0f} µs)")
    return [f"{best * 1e6:.0f} µs added to a request", *short] if best > MOST_OVERHEAD else short


def report_started(started: Mapping[Layout, Starting]) -> list[str]:
    """Print what a start takes in each layout; return what falls short."""
    print()
    head("start with 9.7 MB", "seconds to a right answer", "front, RSS / PSS in MB", "workers, each", "all, PSS")
    short = []
    for layout, found in started.items():
        processes = sorted(found.memory, key=lambda one: one.worker)
        each = [f"{one.resident / 1e6:.0f} / {one.proportional / 1e6:.0f}" for one in processes]
        everything = f"{sum(one.proportional for one in processes) / 1e6:.0f}"
        row(str(layout), spread(found.seconds, digits=2), each[0], ", ".join(each[1:]) or "–", everything)
        if median(found.seconds) > MOST_START_SECONDS:
            short.append(f"{median(found.seconds):.2f} s to start, {layout}")
        most = max(one.resident for one in processes)
        if most > MOST_MEMORY:
            short.append(f"{most / 1e6:.0f} MB in a process, {layout}")
    return short


def errors(what: str, loads: Sequence[Load]) -> list[str]:
    """List the requests that were not answered."""
    count = sum(load.driven.errors for load in loads)
    return [f"{what}: {count} errors"] if count else []


def main() -> None:
    """Run, print the tables, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5.0, help="measured in each run")
    parser.add_argument("--isolation", choices=["process", "thread"], help="only this layout, not the usual three")
    parser.add_argument("--workers", type=int, default=2, help="of that layout")
    options = parser.parse_args()
    keep_to_two_cores()
    chosen = Layout(isolation=options.isolation, workers=options.workers) if options.isolation else None
    layouts, full = ((chosen,), chosen) if chosen else (LAYOUTS, PROCESSES)
    encoded = [encode(full, options.seconds) for _ in range(options.repetitions)]
    added: dict[Layout, list[Adding]] = {layout: [] for layout in layouts}
    with tempfile.TemporaryDirectory() as folder:
        small = write_small(Path(folder))
        for _ in range(options.repetitions):
            for layout, runs in added.items():
                runs.append(add(small, layout, options.seconds))
    started = {layout: start(layout, options.starts) for layout in layouts}
    short = [*report_encoded(full, encoded), *report_added(added), *report_started(started)]
    close(short, "share of the ceiling, tail, CPU added, start, memory")


if __name__ == "__main__":
    main()
