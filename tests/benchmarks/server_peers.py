"""The bundled server beside other inference servers: the same model file, requests, answers, load and cores.

    python tests/benchmarks/server_peers.py [--repetitions 5] [--seconds 5] [--peers litserve mlserver bentoml ray]

Makes an environment for each peer in the cache, with the ONNX Runtime of this one. All have two workers with a session
of one thread, batches of at most 8, and what else their documentation advises, which `peers/` says and why. They take
the same request of the Open Inference Protocol in JSON. Round by round each is started, sends 64 right answers while
32 are under way (else the round is void), is warmed up, and driven by wrk over 32 connections, in turning order.

With the small model, 0.1 ms a row, ours must answer at least 3 times the requests of LitServe and of MLServer a
second, with p99 no longer than theirs. With the encoder, where the computing counts, the table only informs. A peer
that cannot be installed or does not serve is said to be missing, and that ends with 1 too.

Takes 6 minutes, and some more the first time.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from environments import environment, installed
from models import ENCODER, write_small
from ours import Layout, ours
from peer import PEERS, Peer
from serving import Load, Service, keep_to_two_cores, running
from table import close, disturbed, head, progress, row, spread

LEAST_TIMES = 3.0
WARM_UP_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One server in one round."""

    load: Load
    start: float
    """Seconds from exec to the first right answer."""
    memory: int
    """Bytes of all its processes, what they share counted once."""


Rounds = Mapping[str, Sequence[Turn]]
"""The turns of each server, ours first; a server that missed a round is left out."""


def take_turn(service: Service, seconds: float) -> Turn:
    """Start, verify, warm up, load, stop."""
    with running(service) as server:
        server.verify()
        server.warm_up(WARM_UP_SECONDS)
        load = server.load(seconds)
        memory = sum(one.proportional for one in server.memory())
        turn = Turn(load=load, start=server.start_seconds, memory=memory)
    told = f"{load.driven.throughput:.0f} requests/s, p99 {load.driven.p99 * 1e3:.1f} ms"
    progress(f"{service.model.stem}, {service.name}: {told}, other programs on {load.others:.2f} cores")
    return turn


def compare(services: Sequence[Service], repetitions: int, seconds: float) -> tuple[Rounds, list[str]]:
    """Let all take turns; return them, and who did not serve."""
    rounds: dict[str, list[Turn]] = {service.name: [] for service in services}
    missing: list[str] = []
    for number in range(repetitions):
        turned = number % len(services)
        for service in (*services[turned:], *services[:turned]):
            if service.name not in rounds:
                continue
            try:
                rounds[service.name].append(take_turn(service, seconds))
            except (RuntimeError, OSError, ValueError) as error:
                progress(f"{service.name}: {error}")
                missing.append(f"{service.name} did not serve {service.model.stem}")
                del rounds[service.name]
    return rounds, missing


def report(model: Path, rounds: Rounds, us: str) -> None:
    """Print one row a server."""
    columns = ("requests/s", "p50, ms", "p99, ms", "CPU, µs a request", "PSS, MB", "start, s", "ours / theirs")
    print()
    head(model.stem, *columns, "CPU of wrk", "other programs, cores")
    for name, turns in rounds.items():
        loads, driven = [turn.load for turn in turns], [turn.load.driven for turn in turns]
        row(
            name,
            spread([one.throughput for one in driven]),
            spread([one.p50 for one in driven], 1e3, 1),
            spread([one.p99 for one in driven], 1e3, 1),
            spread([load.cpu for load in loads], 1e6),
            spread([turn.memory for turn in turns], 1e-6),
            spread([turn.start for turn in turns], digits=2),
            spread(times(rounds[us], turns), digits=2) if us in rounds else "–",
            spread([one.cpu / max(1, one.requests) for one in driven], 1e6),
            spread([load.others for load in loads], digits=2),
        )
    disturbed([turn.load.others for turns in rounds.values() for turn in turns])


def times(our: Sequence[Turn], their: Sequence[Turn]) -> list[float]:
    """Return, round by round, how many of our answers there are for one of theirs."""
    pairs = zip(our, their, strict=True)
    return [ours.load.driven.throughput / max(theirs.load.driven.throughput, 1e-9) for ours, theirs in pairs]


def judge(rounds: Rounds, us: str, them: Sequence[str]) -> list[str]:
    """Return what falls short of what is needed with the small model."""
    if us not in rounds:
        return []  # said to be missing already
    short = []
    our_p99 = median(turn.load.driven.p99 for turn in rounds[us])
    for name in them:
        turns = rounds.get(name)
        if not turns:
            continue
        ratio, p99 = median(times(rounds[us], turns)), median(turn.load.driven.p99 for turn in turns)
        short += [f"{ratio:.2f} times {name}"] if ratio < LEAST_TIMES else []
        short += [f"p99 {our_p99 * 1e3:.1f} ms, of {name} {p99 * 1e3:.1f} ms"] if our_p99 > p99 else []
    return short


def errors(model: Path, rounds: Rounds) -> list[str]:
    """List the requests that were not answered."""
    counts = {name: sum(turn.load.driven.errors for turn in turns) for name, turns in rounds.items()}
    return [f"{name}: {count} errors with {model.stem}" for name, count in counts.items() if count]


def prepare(names: Sequence[str], window: float | None) -> tuple[dict[str, tuple[Peer, Path]], list[str]]:
    """Make the environments; return them by the names of the table, and who is missing."""
    found: dict[str, tuple[Peer, Path]] = {}
    missing = []
    for name in names:
        peer = PEERS[name] if window is None else replace(PEERS[name], window=window)
        try:
            python = environment(name, peer.requirements)
            found[f"{peer.package} {installed(python, peer.package)}"] = (peer, python)
        except RuntimeError as error:
            progress(f"{name} cannot be installed: {error}")
            missing.append(f"{name} cannot be installed")
    return found, missing


def main() -> None:
    """Run, print the tables, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="measured in each turn")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=["litserve", "mlserver"])
    parser.add_argument("--window", type=float, help="seconds that batches of all peers wait, to see what it changes")
    parser.add_argument("--isolation", choices=["process", "thread"], default="process", help="of ours")
    parser.add_argument("--workers", type=int, default=2, help="of ours")
    options = parser.parse_args()
    keep_to_two_cores()
    layout = Layout(isolation=options.isolation, workers=options.workers)
    peers, short = prepare(options.peers, options.window)
    judged = [name for name, (peer, _) in peers.items() if peer.judged]
    with tempfile.TemporaryDirectory() as folder:
        small = write_small(Path(folder))
        for model in (small, ENCODER):
            our = ours(model, layout)
            services = [our, *(peer.service(name, python, model) for name, (peer, python) in peers.items())]
            rounds, missing = compare(services, options.repetitions, options.seconds)
            report(model, rounds, our.name)
            short += [*missing, *errors(model, rounds)]
            short += judge(rounds, our.name, judged) if model == small else []
    close(short, f"at least {LEAST_TIMES:g} times LitServe and MLServer with the small model, at no longer p99")


if __name__ == "__main__":
    main()
