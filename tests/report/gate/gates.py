"""Gates of every verdict and every ending, and one whose names mean mischief."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from tests.gate.gates import DISTURBED, SCATTER, answers, gate, outcome, played, settings
from tuner.gate.result import Gate
from tuner.study.trial import Doubt, DoubtKind, Failure, FailureKind, Outcome

HOSTILE = "=cmd</script><script>alert(1)</script>]]>\x1b[31m|`::error::x\n::set-output name=y::z\n##[error]&\x00\ufffe"
DOUBT = Doubt(kind=DoubtKind.OTHER_PROGRAMS, message="at 32 users: other programs used 9.0 % of our cores")
CRASH = Failure(kind=FailureKind.CRASH, reason="the server ended under load (SIGKILL)", log_tail=("one", "two"))


def scattered(number: int) -> float:
    return SCATTER[(3 * number + 1) % len(SCATTER)]


def doubted(number: int) -> object:
    return outcome(0.040 * SCATTER[number % 8], 400.0, doubts=[DOUBT])


def short_of_time() -> Gate:
    asked = settings(seconds=63.0)
    noisy = (0.93, 1.06, 1.0, 0.95, 1.08, 0.98)
    return gate(played(lambda number: noisy[number % 6], asked=asked, quality=answers())[0])


def ended_early() -> Gate:
    found, _ = played(lambda number: 1.05 * scattered(number), asked=settings(seconds=45.0))
    return replace(gate(found), error="the baseline: crashed: the server ended under load (SIGKILL)\n  one\n  two")


def decided_early() -> Gate:
    """p99 is clear after three pairs, throughput later."""
    throughput = (0.93, 0.99)
    found, _ = played(lambda number: 1.0 if number < 3 else 1.04, throughput=lambda number: throughput[number % 2])
    return gate(found)


def tried_again() -> Gate:
    tries: list[int] = []

    def new(number: int) -> Outcome:
        tries.append(number)
        return CRASH if tries.count(1) == 1 and number == 1 else outcome(0.04 * SCATTER[number % 8], 400.0)

    return gate(played(scattered, new=new, quality=answers())[0])


def failing_at_first(rounds: int, *, seconds: float) -> Gate:
    """Each of the first rounds has a launch of the new side that fails; the second try works."""
    tries = Counter[int]()

    def new(number: int) -> Outcome:
        tries[number] += 1
        return CRASH if number < rounds and tries[number] == 1 else outcome(0.04 * SCATTER[number % 8], 400.0)

    return gate(played(scattered, new=new, quality=answers(), asked=settings(seconds=seconds))[0])


def open_twice() -> Gate:
    """Neither p99 nor the answers are decided: launches help the one, requests the others."""
    return replace(short_of_time(), quality=answers(lost=15))


GATES: dict[str, Callable[[], Gate]] = {
    "kept": lambda: gate(played(scattered, baseline=doubted, quality=answers(1, 2))[0]),  # type: ignore[arg-type]
    "regression": lambda: gate(played(lambda number: 1.12 * scattered(number), quality=answers())[0]),
    "inconclusive": short_of_time,
    "disturbed": lambda: gate(played(scattered, new=lambda _: DISTURBED, asked=settings(seconds=45.0))[0]),
    "crash": lambda: gate(played(scattered, new=lambda _: CRASH)[0]),
    "wrong": lambda: gate(played(scattered, quality=answers(lost=50))[0]),
    "undecided": lambda: gate(played(scattered, quality=answers(lost=15))[0]),
    "early": decided_early,
    "again": tried_again,
    "ended": ended_early,
    "both": open_twice,
    "failing": lambda: failing_at_first(7, seconds=180.0),
    "sometimes": lambda: failing_at_first(3, seconds=90.0),
}


def hostile() -> Gate:
    asked = settings(source=HOSTILE, target=HOSTILE)
    asked = replace(
        asked,
        name=HOSTILE,
        new=replace(asked.new, options={HOSTILE: HOSTILE}, configuration={HOSTILE: HOSTILE, "batch": 1}),
    )
    doubt = Doubt(kind=DoubtKind.STALL, message=HOSTILE)
    found, _ = played(lambda _: 1.5, new=lambda n: outcome(0.06 * SCATTER[n % 8], 400.0, doubts=[doubt]), asked=asked)
    made = replace(gate(found, command=HOSTILE), started=HOSTILE, error=f"{HOSTILE}\n{HOSTILE}")
    failure = Failure(kind=FailureKind.CRASH, reason=HOSTILE, log_tail=(HOSTILE, HOSTILE))
    return replace(made, failure=failure, machine=replace(made.machine, cpu=HOSTILE, versions={HOSTILE: HOSTILE}))


ALL = {**GATES, "hostile": hostile}
