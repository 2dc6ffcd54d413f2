"""What the order of the queue is worth: short and long requests mixed, at 0.85 of what the server can do.

    python tests/benchmarks/scheduling.py [--rounds 5] [--seconds 60]

First in virtual time, where the server's own queue meets Poisson arrivals and nothing disturbs it; then one real server
with one worker, whose discipline is changed while it runs, on the same arrivals in every round. Shortest job first with
ageing must cut the mean latency by at least 25 % against first in, first out, while the p99 of long requests grows at
most 1.6 times; fair shares must cut the p99 of a light tenant beside a flooding one at least by half. Judged are
medians of ratios on the same arrivals; latencies of the real server count from the intended start. Takes 16 minutes.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import urllib3
from models import write_by_length
from ours import serve as reference_agent
from serving import Server, keep_to_two_cores, running
from table import close, head, progress, row, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "targets" / "reference"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "targets" / "reference"))

from queue_simulation import LENGTHS, SHARES, Arrival, Served, p99, poisson, policy, serve
from reference_agent.queueing.policy import Discipline

LOAD, LIGHT = 0.85, 0.1
VIRTUAL_WORKERS, VIRTUAL_COUNT = 2, 30_000
CALIBRATION_SECONDS = 8.0
TOKEN = "of this benchmark"
MEAN_CUT, LONG_GROWTH, LIGHT_CUT = 0.75, 1.6, 0.5
DISCIPLINES = (Discipline.FIFO, Discipline.SJF, Discipline.FAIR)
Round = dict[Discipline, Served]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """What one round says, each against first in, first out on the same arrivals."""

    mean: float
    long: float
    light: float


def ratios(one: Round) -> Ratios:
    """Compare the disciplines of a round."""
    fifo, sjf, fair = (one[discipline] for discipline in DISCIPLINES)
    longest = max(LENGTHS)
    return Ratios(
        mean=float(sjf.latencies.mean() / fifo.latencies.mean()),
        long=p99(sjf.of(size=longest)) / p99(fifo.of(size=longest)),
        light=p99(fair.of(tenant="light")) / p99(fifo.of(tenant="light")),
    )


def virtual(seed: int) -> Round:
    """One round in virtual time."""
    arrivals = poisson(VIRTUAL_COUNT, LOAD, VIRTUAL_WORKERS, seed, light_tenants=LIGHT)
    return {discipline: serve(arrivals, policy(discipline), VIRTUAL_WORKERS) for discipline in DISCIPLINES}


class Client:
    """Sends requests of given lengths to one server; threads, because few run at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._pool = urllib3.PoolManager(maxsize=256, retries=False, timeout=120.0)
        self._bodies = {size: _body(size) for size in LENGTHS}

    def ask(self, size: int, tenant: str) -> None:
        """Send one request and wait for its answer."""
        self._send("POST", self._server.service.path, self._bodies[size], {"X-Tenant": tenant})

    def order(self, discipline: Discipline) -> None:
        """Change who is next."""
        self._send("PUT", "/v1/config", json.dumps({"scheduler": discipline}), {"Authorization": f"Bearer {TOKEN}"})

    def _send(self, method: str, path: str, body: str, headers: dict[str, str]) -> None:
        answer = self._pool.request(method, f"http://127.0.0.1:{self._server.port}{path}", body=body, headers=headers)
        if answer.status != 200:
            raise SystemExit(f"{method} {path} was answered with {answer.status}: {answer.data!r}")

    def capacity(self, seconds: float) -> float:
        """Requests per second of the mixed lengths when two are always there."""
        random, over = np.random.default_rng(0), time.perf_counter() + seconds
        sizes = [int(size) for size in random.choice(LENGTHS, 100_000, p=SHARES)]
        count, lock = iter(range(len(sizes))), threading.Lock()

        def one_after_the_other() -> int:
            done = 0
            while time.perf_counter() < over:
                with lock:
                    place = next(count)
                self.ask(sizes[place], "")
                done += 1
            return done

        with ThreadPoolExecutor(2) as threads:
            return sum(future.result() for future in [threads.submit(one_after_the_other) for _ in range(2)]) / seconds

    def play(self, arrivals: Sequence[Arrival]) -> Served:
        """Send every request at its moment, and return the latencies from then on."""
        latencies = np.full(len(arrivals), np.nan)
        started = time.perf_counter()

        def send(place: int) -> None:
            one = arrivals[place]
            self.ask(one.size, one.tenant)
            latencies[place] = time.perf_counter() - started - one.moment

        with ThreadPoolExecutor(256) as threads:
            futures = []
            for place, one in enumerate(arrivals):
                time.sleep(max(0.0, one.moment - (time.perf_counter() - started)))
                futures.append(threads.submit(send, place))
            for future in futures:
                future.result()
        return Served(arrivals=arrivals, latencies=latencies)


