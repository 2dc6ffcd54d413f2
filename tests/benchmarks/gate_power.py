"""How often `tuner gate` cries wolf, how often it sees that something became slower, and how long it takes.

    python tests/benchmarks/gate_power.py [--gates 40] [--agent search] [--change 10] [--seconds 1] [--at-most 3min]
        [--record gates.jsonl] [--simulated 2000]

Gates with no change and gates with a planted one, in turns. The target is the null target with lognormal delays of a
known median, 10 ms and 10 % more; with `--agent` it is a bundled agent, and a copy of it whose every computation takes
10 % longer. False alarms may be at most 5 %, detections must be at least 90 %, and no gate may take longer than it may.
A gate of the null target is measured for one second a launch, so that 80 of them take half an hour.

Every round is appended to the record, which a later call goes on with. The second table is a simulation: the gate's
own code, on rounds that are drawn with replacement from the recorded ones, with what was planted taken out and other
changes put in. It says what so few real gates cannot: the error where the change is exactly what is allowed.
"""

import argparse
import json
import math
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from models import REPOSITORY
from table import close, head, progress, row

from tuner.gate.effect import Figure, Limit, Ruling
from tuner.gate.launches import launches
from tuner.gate.result import Gate, Round, Settings
from tuner.gate.run import Progress, Side, run
from tuner.gate.side import Launchable, New, baseline
from tuner.machine import cores, fingerprint, place
from tuner.measure.protocol import Watcher
from tuner.study.trial import Interval, LevelSummary, Measurement, Outcome
from tuner.study.workload import Workload, closed
from tuner.target import spec
from tuner.units import parse_seconds

LIMITS = (Limit(figure=Figure.P99, ratio=1.05), Limit(figure=Figure.THROUGHPUT, ratio=0.95))
MOST_FALSE_ALARMS, LEAST_DETECTED = 0.05, 0.90
DELAY_MS, USERS = 10.0, {"null": 8, "agent": 32}
SEED = 1

