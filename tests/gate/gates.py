"""Made-up gates: launches with the figures that are asked for, on a clock that goes as fast as they do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.conftest import MACHINE, make_level
from tuner.gate.effect import Figure, Limit
from tuner.gate.result import Described, Gate, Settings, Side
from tuner.gate.turns import Progress, take_turns
from tuner.machine import Placement
from tuner.statistics.paired import compared
from tuner.study.quality import Basis, Quality
from tuner.study.trial import Doubt, Failure, FailureKind, Measurement, Outcome
from tuner.study.workload import Workload, closed

LIMITS = (Limit(figure=Figure.P99, ratio=1.05), Limit(figure=Figure.THROUGHPUT, ratio=0.95))
DISTURBED = Failure(kind=FailureKind.INVALID, reason="arrivals were sent 28 ms late")
SCATTER = (0.99, 1.01, 1.0, 1.005, 0.995, 1.01, 0.99, 1.0)
"""What launches of one and the same differ by."""

LAUNCH_SECONDS = 5.0


@dataclass(slots=True)
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def outcome(p99: float, throughput: float, doubts: Sequence[Doubt] = ()) -> Measurement:
    return Measurement(
        levels=(make_level(32, throughput, p99),),
        quality=None,
        peak_memory=100_000_000,
        phases={"start": 1.0},
        doubts=tuple(doubts),
    )


def answers(gained: int = 0, lost: int = 0, total: int = 1000) -> Quality:
    """The new side's answers to requests with labels, nine tenths of which the baseline answers right."""
    right = round(0.9 * total) + gained - lost
    return Quality(basis=Basis.ACCURACY, correct=right, total=total, change=compared(gained, lost, total))


def settings(source: str = "v1", target: str = "server", seconds: float = 180.0) -> Settings:
    return Settings(
        name="gate-20260314-092653",
        baseline=Described(source=source, target=target, configuration={"batch": 1, "threads": 2}),
        new=Described(source="new", target=target, configuration={"batch": 8, "threads": 2}),
        workload=Workload(loads=closed((32,))),
        limits=LIMITS,
        max_accuracy_drop=0.01,
        seconds=seconds,
        seed=3,
    )


def played(
    p99: Callable[[int], float],
    *,
    throughput: Callable[[int], float] = lambda number: SCATTER[-1 - number % len(SCATTER)],
    baseline: Callable[[int], Outcome] | None = None,
    new: Callable[[int], Outcome] | None = None,
    quality: Quality | None = None,
    asked: Settings | None = None,
) -> tuple[Progress, list[tuple[Side, int]]]:
    """Run a gate whose new side has these ratios to a baseline that scatters; returns also what was launched."""
    clock, order = Clock(), []

    def launch(side: Side, number: int) -> Outcome:
        clock.now += LAUNCH_SECONDS
        order.append((side, number))
        scatter = SCATTER[number % len(SCATTER)]
        if side is Side.BASELINE:
            return (baseline or (lambda _: outcome(0.040 * scatter, 400.0)))(number)
        return (new or (lambda _: outcome(0.040 * scatter * p99(number), 400.0 * throughput(number))))(number)

    found = Progress(settings=asked or settings())
    take_turns(found, launch, lambda: quality, clock)
    return found, order


def gate(found: Progress, command: str = "tuner gate --baseline v1") -> Gate:
    return Gate(
        settings=found.settings,
        machine=MACHINE,
        placement=Placement(server=(0, 1), load=(0, 1)),
        command=command,
        started="2026-03-14T09:26:53+01:00",
        seconds=LAUNCH_SECONDS * 2 * len(found.rounds),
        rounds=tuple(found.rounds),
        looks=tuple(found.looks),
        effects=found.effects,
        quality=found.quality,
        reliability=found.reliability,
        failure=found.failure,
    )
