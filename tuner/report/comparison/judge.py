"""From two sources to what differs between them beyond noise."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tuner.errors import RegressionError, UsageError
from tuner.gate.effect import Figure, Limit, Ruling, positive
from tuner.machine import Machine
from tuner.report.comparison.sources import Launches, Source
from tuner.report.text import ladder
from tuner.statistics.compare import Estimate, estimate, resolution, unpaired_ratio

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one figure at the target load.

    `ratio` is that of the second to the first, with an interval that holds for all figures together. `ruling` calls
    worse a regression, better no regression, and all that is within noise, or of which nobody knows, inconclusive.
    """

    name: str
    figure: Figure
    before: Estimate
    after: Estimate
    ratio: Estimate
    ruling: Ruling


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something about the two that is not the same, in words."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that was found; `doubts` are sentences."""

    before: Source
    after: Source
    changes: tuple[Change, ...]
    differences: tuple[Difference, ...]
    doubts: tuple[str, ...]

    @property
    def worse(self) -> tuple[Change, ...]:
        """What is worse beyond noise."""
        return tuple(one for one in self.changes if one.ruling is Ruling.REGRESSION)

    def require_no_worse(self) -> None:
        """Raise when anything is worse beyond noise."""
        if self.worse:
            raise RegressionError(f"regression: {', '.join(f'{one.figure} of {one.name}' for one in self.worse)}")


def compare(before: Source, after: Source, *, other_machine: bool) -> Comparison:
    """Compare two sources; refuses what cannot be: different loads, and unless allowed different machines."""
    if before.loads != after.loads:
        raise UsageError(
            f"{before.place} was measured at {ladder(before.loads)} and {after.place} at {ladder(after.loads)}: "
            "figures under different loads say nothing about each other"
        )
    if not other_machine and not _same_machine(before.machine, after.machine):
        raise UsageError(
            f"{before.place} and {after.place} were measured on different machines: compare figures of one machine, or "
            "give --other-machine to see how the machines differ"
        )
    pairs = list(_pairs(before, after))
    if not pairs:
        raise UsageError(f"{before.place} and {after.place} have no figures of the same kind, so nothing to compare")
    return Comparison(
        before=before,
        after=after,
        changes=tuple(_changes(before, after, pairs)),
        differences=tuple(_differences(before, after, pairs)),
        doubts=tuple(_doubts(before, after, pairs)),
    )


def _same_machine(one: Machine | None, other: Machine | None) -> bool:
    """Whether the hardware is the same; versions may be just what is to be compared."""
    if one is None or other is None:
        return True
    return (one.cpu, one.cores, one.memory) == (other.cpu, other.cores, other.memory)


Pair = tuple[Launches, Launches]


def _pairs(before: Source, after: Source) -> Iterator[Pair]:
    theirs = {one.name: one for one in after.launches}
    yield from ((one, theirs[one.name]) for one in before.launches if one.name in theirs)


def _changes(before: Source, after: Source, pairs: Sequence[Pair]) -> Iterator[Change]:
    # Bonferroni: all intervals together hold with 95 %, so that many figures do not make a regression likelier.
    confidence = 1.0 - (1.0 - _CONFIDENCE) / (len(pairs) * len(Figure))
    for one, other in pairs:
        for figure in Figure:
            olds, news = ([figure.read(launch.target) for launch in side.measured] for side in (one, other))
            if positive((*olds, *news)):
                ratio = _at_least_noise(before, after, figure, unpaired_ratio(news, olds, confidence), confidence)
                yield Change(
                    name=one.name,
                    figure=figure,
                    before=estimate(olds),
                    after=estimate(news),
                    ratio=ratio,
                    ruling=Limit(figure=figure, ratio=1.0).ruling(ratio.low, ratio.high),
                )


def _at_least_noise(before: Source, after: Source, figure: Figure, ratio: Estimate, confidence: float) -> Estimate:
    """Widen an interval to what `tuner doctor` says that this machine's noise leaves open, where it was asked."""
    noises = [noise for source in (before, after) if (noise := source.noise) is not None]
    spreads = [(noise.throughput if figure is Figure.THROUGHPUT else noise.p99[-1], noise.launches) for noise in noises]
    least = [
        resolution(spread, max(ratio.repetitions, 1), confidence, launches)
        for spread, launches in spreads
        if math.isfinite(spread)
    ]
    if not least:
        return ratio
    low, high = ratio.value / max(least), ratio.value * max(least)
    return replace(ratio, low=min(low, ratio.low or low), high=max(high, ratio.high or high))


def _differences(before: Source, after: Source, pairs: Sequence[Pair]) -> Iterator[Difference]:
    for what in dict.fromkeys((*before.facts, *after.facts)):
        was, now = before.facts.get(what, "–"), after.facts.get(what, "–")
        if was != now:
            yield Difference(what=what, before=was, after=now)
    for one, other in pairs:
        if one.what != other.what:
            yield Difference(what=one.name, before=one.what, after=other.what)
        answers = [_accuracy(side) for side in (one, other)]
        if answers[0] != answers[1]:
            yield Difference(what=f"answers of {one.name}", before=answers[0], after=answers[1])


def _accuracy(launches: Launches) -> str:
    found = next((one.quality for one in launches.measured if one.quality is not None), None)
    return f"{found.basis} {found.share:.1%} of {found.total}".replace("%", " %") if found else "–"


def _doubts(before: Source, after: Source, pairs: Sequence[Pair]) -> Iterator[str]:
    yield "the two were measured one after the other: what else changed on the machine meanwhile is in the figures too"
    if before.machine is None or after.machine is None:
        yield "measurements do not say which machine they were made on"
    elif not _same_machine(before.machine, after.machine):
        yield "the machines differ, so the figures say as much about them as about what ran on them"
    for one, other in pairs:
        for figure in Figure:
            if not positive([figure.read(launch.target) for side in (one, other) for launch in side.measured]):
                yield f"{figure} of {one.name} is not known in every launch, so it is not compared"
    if any(len(side.measured) < 2 for pair in pairs for side in pair):
        yield (
            "what was launched once has no interval of its own: measure it several times, let a search confirm it, or "
            "use tuner gate, which launches both in turns"
        )
