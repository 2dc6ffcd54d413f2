"""What a search over the variants of a model finds: how much faster, and at which price in accuracy.

    python tests/benchmarks/compression_gain.py [--agents search recommend drive] [--budget 16]

For each bundled agent the number format and the compression are searched, and every other knob stays at its default.
Each must find a configuration that answers at least twice as many requests a second as the default, at a p99 that is
no worse and within a point of its accuracy, confirmed in launches of its own.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from table import close, head, progress, row

from tuner.report.text import short
from tuner.report.verdict import Verdict, verdict
from tuner.search.storage import read_study
from tuner.study.study import Study
from tuner.study.trial import Measurement
from tuner.target import spec

AGENTS = ("search", "recommend", "drive")
SEARCHED = ("precision", "compression", "energy", "keep")
LEAST_GAIN = 2.0


def command(agent: str, budget: int, out: Path) -> list[str]:
    """The search of one agent, with what is not searched at its default."""
    target = spec.load("reference", {"agent": agent})
    default = target.space.default()
    held = {
        name: value
        for name, value in default.items()
        if name not in (*SEARCHED, *target.left_alone) and target.space.matters(name, default)
    }
    pinned = [part for name, value in held.items() for part in ("--set", f"{name}={value}")]
    search = [sys.executable, "-m", "tuner", "search", "--agent", agent, "--budget", str(budget), "--slo", "none"]
    return [*search, "--out", str(out), "--name", agent, *pinned]


def searched(agent: str, budget: int, out: Path) -> Study:
    """Search, and return what came of it."""
    progress(f"searching the variants of {agent}")
    done = subprocess.run(command(agent, budget, out), stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"the search of {agent} ended with exit code {done.returncode}")
    return read_study(out / agent)


def spent(study: Study) -> str:
    """What a request costs the default under the target load: CPU of its processes, and computing on the clock."""
    default = study.default_trial
    launches = [launch.outcome for launch in study.confirmations if default and launch.trial == default.number]
    levels = [outcome.levels[-1] for outcome in launches if isinstance(outcome, Measurement)]
    return " / ".join(
        f"{median(value for level in levels if (value := getattr(level, name)) is not None) * 1000:.2f}"
        for name in ("cpu_per_request", "server_compute")
    )


def tell(agent: str, study: Study, said: Verdict) -> str | None:
    """Print what was found, and return in what it falls short."""
    winner = said.winner
    if winner is None:
        row(agent, "none is better than the default", "", spent(study), said.sentence)
        return f"{agent}: nothing found"
    ratio = winner.throughput_ratio
    gain = f"{ratio.value:.2f} [{ratio.low or 0:.2f}, {ratio.high or float('inf'):.2f}]"
    row(agent, short(winner.configuration, study.default), gain, spent(study), said.sentence)
    return None if ratio.value >= LEAST_GAIN else f"{agent}: {gain}"


def main() -> None:
    """Search each agent, print the table, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", nargs="+", choices=AGENTS, default=AGENTS)
    parser.add_argument("--budget", type=int, default=16)
    parser.add_argument("--out", type=Path, help="keep the studies in this folder")
    options = parser.parse_args()
    agents: Sequence[str] = options.agents
    with tempfile.TemporaryDirectory() as temporary:
        studies = {agent: searched(agent, options.budget, options.out or Path(temporary)) for agent in agents}
    head("agent", "found", "× default's throughput", "default's CPU / compute a request, ms", "verdict")
    missed = [tell(agent, study, verdict(study)) for agent, study in studies.items()]
    close([text for text in missed if text], f"{LEAST_GAIN:g} times the default's throughput")


if __name__ == "__main__":
    main()
