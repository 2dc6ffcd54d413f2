"""From the figures of a diagnosis to what a person can do with this machine."""

from collections.abc import Sequence
from inspect import signature

from tuner.doctor.diagnosis import Diagnosis, Rung
from tuner.statistics.compare import resolution
from tuner.study.judgement import criterion
from tuner.study.study import Noise, Settings
from tuner.units import format_rate, format_seconds

ROUNDS: int = signature(Settings).parameters["rounds"].default
"""How often a search launches each finalist, unless it is told otherwise."""


def told_apart(spread: float, noise: Noise, launches: int) -> float:
    """Return the least difference that so many launches of each configuration tell from noise, as a share."""
    return resolution(spread, launches, launches=noise.launches) - 1.0


def trustworthy(rungs: Sequence[Rung]) -> Rung | None:
    """Return the highest rate at which the load generator was in time."""
    return max((rung for rung in rungs if rung.trustworthy), key=lambda rung: rung.rate, default=None)


def sentence(diagnosis: Diagnosis) -> str:
    """Say in one sentence what a search on this machine is worth."""
    parts = [_resolves(diagnosis), _generator(diagnosis.rungs)]
    if any(not check.ok for check in diagnosis.checks):
        parts.append("what is marked `look` above is where to begin")
    return "; ".join(parts) + "."


def _resolves(diagnosis: Diagnosis) -> str:
    noise = diagnosis.noise
    if noise is None:
        valid = f"{len(diagnosis.launched)} of {diagnosis.asked} launches"
        return f"Only {valid} gave a figure, so no difference can be told here"
    decides = criterion(diagnosis.loads[0].loop)
    spread = decides.of(noise.throughput, noise.p99)
    once, confirmed = (percent(told_apart(spread, noise, count)) for count in (1, ROUNDS))
    differences = f"differences of {once} measured once and of {confirmed} confirmed"
    return f"A search on this machine resolves {decides.name} {differences}"


def _generator(rungs: Sequence[Rung]) -> str:
    best = trustworthy(rungs)
    if best is None or best.error is None:
        return "the load generator was late at every rate"
    at_least = " at least" if best is rungs[-1] else ""
    error = f"p99 is {format_seconds(best.error)} too long there"
    return f"the load generator is trustworthy up to {format_rate(best.rate)}{at_least} in one process ({error})"


def percent(share: float) -> str:
    """Write a share for a person, with two digits where it is small."""
    return f"{share * 100:.1f} %" if share < 0.1 else f"{share * 100:,.0f} %"
