"""What load a configuration is measured under."""

from dataclasses import dataclass

from tuner.errors import UsageError


def _text(users: tuple[int, ...]) -> str:
    return ",".join(map(str, users))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A ladder of closed-loop concurrencies, measured one after the other in one launch.

    `users` rises from the lightest level to the target; each level is driven for `warm_up` seconds that are not
    counted and for `measure` seconds that are. Requests still running `drain` seconds after the end are unfinished.
    """

    users: tuple[int, ...]
    warm_up: float = 0.7
    measure: float = 3.0
    drain: float = 5.0

    def __post_init__(self) -> None:
        if not self.users or any(count < 1 for count in self.users):
            raise UsageError(
                f"--users needs whole numbers of at least 1, for example 4,32, but got {_text(self.users)}"
            )
        if list(self.users) != sorted(set(self.users)):
            raise UsageError(f"--users must rise from the lightest level to the target, but got {_text(self.users)}")

    @property
    def light(self) -> int:
        """The lightest concurrency: p99 is minimised there."""
        return self.users[0]

    @property
    def target(self) -> int:
        """The target concurrency: throughput is maximised and the SLO holds there."""
        return self.users[-1]

    @property
    def seconds(self) -> float:
        """Time under load of one launch, in seconds."""
        return len(self.users) * (self.warm_up + self.measure)


def parse_users(text: str) -> tuple[int, ...]:
    """Read a ladder of concurrencies such as `4,32`."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"--users {text!r}: expected whole numbers with commas between them, for example 4,32"
        ) from None
