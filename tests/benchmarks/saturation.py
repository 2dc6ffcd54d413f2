"""Whether a load generator that is itself the bottleneck is noticed, and one that is not is left in peace.

    python tests/benchmarks/saturation.py [--planted 20] [--clean 50] [--seconds 3]

The server is the null target with a constant 5 ms, so whatever is slow is the client. Half of the planted runs ask for
more arrivals a second than one process can send; the other half give the load process a share of a core too small for
what it is asked for, in open and in closed loop. A run is flagged when it is invalid or carries a doubt about the load
(late load, a pause of the load, Little's law). That the server is overloaded would be wrong: a miss where saturation
was planted, a false alarm where it was not. All planted runs must be flagged, and at most 1 of 50 clean ones.

Standard error shows each run with what the gates saw. Takes 7 minutes.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from null import Run, law, p99, progress, run
from quota import load_processes, quota

from tuner.measure.protocol import Watcher
from tuner.study.trial import DoubtKind, Failure, FailureKind
from tuner.study.workload import Load, Loop, closed, opened

SERVER = law("constant", 5.0)
MOST_FALSE_ALARMS = 1 / 50
ABOUT_THE_LOAD = (DoubtKind.LATE, DoubtKind.LOAD_PAUSE, DoubtKind.LITTLE)
ABOVE_THE_CEILING = opened([8_000.0 + 1_000.0 * step for step in range(10)])
SQUEEZED = (
    *zip(opened((500, 500, 1000, 1000, 1000, 2000, 2000)), (0.05, 0.1, 0.1, 0.15, 0.2, 0.2, 0.3), strict=True),
    *zip(closed((8, 8, 16)), (0.1, 0.2, 0.3), strict=True),
)
"""What a load process is asked for, and the share of a core that it gets: from a tenth to two thirds of its need."""
LAGS = ("lag_p99", "lag_most", "lateness_p99")
SHARES = (0.5, 0.9, 1.0)
CLEAN = (*opened((50, 100, 200, 300, 400, 500)), *closed((4, 8, 12, 16)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run to make: the load, and the share of a core that its process gets, None for all that it wants."""

    planted: str
    load: Load
    share: float | None = None

    def __str__(self) -> str:
        squeezed = "" if self.share is None else f" on {self.share:.0%} of a core"
        return f"{self.load}{squeezed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What tuner said about one run: why it is flagged, empty for not at all."""

    case: Case
    reasons: tuple[str, ...]

    @property
    def blames_server(self) -> bool:
        """Whether the configuration was blamed for what the load process did."""
        return FailureKind.OVERLOADED.value in self.reasons


def planted(count: int) -> list[Case]:
    """List runs with a saturated client, half of them of each kind."""
    above = [Case(planted="rate above the ceiling", load=load) for load in ABOVE_THE_CEILING]
    squeezed = [Case(planted="CPU quota", load=load, share=share) for load, share in SQUEEZED]
    return [case for pair in zip(repeated(above, count), repeated(squeezed, count), strict=True) for case in pair][
        :count
    ]


def repeated(cases: Sequence[Case], count: int) -> list[Case]:
    """Go round until there are enough."""
    return [cases[number % len(cases)] for number in range(count)]


