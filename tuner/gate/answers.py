"""Does the new side answer as the baseline does: the answers before load of both, request by request."""

from collections.abc import Iterator

from tuner.gate.effect import Ruling
from tuner.statistics.paired import enough
from tuner.study.quality import Basis, Quality
from tuner.study.trial import Doubt, DoubtKind
from tuner.units import format_change, format_drop


def ruling(found: Quality, most: float) -> Ruling:
    """Judge the answers of the new side against the limit of `most`, a share.

    A drop whose whole interval lies beyond the limit is a regression; one that is beyond it, but may not be, decides
    nothing. A drop that was not seen is none, however few requests there are, as no launch would bring more of them.
    """
    if found.change is None or found.drop <= most:
        return Ruling.NO_REGRESSION
    # Nine digits, so that exactly the limit is still met.
    return Ruling.REGRESSION if round(found.change.high + most, 9) < 0.0 else Ruling.INCONCLUSIVE


def baseline_share(found: Quality) -> float:
    """Return the share of the baseline's answers that are right, or that are as its own."""
    return (found.correct + found.change.lost - found.change.gained) / found.total if found.change else found.share


def doubts(found: Quality | None, most: float) -> Iterator[Doubt]:
    """Yield what is not known about the answers."""
    if found is None:
        message = "whether both sides answer alike: the target names no requests or no field in [answers]"
        yield Doubt(kind=DoubtKind.NOT_AVAILABLE, message=message)
    elif found.change is not None and found.change.low < -most < found.change.high:
        change = format_change(found.change.value, found.change.low, found.change.high)
        message = f"{found.basis} against the baseline's is {change} by {found.total:,} requests, which does not tell"
        message += f" whether it drops by more than {format_drop(most)}; {would_decide(found, most)}"
        yield Doubt(kind=DoubtKind.QUALITY_UNDECIDED, message=message)


def would_decide(found: Quality, most: float) -> str:
    """Say how many requests would decide whether the drop is beyond the limit."""
    count = None if found.change is None else enough(found.change, -most)
    kind = "labelled requests" if found.basis is Basis.ACCURACY else "requests"
    many = "no number of" if count is None else f"about {float(f'{count:.2g}'):,.0f}"
    return f"{many} {kind} would tell"
