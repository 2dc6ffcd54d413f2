"""What the launches themselves showed: other programs, stolen time, throttling, doubts, drift. Each is one line."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tuner.doctor.diagnosis import Check
from tuner.doctor.noise import Repeat, has_drifted
from tuner.measure.gates import OTHER_PROGRAMS_SHARE, STOLEN_SHARE
from tuner.statistics.compare import Estimate
from tuner.study.trial import Conditions, DoubtKind, Failure, Measurement
from tuner.units import format_share

_NOT_DISTURBED = frozenset({DoubtKind.FEW_SAMPLES, DoubtKind.NOT_AVAILABLE, DoubtKind.SHARED_CORES})
"""Doubts that come of the workload, the target or the number of cores: looking for a disturbance is no use."""


def disturbances(repeats: Sequence[Repeat], figure: str, drift: Estimate | None) -> Iterator[Check]:
    """Yield a line for everything that the launches of the default configuration showed."""
    levels = [level for one in repeats if isinstance(one.outcome, Measurement) for level in one.outcome.levels]
    found = [level.conditions for level in levels if level.conditions is not None]
    yield other_programs(found)
    yield stolen(found)
    yield throttled(found)
    yield launches(repeats)
    if drift is not None:
        yield drifted(drift, figure)


def other_programs(found: Sequence[Conditions]) -> Check:
    """Say how much other programs used at most."""
    advice = "end what else runs here (top shows it), then run tuner doctor again"
    return _share("other programs", [one.other_programs for one in found], OTHER_PROGRAMS_SHARE, advice)


def stolen(found: Sequence[Conditions]) -> Check:
    """Say how much other virtual machines took at most."""
    advice = "choose a machine with cores of its own; this one is shared with other customers"
    return _share("stolen time", [one.stolen for one in found], STOLEN_SHARE, advice)


def _share(name: str, shares: Sequence[float | None], limit: float, advice: str) -> Check:
    known = [share for share in shares if share is not None]
    if not known:
        return Check(name=name, ok=True, found="this machine does not report it")
    ok = max(known) <= limit
    found = f"at most {format_share(max(known))} of our cores during a level"
    return Check(name=name, ok=ok, found=found, advice="" if ok else advice)


def throttled(found: Sequence[Conditions]) -> Check:
    """Say how often a quota stopped us."""
    known = [one.throttled for one in found if one.throttled is not None]
    if not known:
        return Check(name="throttling", ok=True, found="this machine does not report it")
    ok = not any(known)
    advice = "" if ok else "raise the CPU limit of this container, or take fewer cores (taskset)"
    return Check(
        name="throttling", ok=ok, found=f"stopped in {sum(known)} periods" if not ok else "none", advice=advice
    )


def launches(repeats: Sequence[Repeat]) -> Check:
    """Say how many launches were measured, and what spoke against them."""
    measured = [one.outcome for one in repeats if isinstance(one.outcome, Measurement)]
    kinds = Counter(kind for outcome in measured for kind in {doubt.kind for doubt in outcome.doubts})
    invalid = [one.outcome.reason for one in repeats if isinstance(one.outcome, Failure)]
    parts = [f"{len(measured)} of {len(repeats)} valid"]
    parts += [f"last invalid: {invalid[-1]}"] if invalid else []
    parts += [f"doubted for {kind} in {count}" for kind, count in kinds.most_common()]
    ok = not invalid and kinds.keys() <= _NOT_DISTURBED
    advice = "" if ok else "`tuner measure` says each doubt with its figures"
    return Check(name="launches", ok=ok, found="; ".join(parts), advice=advice)


def drifted(change: Estimate, figure: str) -> Check:
    """Say whether the machine became faster or slower while it was measured, beyond what noise does."""
    if change.low is None or change.high is None:
        return Check(name="drift", ok=True, found="cannot be told from these launches")
    ok = not has_drifted(change)
    span = f"{_change(change.value)} over {change.repetitions} launches (95 % interval {_change(change.low)} to "
    found = f"{figure} {span}{_change(change.high)}){': none that can be told' if ok else ''}"
    advice = "" if ok else "let the machine run warm and come to rest, then examine it again"
    return Check(name="drift", ok=ok, found=found, advice=advice)


def _change(ratio: float) -> str:
    return f"{(ratio - 1.0) * 100:+.1f} %"