def make(case: Case, seconds: float, seed: int) -> Run:
    """Measure once; a quota holds from the warm-up to the end of the window."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:

        def on_phase(name: str) -> None:
            if case.share is not None and name.startswith("warm-up"):
                stack.enter_context(quota(load_processes(), case.share))
            if name == "drain":
                stack.close()

        watcher = Watcher(on_phase=on_phase)
        return run(SERVER, [case.load], Path(folder), seconds=seconds, seed=seed, watcher=watcher)


def judge(case: Case, made: Run) -> Verdict:
    """Collect what speaks against a run."""
    if isinstance(made.outcome, Failure):
        return Verdict(case=case, reasons=(made.outcome.kind.value,))
    reasons = sorted(made.doubts & {kind.value for kind in ABOUT_THE_LOAD})
    return Verdict(case=case, reasons=tuple(reasons))


def seen(made: Run) -> str:
    """Tell what the gates had before them, and how long the server itself took."""
    by_record = f"server p99 {p99(made.record[:, 2] - made.record[:, 0]) * 1e3:.1f} ms"
    if isinstance(made.outcome, Failure):
        late = made.samples["sent"] - made.samples["intended"]
        late = late[~np.isnan(late)]
        lateness = f"lateness_p99 {p99(late[len(late) // 2 :]) * 1e3:.2f} ms of the later half"
        return f"{lateness}, {by_record}: {made.outcome.reason}"
    level = made.outcome.target
    assert level.conditions is not None
    shown = [f"{name} {value * 1e3:.2f}" for name, value in lags(made).items()]
    little = "" if level.little is None else f", little {level.little:.3f}"
    others = level.conditions.other_programs
    busy = "" if others is None else f", other programs {others:.1%}"
    return f"{', '.join(shown)} ms, p99 {level.p99.value * 1e3:.2f} ms, {by_record}{little}{busy}"


def lags(made: Run) -> dict[str, float]:
    """Return how late the load process of a run was, in seconds; nothing of a failure."""
    conditions = None if isinstance(made.outcome, Failure) else made.outcome.target.conditions
    found = {name: getattr(conditions, name, None) for name in LAGS}
    return {name: value for name, value in found.items() if value is not None}


def spread(verdicts: Sequence[Verdict], runs: Sequence[Run]) -> None:
    """Print how late the load process was in the runs that were measured at all: median, 90 % and most."""
    print(f"\n| nothing planted, ms | {' | '.join(LAGS)} |\n|{'---|' * (len(LAGS) + 1)}")
    for loop in Loop:
        found = [lags(made) for one, made in zip(verdicts, runs, strict=True) if one.case.load.loop is loop]
        columns = [[one[name] * 1e3 for one in found if name in one] for name in LAGS]
        cells = [
            " / ".join(f"{value:.2f}" for value in (np.quantile(column, SHARES) if column else ())) or "–"
            for column in columns
        ]
        print(f"| {len(found)} runs in {loop} | {' | '.join(cells)} |")


def row(name: str, verdicts: Sequence[Verdict]) -> str:
    """Write one line of the table."""
    flagged = [verdict for verdict in verdicts if verdict.reasons]
    reasons = Counter(reason for verdict in flagged for reason in verdict.reasons)
    told = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()) or "–"
    blamed = sum(verdict.blames_server for verdict in verdicts)
    return f"| {name} | {len(flagged) - blamed} of {len(verdicts)} | {blamed} | {told} |"


def perform(cases: Sequence[Case], seconds: float) -> tuple[list[Verdict], list[Run]]:
    """Make all runs, and tell each as it ends."""
    verdicts, runs = [], []
    for seed, case in enumerate(cases):
        made = make(case, seconds, seed)
        runs.append(made)
        verdicts.append(judge(case, made))
        progress(f"{case}: {', '.join(verdicts[-1].reasons) or 'not flagged'}; {seen(made)}")
    return verdicts, runs


def main() -> None:
    """Run, print the tables, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--planted", type=int, default=20)
    parser.add_argument("--clean", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3.0, help="measured in each run")
    options = parser.parse_args()
    saturated, _ = perform(planted(options.planted), options.seconds)
    untouched, runs = perform(
        repeated([Case(planted="nothing", load=load) for load in CLEAN], options.clean), options.seconds
    )
    print("| planted | flagged | server blamed | as |\n|---|---|---|---|")
    for kind in dict.fromkeys(verdict.case.planted for verdict in saturated):
        print(row(kind, [verdict for verdict in saturated if verdict.case.planted == kind]))
    print(row("nothing", untouched))
    spread(untouched, runs)
    missed = [str(verdict.case) for verdict in saturated if not verdict.reasons or verdict.blames_server]
    alarms = [str(verdict.case) for verdict in untouched if verdict.reasons]
    most = MOST_FALSE_ALARMS * options.clean
    need = f"all {options.planted} planted runs flagged, at most {most:.0f} of {options.clean} clean ones"
    short = [f"{len(missed)} missed: {'; '.join(missed)}"] if missed else []
    short += [f"{len(alarms)} false alarms: {'; '.join(alarms)}"] if len(alarms) > most else []
    print(f"\nfalls short of {need}: {'; '.join(short)}" if short else f"\nholds: {need}")
    sys.exit(bool(short))


if __name__ == "__main__":
    main()
