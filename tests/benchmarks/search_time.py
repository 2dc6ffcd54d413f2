"""How long `tuner search --budget 50` takes, how much of it is load, and what it leaves behind.

    python tests/benchmarks/search_time.py [--budget 50] [--out FOLDER --name NAME]

Runs the command of the README on the bundled agent, with the defaults. On 2 cores it must end within 10 minutes,
confirmation included, spend at least 85 % of that time under load, stay under 300 MB itself and leave no process.
Then a server that answers 200 requests a second is measured by the same protocol: a launch takes at most 10 s.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil
from null import Law, launch

from tuner.report.effort import effort
from tuner.report.verdict import verdict
from tuner.search.storage import read_study
from tuner.study.study import Study
from tuner.study.trial import Measurement
from tuner.study.workload import closed, standard

MOST_SECONDS = 600.0
LEAST_LOAD_SHARE = 0.85
MOST_MEMORY = 300e6
MOST_TRIAL_SECONDS = 10.0
REPEATS = 3
MARK = "SEARCH_TIME_BENCHMARK"


def run(budget: int, out: Path, name: str) -> tuple[float, int]:
    """Run the search; return its seconds and the most memory that the tuner itself used."""
    command = [sys.executable, "-m", "tuner", "search", "--budget", str(budget), "--out", str(out), "--name", name]
    started = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, MARK: str(os.getpid())})
    memory = 0
    while process.poll() is None:
        try:
            memory = max(memory, psutil.Process(process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.2)
    if process.wait() != 0:
        raise SystemExit(f"the search ended with exit code {process.returncode}")
    return time.monotonic() - started, memory


def left_behind() -> list[int]:
    """List the processes that still carry the mark of this run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(os.getpid()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def shares(study: Study) -> tuple[float, list[float]]:
    """Return the seconds under load of all launches, and those not under load of each that was measured."""
    outcomes = [item.outcome for item in (*study.trials, *study.confirmations)]
    measured = [outcome for outcome in outcomes if isinstance(outcome, Measurement)]
    rest = [sum(outcome.phases.values()) - outcome.load_seconds for outcome in measured]
    return sum(phase.seconds for phase in effort(study).phases if phase.under_load), rest


def at_known_rate(folder: Path) -> list[float]:
    """Return the seconds that launches by the default protocol take of a server that answers 200 a second."""
    law = Law(name="mdc", delay_ms=5.0, parameters={"servers": 1})
    workload = standard(closed((4, 32)))
    runs = [launch(law, workload, folder / str(number)) for number in range(REPEATS)]
    return [sum(made.outcome.phases.values()) for made in runs if isinstance(made.outcome, Measurement)]


def main() -> None:
    """Run, print the table, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=50)
    parser.add_argument("--out", type=Path, help="keep the study in this folder")
    parser.add_argument("--name", default="search-time", help="name of the study")
    options = parser.parse_args()
    budget = options.budget
    with tempfile.TemporaryDirectory() as temporary:
        out = options.out or Path(temporary)
        seconds, memory = run(budget, out, options.name)
        study = read_study(out / options.name)
        known = at_known_rate(Path(temporary) / "known")
    load, rest = shares(study)
    found = verdict(study)
    leftovers = left_behind()
    print(f"\n{'trials':<28}{len(study.trials)}")
    print(f"{'launches to confirm':<28}{len(study.confirmations)}")
    print(f"{'wall time':<28}{seconds:.0f} s (at most {MOST_SECONDS:.0f} s for 50 trials)")
    print(f"{'under load':<28}{load / seconds:.1%} (at least {LEAST_LOAD_SHARE:.0%})")
    trials = [sum(trial.outcome.phases.values()) for trial in study.trials]
    print(f"{'a trial':<28}median {median(trials):.2f} s, {min(trials):.2f} to {max(trials):.2f} s ")
    each = ", ".join(f"{value:.2f} s" for value in known)
    print(f"{'a trial at 200 requests/s':<28}{each} (at most {MOST_TRIAL_SECONDS:.0f} s)")
    print(f"{'not under load, a launch':<28}median {median(rest):.2f} s, {min(rest):.2f} to {max(rest):.2f} s")
    print(f"{'memory of tuner itself':<28}{memory / 1e6:.0f} MB (at most {MOST_MEMORY / 1e6:.0f} MB)")
    print(f"{'processes left':<28}{len(leftovers)}")
    if found.winner is not None:
        ratio = found.winner.throughput_ratio
        print(f"{'throughput / default':<28}{ratio.value:.2f} [{ratio.low or 0:.2f}, {ratio.high or 0:.2f}]")
    print(found.sentence)
    missed = [
        text
        for text, holds in {
            f"{seconds:.0f} s": seconds <= MOST_SECONDS * max(budget, 50) / 50,
            f"{load / seconds:.1%} under load": load / seconds >= LEAST_LOAD_SHARE,
            f"{memory / 1e6:.0f} MB": memory <= MOST_MEMORY,
            f"processes {leftovers} left": not leftovers,
            f"a trial at 200 requests/s: {each}": len(known) == REPEATS and max(known) <= MOST_TRIAL_SECONDS,
        }.items()
        if not holds
    ]
    print(f"falls short: {'; '.join(missed)}" if missed else "holds: time, share under load, memory, nothing left")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
