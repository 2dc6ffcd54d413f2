"""What the doctor found out about this machine, as values, and as they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from tuner.machine import Machine, Placement
from tuner.statistics.compare import Estimate
from tuner.study.study import Noise
from tuner.study.trial import Doubt, DoubtKind, Latency
from tuner.study.workload import Load

DIAGNOSIS_VERSION = 1
"""Version of the stored diagnosis. 1: first."""

TRUTH = 0.005
"""What every request to the known server takes, in seconds."""

_LOADS_OWN = (DoubtKind.LATE, DoubtKind.LOAD_PAUSE)
"""The doubts that say the load generator itself was late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of an examination: what was found, and where it is not `ok`, what to do."""

    name: str
    ok: bool
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An execution provider: for each precision why it does not run here, which is empty where it does.

    `advice` says what to do where none runs.
    """

    name: str
    precisions: Mapping[str, str]
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """One launch of the default configuration: throughput at the target load, p99 in seconds under each load.

    `begun` is in seconds of the monotonic clock.
    """

    begun: float
    throughput: float
    p99: tuple[Latency, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """What one load process makes of a closed loop at most, against a server that answers at once.

    Its CPU and that of the server are in cores. `invalid` says why there is no figure, and is empty where there is one.
    """

    users: int
    throughput: float | None = None
    load_cpu: float | None = None
    server_cpu: float | None = None
    invalid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """An open loop of one load process against a server that takes exactly `TRUTH`: one rung of a ladder of rates.

    `server_p99` is the p99 of what the server itself says that its answers took, `lateness` the p99 of how late
    arrivals were sent, `load_cpu` is in cores. `invalid` says why there is no figure, and is empty where there is one.
    """

    rate: float
    p99: Latency | None = None
    server_p99: float | None = None
    lateness: float | None = None
    load_cpu: float | None = None
    doubts: tuple[Doubt, ...] = ()
    invalid: str = ""

    @property
    def error(self) -> float | None:
        """By how much p99 is too long, against the truth."""
        return None if self.p99 is None else self.p99 - TRUTH

    @property
    def own_error(self) -> float | None:
        """By how much p99 is longer than the server's own: what the way there and the load generator added."""
        return None if self.p99 is None or self.server_p99 is None else self.p99 - self.server_p99

    @property
    def trustworthy(self) -> bool:
        """Whether the measurement was valid and the load generator was in time."""
        return not self.invalid and not any(doubt.kind in _LOADS_OWN for doubt in self.doubts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A whole examination of `machine` with a target under `loads`; its programs run in `runtime_python`, or in ours.

    `asked` is how many launches there were to be, `launched` those that could be measured; with too few of them there
    is no `noise`, and no `drift`: the ratio by which the figure that decides changed from the first to the last.
    """

    target: str
    options: Mapping[str, str] = field(default_factory=dict)
    runtime_python: str | None = None
    loads: tuple[Load, ...]
    machine: Machine
    placement: Placement
    measured: str
    asked: int
    launched: tuple[Launched, ...]
    noise: Noise | None
    drift: Estimate | None
    ceiling: Ceiling
    rungs: tuple[Rung, ...]
    checks: tuple[Check, ...]
    providers: tuple[Provider, ...] = ()
    version: int = DIAGNOSIS_VERSION


_stored = TypeAdapter(Diagnosis)


def dump_diagnosis(diagnosis: Diagnosis) -> str:
    """Write a diagnosis as versioned JSON."""
    return _stored.dump_json(diagnosis, indent=1).decode()


def load_diagnosis(text: str) -> Diagnosis:
    """Read what `dump_diagnosis` wrote; raises ValueError for anything else."""
    return _stored.validate_json(text)
