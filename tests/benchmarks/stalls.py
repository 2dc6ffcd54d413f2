"""Whether a server that stalls for 1 s in every 10 s is reported as its users feel it.

    python tests/benchmarks/stalls.py [--repetitions 5] [--seconds 30]

The null target takes 5 ms, and lets no answer through in the last second of every ten. In open loop at 100 requests/s
the reported p99 must lie within 5 % of the truth, which is the law applied to every arrival that was sent. In closed
loop with 10 users the same server looks fast; the measurement must say that it cannot see stalls. Beside them stock
Locust with the bundled locustfile for the closed loop, as it prints p99 itself. Takes 2 minutes a repetition.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from null import Run, believed, law, milliseconds, per_cent, progress, run
from stock import Reported, locust

from tuner import bundled
from tuner.study.trial import DoubtKind, Measurement
from tuner.study.workload import Load, closed, opened

STALLING = law("stall", 5.0, stall_s=1.0, stall_every_s=10.0)
LONG_RUN = 0.905
"""p99 of infinitely many arrivals: a tenth of them wait for up to 1 s, so one in a hundred for more than 0.9 s."""
RATE, USERS = 100, 10
TOLERANCE = 0.05


def measured(load: Load, folder: Path, seconds: float, repetition: int) -> Run:
    """Measure the stalling server under one load; each repetition has arrivals of its own."""

    def attempt(number: int) -> Run:
        return run(STALLING, [load], folder / str(number), seconds=seconds, seed=repetition)

    made, _ = believed(attempt)
    return made


def alone(folder: Path, seconds: float) -> Reported:
    """Let stock Locust drive the closed loop."""
    requests = {"AGENT_PATH": "/", "AGENT_REQUESTS": "", "AGENT_FIELD": ""}
    return locust(STALLING, bundled.locustfiles() / "agent.py", USERS, seconds, folder, requests)


def main() -> None:
    """Run, print the table, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30.0, help="measured in each run")
    options = parser.parse_args()
    arrivals, users, stock = [], [], []
    for repetition in range(options.repetitions):
        with tempfile.TemporaryDirectory() as temporary:
            folder, seconds = Path(temporary), options.seconds
            arrivals.append(measured(opened((RATE,))[0], folder / "open", seconds, repetition))
            users.append(measured(closed((USERS,))[0], folder / "closed", seconds, repetition))
            stock.append(alone(folder / "stock", seconds))
        told = "; ".join(sorted(arrivals[-1].doubts)) or "none"
        progress(f"{repetition + 1} of {options.repetitions}, doubts about the open loop: {told}")
    short = report(arrivals, users, stock)
    need = f"p99 in open loop within {TOLERANCE:.0%} of the truth, the closed loop doubted"
    print(f"\nfalls short of {need}: {'; '.join(short)}" if short else f"\nholds: {need}")
    sys.exit(bool(short))


def report(arrivals: Sequence[Run], users: Sequence[Run], stock: Sequence[Reported]) -> list[str]:
    """Print the table; return what falls short."""
    levels = [level for made in arrivals for level in made.levels()]
    errors = [level.error / level.truth for level in levels]
    closed_p99s = [made.outcome.target.p99.value for made in users if isinstance(made.outcome, Measurement)]
    doubted = sum(DoubtKind.STALL.value in made.doubts for made in users)
    locust_p99s = [one.p99 for one in stock]
    print("| load | reported p99 | truth of the schedule | error | says that it cannot see stalls |")
    print("|---|---|---|---|---|")
    print(
        f"| open loop, {RATE} requests/s | {milliseconds([level.reported.p99.value for level in levels])} | "
        f"{milliseconds([level.truth for level in levels])} | {per_cent(errors)} | – |"
    )
    truth = f"{LONG_RUN * 1e3:.0f} ms for arrivals"
    print(
        f"| closed loop, {USERS} users | {milliseconds(closed_p99s)} | {truth} | "
        f"{per_cent([value / LONG_RUN - 1.0 for value in closed_p99s])} | {doubted} of {len(users)} |"
    )
    print(
        f"| stock Locust, {USERS} users | {milliseconds(locust_p99s)} | {truth} | "
        f"{per_cent([value / LONG_RUN - 1.0 for value in locust_p99s])} | no |"
    )
    print(f"\nOpen loop from the long-run {LONG_RUN * 1e3:.0f} ms: ", end="")
    print(per_cent([level.reported.p99.value / LONG_RUN - 1.0 for level in levels]))
    short = [f"{len(arrivals) - len(levels)} runs in open loop failed"] if len(levels) < len(arrivals) else []
    short += [f"open loop is off by {error:.1%}" for error in errors if abs(error) > TOLERANCE]
    return short + ([f"{len(users) - doubted} closed loops without a doubt"] if doubted < len(users) else [])


if __name__ == "__main__":
    main()
