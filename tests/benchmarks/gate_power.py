"""How often `tuner gate` cries wolf, how often it sees that something became slower, and how long it takes.

    python tests/benchmarks/gate_power.py [--gates 40] [--fresh | --agent search] [--set KNOB=VALUE ...] [--change 10]
        [--users 8] [--seconds 1] [--at-most 3min] [--record gates.jsonl] [--simulated 2000]

Gates with no change and gates with a planted one, in turns, each by the program itself. The target is the null target
with lognormal delays of a known median, 10 ms and 10 % more. They are the same ones at every launch, so that nothing
but the machine scatters; with `--fresh` every launch draws others, and its p99 scatters as a sample does. With
`--agent` it is a bundled agent, and a copy of it whose every computation takes 10 % longer, which is less than 10 % of
a request; `--set` holds knobs of both sides.
False alarms may be at most 5 %, detections must be at least 90 %, and no gate may take longer than it may. Load and
time of a launch are a gate's own, so that 80 gates take up to four hours; `--users 8 --seconds 1` make it some 30
minutes.

Every gate is appended to the record, which a later call with the same options goes on with. The second table is a
simulation: the gate's own code, on rounds that are drawn with replacement from the recorded ones, with what was planted
taken out and other changes put in. It says what so few real gates cannot: the error where p99 changes by exactly what
is allowed.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from models import REPOSITORY
from replayed import Ended, Played, ended, played, read, scatter, simulated, write
from table import close, head, progress, row

from tuner.gate.effect import Figure, Limit, Ruling
from tuner.gate.result import Described, Gate, Settings, load_gate
from tuner.statistics.paired import wilson
from tuner.study.workload import closed, standard
from tuner.units import parse_seconds

LIMITS = (Limit(figure=Figure.P99, ratio=1.05), Limit(figure=Figure.THROUGHPUT, ratio=0.95))
MOST_FALSE_ALARMS, LEAST_DETECTED = 0.05, 0.90
DELAY_MS, SEED = 10.0, 1
VERDICTS = (0, 5, 6)
"""The exit codes of a gate that came to an end."""
REFERENCE = REPOSITORY / "targets" / "reference"
SLOWER = """

from time import perf_counter

_run = Model.run


def _slower(self, *arguments, **named):
    began = perf_counter()
    result = _run(self, *arguments, **named)
    until = perf_counter() + SHARE * (perf_counter() - began)
    while perf_counter() < until:
        pass
    return result


Model.run = _slower
"""
"""What is planted at the end of the agent's `inference/model.py`: each computation takes longer by a share."""


def command(options: argparse.Namespace, number: int, changed: bool, folder: Path) -> list[str]:
    """Return the command of one gate."""
    words = ["gate", *_sides(options, changed, folder), "--seed", str(number), "--at-most", options.at_most]
    words += ["--max-p99", "+5%", "--min-throughput", "-5%", "--out", str(folder), "--quiet"]
    words += [word for knob in options.set for word in ("--set", knob)]
    if options.users is not None:
        words += ["--users", str(options.users)]
    if options.seconds is not None:
        words += ["--measure-at-most", f"{options.seconds}s"]
    return [sys.executable, "-m", "tuner", *words]


def _sides(options: argparse.Namespace, changed: bool, folder: Path) -> list[str]:
    if options.agent is not None:
        target = _slower(options.change, folder / "slower") if changed else REFERENCE
        return ["--target", str(target), "--agent", options.agent, "--baseline", str(REFERENCE)]
    baseline = folder / "baseline.toml"
    baseline.write_text(f"[set]\ndelay_ms = {DELAY_MS}\n", encoding="utf-8")
    delay = DELAY_MS * (1.0 + options.change / 100.0) if changed else DELAY_MS
    draws = ["--law-seed", "random"] if options.fresh else []
    return [
        "--target",
        "null",
        "--law",
        "lognormal",
        *draws,
        "--set",
        f"delay_ms={delay:g}",
        "--baseline",
        str(baseline),
    ]


def _slower(change: float, copy: Path) -> Path:
    if not copy.exists():
        shutil.copytree(REFERENCE, copy)
        with (copy / "reference_agent" / "inference" / "model.py").open("a", encoding="utf-8") as file:
            file.write(SLOWER.replace("SHARE", str(change / 100.0)))
    return copy


def play(options: argparse.Namespace, number: int, changed: bool, folder: Path) -> tuple[Gate, float]:
    """Run one real gate; return it, and how long the program took."""
    began = time.monotonic()
    words = command(options, number, changed, folder)
    program = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if program.returncode not in VERDICTS:
        sys.exit(f"gate {number + 1} ended with {program.returncode}: {program.stderr}")
    (path,) = folder.glob("gate-*/gate.json")
    gate = load_gate(path.read_text(encoding="utf-8"))
    shutil.rmtree(path.parent)
    return gate, seconds


