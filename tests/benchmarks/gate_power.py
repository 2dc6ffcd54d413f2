"""How often `tuner gate` cries wolf, how often it sees that something became slower, and how long it takes.

    python tests/benchmarks/gate_power.py [--gates 40] [--agent search] [--change 10] [--seconds 1] [--at-most 3min]
        [--record gates.jsonl] [--simulated 2000]

Gates with no change and gates with a planted one, in turns. The target is the null target with lognormal delays of a
known median, 10 ms and 10 % more; with `--agent` it is a bundled agent, and a copy of it whose every computation takes
10 % longer. False alarms may be at most 5 %, detections must be at least 90 %, and no gate may take longer than it may.
A launch of the null target is measured for one second, so that 80 gates take some 40 minutes.

Every gate is appended to the record, which a later call goes on with. The second table is a simulation: the gate's own
code, on rounds that are drawn with replacement from the recorded ones, with what was planted taken out and other
changes put in. It says what so few real gates cannot: the error where p99 changes by exactly what is allowed.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from models import REPOSITORY
from replayed import Ended, Played, read, ruling, scatter, simulated, write
from table import close, head, progress, row

from tuner.gate.effect import Figure, Limit, Ruling
from tuner.gate.launches import launches
from tuner.gate.result import Round, Settings
from tuner.gate.run import Progress, run
from tuner.gate.side import Launchable, New, baseline
from tuner.machine import cores, fingerprint, place
from tuner.measure.protocol import Watcher
from tuner.study.space import Value
from tuner.study.workload import Workload, closed
from tuner.target import spec
from tuner.target.spec import Target
from tuner.units import parse_seconds

LIMITS = (Limit(figure=Figure.P99, ratio=1.05), Limit(figure=Figure.THROUGHPUT, ratio=0.95))
MOST_FALSE_ALARMS, LEAST_DETECTED = 0.05, 0.90
DELAY_MS, SEED = 10.0, 1
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


def sides(options: argparse.Namespace, changed: bool, folder: Path) -> tuple[Launchable, Launchable]:
    """Return baseline and new."""
    if options.agent is None:
        target = _load("null", {"law": "lognormal"})
        times = 1.0 + options.change / 100.0 if changed else 1.0
        before, now = (_new(target, {}, {"delay_ms": DELAY_MS * each}).side for each in (1.0, times))
        return before, now
    own = {"agent": options.agent}
    place = _slower(options.change, folder / "slower") if changed else REFERENCE
    now = _new(_load(str(place), own), own, {})
    with baseline(str(REFERENCE), now) as before:
        return before, now.side


def _slower(change: float, copy: Path) -> Path:
    if not copy.exists():
        shutil.copytree(REFERENCE, copy)
        with (copy / "reference_agent" / "inference" / "model.py").open("a", encoding="utf-8") as file:
            file.write(SLOWER.replace("SHARE", str(change / 100.0)))
    return copy


def _load(name: str, options: Mapping[str, str]) -> Target:
    return spec.load(name, options, None, place(cores()).server)


def _new(target: Target, options: Mapping[str, str], sets: Mapping[str, Value]) -> New:
    return New(target=target, reference=target.name, options=options, sets=sets, cores=place(cores()).server)


def settings_of(options: argparse.Namespace, before: Launchable, now: Launchable, seed: int) -> Settings:
    """Return what a gate is asked: the limits that it has by default."""
    users = 8 if options.agent is None else 32
    workload = Workload(loads=closed((users,)), measure=options.seconds, measure_most=options.seconds)
    return Settings(
        name="power",
        baseline=before.described,
        new=now.described,
        workload=workload,
        limits=LIMITS,
        max_accuracy_drop=0.01,
        seconds=parse_seconds(options.at_most),
        seed=seed,
    )


def play(options: argparse.Namespace, number: int, changed: bool, folder: Path) -> tuple[Ended, list[Played]]:
    """Run one real gate."""
    before, now = sides(options, changed, folder)
    settings = settings_of(options, before, now, number)
    launch = launches(settings, before, now, folder / str(number), fingerprint(), place(cores()), Watcher())
    played: list[Played] = []
    found, began = Progress(), time.monotonic()

    def on_round(one: Round) -> None:
        seconds = time.monotonic() - began - sum(each.seconds for each in played)
        played.append(_played(number, changed, seconds, one))

    run(settings, launch, found, on_round=on_round)
    seconds = time.monotonic() - began
    shutil.rmtree(folder / str(number))
    return Ended(gate=number, changed=changed, ruling=ruling(found), rounds=len(played), seconds=seconds), played


def _played(number: int, changed: bool, seconds: float, one: Round) -> Played:
    p99, throughput = (
        (figure.read(one.pair[0]), figure.read(one.pair[1])) if one.pair else None
        for figure in (Figure.P99, Figure.THROUGHPUT)
    )
    return Played(gate=number, changed=changed, seconds=seconds, p99=p99, throughput=throughput)


def real(options: argparse.Namespace, record: Path) -> tuple[list[Ended], list[Played]]:
    """Run the gates that the record does not have yet, without a change and with it in turns."""
    ended, played = read(record)
    with tempfile.TemporaryDirectory(prefix="tuner-power-") as name, record.open("a", encoding="utf-8") as file:
        for number in range(len(ended), 2 * options.gates):
            one, rounds = play(options, number, number % 2 == 1, Path(name))
            write(file, one, rounds)
            ended.append(one)
            played += rounds
            told = f"{_name(options, one.changed)}, {one.ruling} after {one.rounds} rounds, {one.seconds:.0f} s"
            progress(f"gate {number + 1} of {2 * options.gates}: {told}")
    return ended, played


def _name(options: argparse.Namespace, changed: bool) -> str:
    return f"+{options.change:g} %" if changed else "no change"


def tell(name: str, gates: Sequence[Ended]) -> None:
    """Print one row."""
    counts = [sum(one.ruling is each for one in gates) for each in Ruling]
    seconds = [one.seconds for one in gates]
    row(
        name,
        str(len(gates)),
        *(f"{count} ({count / len(gates):.1%})" for count in counts),
        f"{median(one.rounds for one in gates):.0f}",
        f"{median(seconds):.0f} s ({min(seconds):.0f} to {max(seconds):.0f})",
    )


def shortcomings(options: argparse.Namespace, ended: Sequence[Ended]) -> Iterator[str]:
    """Yield what the real gates do not reach."""
    alarms, seen = (
        sum(one.ruling is Ruling.REGRESSION for one in kind) / len(kind)
        for kind in ([one for one in ended if one.changed is changed] for changed in (False, True))
    )
    longest = max(one.seconds for one in ended)
    if alarms > MOST_FALSE_ALARMS:
        yield f"false alarms {alarms:.1%}"
    if seen < LEAST_DETECTED:
        yield f"detected {seen:.1%}"
    if longest > parse_seconds(options.at_most):
        yield f"a gate took {longest:.0f} s"


def main() -> None:
    """Run, simulate, print the tables, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=40, help="of each kind")
    parser.add_argument("--agent", help="a bundled agent instead of the null target")
    parser.add_argument("--change", type=float, default=10.0, help="per cent that are planted")
    parser.add_argument("--seconds", type=float, help="that a launch is measured; default: 1, with --agent 3")
    parser.add_argument("--at-most", default="3min")
    parser.add_argument("--record", type=Path, help="file that every gate is appended to, and that is gone on with")
    parser.add_argument("--simulated", type=int, default=2_000, help="gates for each change")
    options = parser.parse_args()
    options.seconds = options.seconds or (1.0 if options.agent is None else 3.0)
    with tempfile.TemporaryDirectory() as name:
        ended, played = real(options, options.record or Path(name) / "gates.jsonl")
        settings = settings_of(options, *sides(options, False, Path(name)), SEED)
    columns = ("gates", *Ruling, "launches of each", "time")
    head("planted", *columns)
    for changed in (False, True):
        tell(_name(options, changed), [one for one in ended if one.changed is changed])
    rounds = scatter(played)
    print(f"\nSimulated, on the scatter of {len(rounds)} recorded rounds:\n")
    head("change", *columns)
    for change in (1.0, LIMITS[0].ratio, 1.0 + options.change / 100.0):
        tell(f"+{(change - 1.0) * 100.0:.3g} %", simulated(settings, rounds, change, options.simulated, SEED))
    need = f"false alarms at most {MOST_FALSE_ALARMS:.0%}, detected at least {LEAST_DETECTED:.0%}, in {options.at_most}"
    close(list(shortcomings(options, ended)), need)


if __name__ == "__main__":
    main()