SLOWER = '''"""Makes every computation of ONNX Runtime take longer by a share: what `gate_power.py` plants."""

import time

import onnxruntime


def slower(method):
    def run(*arguments, **named):
        began = time.perf_counter()
        result = method(*arguments, **named)
        until = time.perf_counter() + SHARE * (time.perf_counter() - began)
        while time.perf_counter() < until:
            pass
        return result

    return run


for name in ("run", "run_with_iobinding", "run_with_ort_values"):
    setattr(onnxruntime.InferenceSession, name, slower(getattr(onnxruntime.InferenceSession, name)))
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One round of a real gate: what was planted, and both sides' figures, None where the round was disturbed."""

    gate: int
    changed: bool
    seconds: float
    p99: tuple[float, float] | None
    throughput: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One real gate that is over."""

    gate: int
    changed: bool
    ruling: Ruling
    rounds: int
    seconds: float


def sides(options: argparse.Namespace, changed: bool, folder: Path) -> tuple[Launchable, Launchable]:
    """Return baseline and new."""
    here = place(cores())
    if options.agent is None:
        target = spec.load("null", {"law": "lognormal"}, None, here.server)
        more = 1.0 + options.change / 100.0 if changed else 1.0
        before, now = (_new(target, {"delay_ms": DELAY_MS * times}).side for times in (1.0, more))
        return before, now
    chosen = {"agent": options.agent}
    original = _new(spec.load("reference", chosen, None, here.server), {}, chosen)
    copy = folder / "slower"
    if changed and not copy.exists():
        shutil.copytree(REPOSITORY / "targets" / "reference", copy)
        (copy / "sitecustomize.py").write_text(SLOWER.replace("SHARE", str(options.change / 100.0)))
    slow = _new(spec.load(str(copy), chosen, None, here.server), {}, chosen) if changed else original
    with baseline(str(REPOSITORY / "targets" / "reference"), slow) as before:
        return before, slow.side


def _new(target: spec.Target, sets: dict[str, float], options: dict[str, str] | None = None) -> New:
    return New(target=target, reference=target.name, options=options or {}, sets=sets, cores=place(cores()).server)


def play(options: argparse.Namespace, number: int, changed: bool, folder: Path) -> tuple[Ended, list[Played]]:
    """Run one real gate."""
    before, now = sides(options, changed, folder)
    settings = _settings(options, before, now, number)
    launch = launches(settings, before, now, folder / str(number), fingerprint(), place(cores()), Watcher())
    began, played = time.monotonic(), []

    def on_round(one: Round) -> None:
        seconds = time.monotonic() - began - sum(each.seconds for each in played)
        played.append(_played(number, changed, seconds, one))

    found = Progress()
    run(settings, launch, found, on_round=on_round)
    seconds = time.monotonic() - began
    shutil.rmtree(folder / str(number))
    return Ended(
        gate=number, changed=changed, ruling=_ruling(settings, found), rounds=len(played), seconds=seconds
    ), played


def _settings(options: argparse.Namespace, before: Launchable, now: Launchable, seed: int) -> Settings:
    users = USERS["null" if options.agent is None else "agent"]
    seconds = options.seconds
    return Settings(
        name="power",
        baseline=before.described,
        new=now.described,
        workload=Workload(loads=closed((users,)), measure=seconds, measure_most=seconds),
        limits=LIMITS,
        max_accuracy_drop=1.0,
        seconds=parse_seconds(options.at_most),
        seed=seed,
    )


def _ruling(settings: Settings, found: Progress) -> Ruling:
    return Gate(
        settings=settings,
        machine=fingerprint(),
        placement=place(cores()),
        command="",
        started="",
        seconds=0.0,
        rounds=tuple(found.rounds),
        looks=tuple(found.looks),
        effects=found.effects,
        failure=found.failure,
    ).ruling


def _played(number: int, changed: bool, seconds: float, one: Round) -> Played:
    pair = one.pair
    figures = {figure: (figure.read(pair[0]), figure.read(pair[1])) if pair else None for figure in Figure}
    return Played(
        gate=number, changed=changed, seconds=seconds, p99=figures[Figure.P99], throughput=figures[Figure.THROUGHPUT]
    )


def real(options: argparse.Namespace, record: Path) -> tuple[list[Ended], list[Played]]:
    """Run the gates that the record does not have yet, without a change and with it in turns."""
    ended, played = _recorded(record)
    with tempfile.TemporaryDirectory(prefix="tuner-power-") as name, record.open("a", encoding="utf-8") as file:
        for number in range(len(ended), 2 * options.gates):
            one, rounds = play(options, number, changed=number % 2 == 1, folder=Path(name))
            for kept in (*rounds, one):
                file.write(json.dumps({type(kept).__name__: asdict(kept)}) + "\n")
            file.flush()
            ended.append(one)
            played += rounds
            progress(f"gate {number + 1} of {2 * options.gates}: {_name(options, one.changed)}, {one.ruling}")
    return ended, played


def _recorded(record: Path) -> tuple[list[Ended], list[Played]]:
    ended: list[Ended] = []
    played: list[Played] = []
    for line in record.read_text(encoding="utf-8").splitlines() if record.exists() else ():
        ((kind, content),) = json.loads(line).items()
        if kind == "Ended":
            ended.append(Ended(**{**content, "ruling": Ruling(content["ruling"])}))
        else:
            played.append(Played(**content))
    # A gate that was interrupted is run again, and its rounds are not of a whole one.
    whole = {one.gate for one in ended}
    return ended, [one for one in played if one.gate in whole]


def _name(options: argparse.Namespace, changed: bool) -> str:
    return f"+{options.change:g} %" if changed else "no change"


Pair = tuple[float, float, float]
"""Of one round: the logarithms of new over baseline of p99 and of throughput, and its seconds."""


def noise(played: Sequence[Played]) -> list[Pair]:
    """Return what the rounds scatter, with the mean of the gates with a change, and of those without, taken out."""
    found: list[Pair] = []
    for changed in (False, True):
        rows = [
            (math.log(one.p99[1] / one.p99[0]), math.log(one.throughput[1] / one.throughput[0]), one.seconds)
            for one in played
            if one.changed is changed and one.p99 is not None and one.throughput is not None
        ]
        means = [sum(each[index] for each in rows) / max(len(rows), 1) for index in (0, 1)]
        found += [(p99 - means[0], throughput - means[1], seconds) for p99, throughput, seconds in rows]
    return found


def simulated(options: argparse.Namespace, settings: Settings, pairs: Sequence[Pair], change: float) -> list[Ended]:
    """Run the gate's own code on rounds that are drawn from what was recorded."""
    draws = random.Random(SEED)
    return [_simulated(settings, pairs, change, draws, number) for number in range(options.simulated)]


def _simulated(settings: Settings, pairs: Sequence[Pair], change: float, draws: random.Random, number: int) -> Ended:
    clock = _Clock()
    drawn: dict[int, Pair] = {}

    def launch(side: Side, place: int) -> Outcome:
        if place not in drawn:
            drawn[place] = draws.choice(pairs)
        p99, throughput, seconds = drawn[place]
        clock.now += seconds / 2.0
        times = (1.0, 1.0) if side is Side.BASELINE else (math.exp(p99) * change, math.exp(throughput) / change)
        return _measured(settings, *times)

    ended = Progress()
    run(settings, launch, ended, clock)
    ruling = _ruling(settings, ended)
    return Ended(gate=number, changed=change > 1.0, ruling=ruling, rounds=len(ended.rounds), seconds=clock.now)


@dataclass(slots=True)
class _Clock:
    """Time that passes as the recorded launches let it."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def _measured(settings: Settings, p99: float, throughput: float) -> Measurement:
    level = LevelSummary(
        load=settings.workload.target,
        opened=0.0,
        seconds=1.0,
        requests=1_000,
        errors=0,
        unfinished=0,
        throughput=throughput,
        mean=p99,
        p50=p99,
        p90=p99,
        p95=p99,
        p99=Interval(value=p99, low=p99, high=p99),
    )
    return Measurement(levels=(level,), quality=None, peak_memory=None, phases={})


def tell(name: str, gates: Sequence[Ended]) -> None:
    """Print one row."""
    shares = [sum(one.ruling is ruling for one in gates) for ruling in Ruling]
    seconds = [one.seconds for one in gates]
    row(
        name,
        str(len(gates)),
        *(f"{count} ({count / len(gates):.1%})" for count in shares),
        f"{median(one.rounds for one in gates):.0f}",
        f"{median(seconds):.0f} s ({min(seconds):.0f} to {max(seconds):.0f})",
    )


def shortcomings(options: argparse.Namespace, ended: Sequence[Ended]) -> Iterator[str]:
    """Yield what the real gates do not reach."""
    same, other = ([one for one in ended if one.changed is changed] for changed in (False, True))
    alarms = sum(one.ruling is Ruling.REGRESSION for one in same) / len(same)
    seen = sum(one.ruling is Ruling.REGRESSION for one in other) / len(other)
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
    parser.add_argument("--record", type=Path, help="file that every launch is appended to, and that is gone on with")
    parser.add_argument("--simulated", type=int, default=2_000)
    options = parser.parse_args()
    options.seconds = options.seconds or (1.0 if options.agent is None else 3.0)
    with tempfile.TemporaryDirectory() as name:
        ended, played = real(options, options.record or Path(name) / "gates.jsonl")
        settings = _settings(options, *sides(options, False, Path(name)), SEED)
    head("real gates", "gates", *Ruling, "launches of each", "time")
    for changed in (False, True):
        tell(_name(options, changed), [one for one in ended if one.changed is changed])
    pairs = noise(played)
    print(f"\nSimulated, on the scatter of {len(pairs)} recorded rounds:\n")
    head("change", "gates", *Ruling, "launches of each", "time")
    for change in (1.0, 1.05, 1.0 + options.change / 100.0):
        tell(f"{change - 1.0:+.0%}", simulated(options, settings, pairs, change))
    need = f"false alarms at most {MOST_FALSE_ALARMS:.0%}, detected at least {LEAST_DETECTED:.0%}, in {options.at_most}"
    close(list(shortcomings(options, ended)), need)


if __name__ == "__main__":
    main()