def real(options: argparse.Namespace, record: Path) -> tuple[list[Ended], list[Played]]:
    """Run the gates that the record does not have yet, without a change and with it in turns."""
    gates, rounds = read(record, _made_by(options))
    with tempfile.TemporaryDirectory(prefix="tuner-power-") as name, record.open("a", encoding="utf-8") as file:
        for number in range(len(gates), 2 * options.gates):
            changed = number % 2 == 1
            gate, seconds = play(options, number, changed, Path(name))
            one, of_it = ended(gate, number, changed, seconds), played(gate, number, changed)
            write(file, one, of_it)
            gates.append(one)
            rounds += of_it
            told = f"{_name(options, one.changed)}, {one.ruling} after {one.rounds} rounds, {one.seconds:.0f} s"
            progress(f"gate {number + 1} of {2 * options.gates}: {told}")
    return gates, rounds


def _made_by(options: argparse.Namespace) -> Mapping[str, object]:
    """Return the options that the figures depend on."""
    return {name: getattr(options, name) for name in ("agent", "fresh", "set", "change", "users", "seconds", "at_most")}


def _name(options: argparse.Namespace, changed: bool) -> str:
    if not changed:
        return "nothing"
    return f"{'delay' if options.agent is None else 'every computation'} +{options.change:g} %"


def tell(name: str, gates: Sequence[Ended]) -> None:
    """Print one row."""
    seconds = [one.seconds for one in gates]
    row(
        name,
        str(len(gates)),
        *(_share([one.ruling is each for one in gates]) for each in Ruling),
        ", ".join(f"{sum(one.limits[figure] is Ruling.REGRESSION for one in gates)}" for figure in Figure),
        f"{median(one.rounds for one in gates):.0f}",
        f"{median(seconds):.0f} s ({min(seconds):.0f} to {max(seconds):.0f})",
    )


def _share(marks: Sequence[bool]) -> str:
    """Write how many are marked, with the 95 % interval of their share."""
    low, high = wilson(sum(marks), len(marks))
    return f"{sum(marks)}, {sum(marks) / len(marks):.1%} ({low:.1%} to {high:.1%})"


def shortcomings(options: argparse.Namespace, gates: Sequence[Ended]) -> Iterator[str]:
    """Yield what the real gates do not reach."""
    alarms, seen = (
        sum(one.ruling is Ruling.REGRESSION for one in kind) / len(kind)
        for kind in ([one for one in gates if one.changed is changed] for changed in (False, True))
    )
    longest = max(one.seconds for one in gates)
    if alarms > MOST_FALSE_ALARMS:
        yield f"false alarms {alarms:.1%}"
    if seen < LEAST_DETECTED:
        yield f"detected {seen:.1%}"
    if longest > parse_seconds(options.at_most):
        yield f"a gate took {longest:.0f} s"


def simulated_settings(options: argparse.Namespace) -> Settings:
    """Return what a simulated gate is asked; what it launches does not matter."""
    nothing = Described(source="simulated", target="simulated", configuration={})
    return Settings(
        name="simulated",
        baseline=nothing,
        new=nothing,
        workload=standard(closed((32,))),
        limits=LIMITS,
        max_accuracy_drop=0.01,
        seconds=parse_seconds(options.at_most),
        seed=SEED,
    )


def main() -> None:
    """Run, simulate, print the tables, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=40, help="of each kind")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--agent", help="a bundled agent instead of the null target")
    target.add_argument("--fresh", action="store_true", help="draw other delays at every launch")
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="of both sides")
    parser.add_argument("--change", type=float, default=10.0, help="per cent that are planted")
    parser.add_argument("--users", type=int, help="of a launch; default: the gate's own")
    parser.add_argument("--seconds", type=float, help="that a launch is measured; default: the gate's own")
    parser.add_argument("--at-most", default="3min")
    parser.add_argument("--record", type=Path, help="file that every gate is appended to, and that is gone on with")
    parser.add_argument("--simulated", type=int, default=2_000, help="gates for each change")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        gates, rounds = real(options, options.record or Path(name) / "gates.jsonl")
    columns = ("gates", *Ruling, f"regressions of {', '.join(Figure)}", "launches of each", "time")
    head("planted", *columns)
    for changed in (False, True):
        tell(_name(options, changed), [one for one in gates if one.changed is changed])
    scattered = scatter(rounds)
    print(f"\nSimulated, on the scatter of {len(scattered)} recorded rounds:\n")
    head("p99 and 1 / throughput", *columns)
    for change in (1.0, LIMITS[0].ratio, 1.0 + options.change / 100.0):
        found = simulated(simulated_settings(options), scattered, change, options.simulated, SEED)
        tell(f"+{(change - 1.0) * 100.0:.3g} %", found)
    need = f"false alarms at most {MOST_FALSE_ALARMS:.0%}, detected at least {LEAST_DETECTED:.0%}, in {options.at_most}"
    close(list(shortcomings(options, gates)), need)


if __name__ == "__main__":
    main()
