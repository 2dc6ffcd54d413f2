"""Made-up diagnoses."""

from collections.abc import Sequence

from tests.conftest import MACHINE, make_measurement
from tuner.doctor.diagnosis import Ceiling, Check, Diagnosis, Launched, Rung
from tuner.doctor.noise import Repeat, drift_of, launched, noise
from tuner.machine import Machine, Placement
from tuner.study.trial import Doubt, DoubtKind, Failure, FailureKind
from tuner.study.workload import Load, closed

LATE = Doubt(kind=DoubtKind.LATE, message="arrivals were sent 3 ms late")
OTHERS = Doubt(kind=DoubtKind.OTHER_PROGRAMS, message="other programs used 9 %")
TOO_LATE = Failure(kind=FailureKind.INVALID, reason="arrivals were sent 28 ms late")
RUNGS = (
    Rung(rate=500.0, p99=0.006, server_p99=0.0055, lateness=0.0002, load_cpu=0.2),
    Rung(rate=1000.0, p99=0.0065, server_p99=0.006, lateness=0.0004, load_cpu=0.3, doubts=(OTHERS,)),
    Rung(rate=2000.0, p99=0.009, server_p99=0.006, lateness=0.003, load_cpu=0.6, doubts=(LATE,)),
    Rung(rate=4000.0, invalid="measurement invalid: arrivals were sent 28 ms late"),
)
QUIET = (100.0, 101.0, 99.0, 100.5, 99.5, 100.0)


def repeats(throughputs: Sequence[float]) -> tuple[Repeat, ...]:
    """Launches ten seconds apart whose p99 goes the other way."""
    return tuple(
        Repeat(begun=10.0 * number, outcome=make_measurement(one, light=0.2 / one, target=2.0 / one))
        for number, one in enumerate(throughputs)
    )


def make_diagnosis(
    throughputs: Sequence[float] = QUIET,
    *,
    target: str = "reference",
    loads: tuple[Load, ...] = closed((4, 32)),
    measured: str = "2026-03-13T12:00:00+01:00",
    machine: Machine = MACHINE,
    checks: tuple[Check, ...] = (Check(name="cores", ok=True, found="3 cores for the server, 1 for the load"),),
    rungs: tuple[Rung, ...] = RUNGS,
) -> Diagnosis:
    figures: tuple[Launched, ...] = launched(repeats(throughputs))
    return Diagnosis(
        target=target,
        loads=loads,
        machine=machine,
        placement=Placement(server=(0, 1), load=(0, 1)),
        measured=measured,
        asked=6,
        launched=figures,
        noise=noise(figures, target, {}, loads, measured),
        drift=drift_of(figures, loads[0].loop),
        ceiling=Ceiling(users=32, throughput=7190.0, load_cpu=0.99, server_cpu=0.21),
        rungs=rungs,
        checks=checks,
    )
