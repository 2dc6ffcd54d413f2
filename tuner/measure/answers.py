"""What speaks against the answers of a launch, rather than against its figures."""

from collections.abc import Iterator

from tuner.measure.failed import LaunchError
from tuner.statistics.paired import enough
from tuner.study.objectives import Limits
from tuner.study.quality import Basis, Quality, UnderLoad
from tuner.study.trial import Doubt, DoubtKind, FailureKind
from tuner.units import format_change, format_drop, format_points, format_share

SIGNIFICANT = 0.05


def require_right(quality: Quality | None, limits: Limits) -> None:
    """Raise when load makes answers wrong, beyond chance and beyond the limit: nobody is served what was verified."""
    under = quality.under_load if quality else None
    if quality is None or under is None or not _is_worse(under) or under.change is None:
        return
    drop = -round(under.change.value, 9)
    if drop > limits.max_accuracy_drop:
        reason = f"{_under_load(quality, under)}; the default's before load is {format_points(drop)} higher"
        raise LaunchError(FailureKind.WRONG_ANSWERS, reason)


def doubts(quality: Quality | None, limits: Limits) -> Iterator[Doubt]:
    """Yield what is not known about the answers, and what load does to them."""
    if quality is None:
        return
    if message := _undecided(quality, limits):
        yield Doubt(kind=DoubtKind.QUALITY_UNDECIDED, message=message)
    under = quality.under_load
    if under is not None and _is_worse(under):
        batches = 0 < under.changed == under.changed_in_batches
        kind = DoubtKind.BATCH_DEPENDENT if batches else DoubtKind.WORSE_UNDER_LOAD
        yield Doubt(kind=kind, message=_under_load(quality, under))


def _is_worse(under: UnderLoad) -> bool:
    return under.correct < under.before and under.p < SIGNIFICANT


def _under_load(quality: Quality, under: UnderLoad) -> str:
    seen, before = format_share(under.share), format_share(under.before / under.total)
    told = f"{quality.basis} under load is {seen} of {under.total} requests, and {before} of the same before load"
    batches = f", {under.changed_in_batches} of them computed in batches" if under.changed_in_batches else ""
    return f"{told} (McNemar's p = {under.p:.2g}): {under.changed} answers changed{batches}"


def _undecided(quality: Quality, limits: Limits) -> str | None:
    """Say that the interval of the change crosses the limit, and how many requests would decide."""
    change, limit = quality.change, -limits.max_accuracy_drop
    if change is None or not change.low < limit < change.high:
        return None
    seen = format_change(change.value, change.low, change.high)
    told = f"{quality.basis} against the default's is {seen} by {change.total} requests, which does not tell"
    told += f" whether it drops by more than {format_drop(limits.max_accuracy_drop)}"
    count = enough(change, limit)
    kind = "labelled requests" if quality.basis is Basis.ACCURACY else "requests"
    many = "no number of" if count is None else f"about {float(f'{count:.2g}'):,.0f}"
    return f"{told}; {many} {kind} would tell"
