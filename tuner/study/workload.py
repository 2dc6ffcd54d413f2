"""What load a configuration is measured under."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuner.errors import UsageError
from tuner.units import parse_address

_CONCURRENCY = 32


class Loop(StrEnum):
    """How requests come: each user waits for its answer, or arrivals come whether or not anything was answered."""

    CLOSED = "closed loop"
    OPEN = "open loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One level of a workload: so many users in closed loop, or so many arrivals a second in open loop."""

    loop: Loop
    amount: float

    def __str__(self) -> str:
        return f"{self.users} users" if self.loop is Loop.CLOSED else f"{self.amount:,.10g} req/s"

    @property
    def users(self) -> int:
        """The concurrency of a closed loop."""
        return int(self.amount)

    @property
    def rate(self) -> float:
        """The arrival rate of an open loop, per second."""
        return self.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A ladder of loads, driven one after the other in one launch, and how long each of them.

    `loads` rise from the lightest to the target. Each is warmed up until it is steady, for `warm_up` seconds at least
    and `warm_up_most` at most; then it is measured for `measure` seconds at least, and on until the 95 % interval of
    p99 is within `interval` of p99 on either side or `measure_most` seconds are over. A load so light that p99 has too
    few requests by then is measured on for at most `patience` seconds. Requests that still run `drain` seconds after
    the end are unfinished. `processes` make the load together, on this machine or, with `master`, on others: they come
    in at that address.
    """

    loads: tuple[Load, ...]
    warm_up: float = 0.5
    warm_up_most: float = 1.4
    measure: float = 3.0
    measure_most: float = 3.0
    interval: float = 0.1
    patience: float = 30.0
    drain: float = 5.0
    processes: int = 1
    master: str | None = None

    def __post_init__(self) -> None:
        if self.processes < 1:
            raise UsageError(f"--load-processes {self.processes}: at least one process makes the load")
        if not 0.0 < self.interval < 1.0:
            raise UsageError("--p99-within must be above 0 % and below 100 %")
        if self.master is not None:
            parse_address(self.master)

    @property
    def processes_here(self) -> int:
        """How many of the load processes run on this machine."""
        return 0 if self.master is not None else self.processes

    @property
    def loop(self) -> Loop:
        """All loads of a ladder are of one kind."""
        return self.loads[0].loop

    @property
    def light(self) -> Load:
        """The lightest load: p99 is minimised there."""
        return self.loads[0]

    @property
    def target(self) -> Load:
        """The load that is promised: it decides which configuration is better, and the SLO holds there."""
        return self.loads[-1]

    @property
    def concurrency(self) -> int:
        """How many requests to send at once where no latency is measured."""
        return self.target.users if self.loop is Loop.CLOSED else _CONCURRENCY

    @property
    def seconds(self) -> float:
        """Time under load that one launch usually takes, in seconds."""
        return len(self.loads) * (self.warm_up + (self.measure + self.measure_most) / 2)


def standard(loads: tuple[Load, ...]) -> Workload:
    """Return the workload that is meant where nothing else is said.

    An open loop is measured for longer: arrivals come in bursts, and 10 s with few of them look like a good p99.
    """
    if loads[0].loop is Loop.CLOSED:
        return Workload(loads=loads)
    return Workload(loads=loads, measure=10.0, measure_most=20.0)


def closed(users: Sequence[int]) -> tuple[Load, ...]:
    """Return a ladder of concurrencies."""
    return tuple(Load(loop=Loop.CLOSED, amount=float(count)) for count in users)


def opened(rates: Sequence[float]) -> tuple[Load, ...]:
    """Return a ladder of arrival rates."""
    return tuple(Load(loop=Loop.OPEN, amount=rate) for rate in rates)


def parse_users(text: str) -> tuple[Load, ...]:
    """Read a ladder of concurrencies such as `4,32`."""
    try:
        users = [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(
            f"--users {text!r}: expected whole numbers with commas between them, for example 4,32"
        ) from None
    if min(users) < 1:
        raise UsageError(f"--users {text!r}: needs whole numbers of at least 1, for example 4,32")
    _require_rising("--users", text, users)
    return closed(users)


def parse_rates(text: str) -> tuple[Load, ...]:
    """Read a ladder of arrival rates per second such as `50,200`."""
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--rate {text!r}: expected arrivals a second, for example 200, or a ladder 50,200") from None
    if not all(0.0 < rate < float("inf") for rate in rates):
        raise UsageError(f"--rate {text!r}: each rate must be above zero")
    _require_rising("--rate", text, rates)
    return opened(rates)


def _require_rising(option: str, text: str, amounts: Sequence[float]) -> None:
    if list(amounts) != sorted(set(amounts)):
        raise UsageError(f"{option} must rise from the lightest load to the target, but got {text}")