def _body(size: int) -> str:
    tensor = {"name": "input_ids", "datatype": "INT64", "shape": [1, size], "data": [7] * size}
    return json.dumps({"inputs": [tensor]})


def real(client: Client, rate: float, seconds: float, seed: int) -> Round:
    """One round on the real server: every discipline on the same arrivals, in a new order each time."""
    timeless = poisson(round(rate * seconds), 1.0, 1, seed, light_tenants=LIGHT)
    stretch = seconds / timeless[-1].moment
    arrivals = [Arrival(moment=one.moment * stretch, size=one.size, tenant=one.tenant) for one in timeless]
    played: Round = {}
    for place in np.random.default_rng(seed).permutation(len(DISCIPLINES)):
        discipline = DISCIPLINES[place]
        client.order(discipline)
        played[discipline] = client.play(arrivals)
        mean = played[discipline].latencies.mean() * 1e3
        progress(f"round {seed + 1}, {discipline}: mean {mean:.0f} ms of {len(arrivals)} requests")
    return played


def real_rounds(rounds: int, seconds: float) -> list[Round]:
    """All rounds on one server."""
    flags = ("--workers", "1", "--intra-op-threads", "1", "--queue-capacity", "4096")
    with tempfile.TemporaryDirectory() as temporary:
        model = write_by_length(Path(temporary), max(LENGTHS))
        with running(reference_agent("reference agent", model, *flags, token=TOKEN)) as server:
            client = Client(server)
            rate = LOAD * client.capacity(CALIBRATION_SECONDS)
            progress(f"{rate:.0f} requests/s are {LOAD:.0%} of what it answers")
            return [real(client, rate, seconds, seed) for seed in range(rounds)]


def report(title: str, rounds: Sequence[Round]) -> list[str]:
    """Print one table; return what falls short."""
    figures = [ratios(one) for one in rounds]
    print(f"\n{title}, {len(rounds)} rounds of {len(rounds[0][Discipline.FIFO].arrivals)} requests\n")
    head("", "mean, ms", "p99 of short", "p99 of long", "p99 of the light tenant")
    for discipline in DISCIPLINES:
        served = [one[discipline] for one in rounds]
        row(
            discipline,
            spread([float(one.latencies.mean()) for one in served], 1e3, 1),
            spread([p99(one.of(size=min(LENGTHS))) for one in served], 1e3, 1),
            spread([p99(one.of(size=max(LENGTHS))) for one in served], 1e3, 1),
            spread([p99(one.of(tenant="light")) for one in served], 1e3, 1),
        )
    claims = (
        ("mean, sjf over fifo", [one.mean for one in figures], MEAN_CUT),
        ("p99 of long requests, sjf over fifo", [one.long for one in figures], LONG_GROWTH),
        ("p99 of the light tenant, fair over fifo", [one.light for one in figures], LIGHT_CUT),
    )
    print()
    head("ratio", "median (least to most)", "must be")
    for name, values, bound in claims:
        row(name, spread(values, digits=2), f"at most {bound:g}")
    return [f"{title}: {name} is {median(values):.2f}" for name, values, bound in claims if median(values) > bound]


def main() -> None:
    """Run, print the tables, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of arrivals for each discipline in a round")
    options = parser.parse_args()
    keep_to_two_cores()
    short = report("Virtual time, two workers", [virtual(seed) for seed in range(options.rounds)])
    short += report("A real server, one worker", real_rounds(options.rounds, options.seconds))
    close(short, "mean, p99 of long requests, p99 of the light tenant")


if __name__ == "__main__":
    main()
