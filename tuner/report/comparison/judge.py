"""From two sources to what differs between them beyond noise."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tuner.errors import RegressionError, UsageError
from tuner.gate.effect import Figure, Limit, Ruling, positive
from tuner.machine import same_hardware
from tuner.report.comparison.locustfiles import both_read, differ
from tuner.report.comparison.sources import Launches, Source
from tuner.report.text import ladder
from tuner.statistics.compare import Estimate, estimate, resolution, unpaired_ratio
from tuner.units import format_share

_CONFIDENCE = 0.95


class ChangeKind(StrEnum):
    """What became of a figure."""

    WORSE = "worse"
    BETTER = "better"
    WITHIN_NOISE = "within noise"
    NO_INTERVAL = "no interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one figure at the target load.

    `ratio` is that of the second to the first, with an interval that holds for all figures together.
    """

    name: str
    figure: Figure
    before: Estimate
    after: Estimate
    ratio: Estimate

    @property
    def kind(self) -> ChangeKind:
        """Which way the figure went, if its interval leaves no change out."""
        if self.ratio.low is None:
            return ChangeKind.NO_INTERVAL
        ruling = Limit(figure=self.figure, ratio=1.0).ruling(self.ratio.low, self.ratio.high)
        return _KINDS[ruling]


_KINDS = {
    Ruling.REGRESSION: ChangeKind.WORSE,
    Ruling.NO_REGRESSION: ChangeKind.BETTER,
    Ruling.INCONCLUSIVE: ChangeKind.WITHIN_NOISE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something about the two that is not the same, in words."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that was found.

    `lost` and `doubts` are sentences: what the second cannot do any more, and what to keep in mind.
    """

    before: Source
    after: Source
    changes: tuple[Change, ...]
    lost: tuple[str, ...]
    differences: tuple[Difference, ...]
    doubts: tuple[str, ...]

    @property
    def worse(self) -> tuple[Change, ...]:
        """What is worse beyond noise."""
        return tuple(one for one in self.changes if one.kind is ChangeKind.WORSE)

    def require_no_worse(self) -> None:
        """Raise when anything is worse beyond noise, or lost."""
        if self.worse or self.lost:
            worse = [f"{one.figure} of {one.name}" for one in self.worse]
            raise RegressionError(f"regression: {', '.join([*worse, *self.lost])}")


def compare(before: Source, after: Source, *, other_machine: bool) -> Comparison:
    """Compare two sources; refuses what cannot be: different loads, and unless allowed different machines."""
    _require_one_load(before, after)
    if not other_machine:
        _require_one_machine(before, after)
    pairs, lost = list(_pairs(before, after)), tuple(_lost(before, after))
    if not pairs and not lost:
        raise UsageError(f"{before.place} and {after.place} have no figures of the same kind, so nothing to compare")
    return Comparison(
        before=before,
        after=after,
        changes=tuple(_changes(before, after, pairs)),
        lost=lost,
        differences=tuple(_differences(before, after, pairs)),
        doubts=tuple(_doubts(before, after, pairs)),
    )


def _require_one_load(before: Source, after: Source) -> None:
    """Refuse figures under different loads: other levels, or requests of another locustfile."""
    vain = "figures under different loads say nothing about each other"
    if before.loads and after.loads and before.loads != after.loads:
        raise UsageError(
            f"{before.place} was measured at {ladder(before.loads)} and {after.place} at {ladder(after.loads)}: {vain}"
        )
    one, other = before.locustfile, after.locustfile
    if one is not None and other is not None and differ(one, other):
        raise UsageError(
            f"{before.place} was measured with the locustfile {one}, and {after.place} with {other}: {vain}; measure "
            "both with the same --locustfile"
        )


def _require_one_machine(before: Source, after: Source) -> None:
    """Refuse figures of different machines; versions may be just what is to be compared."""
    for source in (before, after):
        if source.machine is None:
            raise UsageError(
                f"{source.place} does not say which machine it was measured on: measure it again, or give "
                "--other-machine if you know that it was the same"
            )
    assert before.machine is not None
    assert after.machine is not None
    if not same_hardware(before.machine, after.machine):
        raise UsageError(
            f"{before.place} and {after.place} were measured on different machines: compare figures of one machine, or "
            "give --other-machine to see how the machines differ"
        )


Pair = tuple[Launches, Launches]


def _both(before: Source, after: Source) -> Iterator[Pair]:
    """Yield what either has under one name; a side that has nothing of that name was never launched."""
    olds, news = ({one.name: one for one in source.launches} for source in (before, after))
    for name in dict.fromkeys((*olds, *news)):
        nothing = Launches(name=name, what="never launched")
        yield olds.get(name, nothing), news.get(name, nothing)


def _pairs(before: Source, after: Source) -> Iterator[Pair]:
    yield from (pair for pair in _both(before, after) if all(side.measured for side in pair))


def _lost(before: Source, after: Source) -> Iterator[str]:
    """Yield what the second cannot do any more, although the first could."""
    for one, other in _both(before, after):
        if one.measured and not other.measured and other.fault:
            yield f"{one.name} has no figures any more ({other.fault})"
        if _endless(other) and not _endless(one) and one.measured:
            yield f"p99 of {one.name} is infinite in {_endless(other)} of {len(other.measured)} launches"


def _endless(launches: Launches) -> int:
    """Count the launches in which so many requests failed or did not finish that p99 is one of them."""
    return sum(math.isinf(one.target.p99.value) for one in launches.measured)


def _changes(before: Source, after: Source, pairs: Sequence[Pair]) -> Iterator[Change]:
    # Bonferroni: all intervals together hold with 95 %, so that many figures do not make a regression likelier.
    confidence = 1.0 - (1.0 - _CONFIDENCE) / max(len(pairs) * len(Figure), 1)
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
        was, now = before.says(what), after.says(what)
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
    return f"{found.basis} {format_share(found.share)} of {found.total}" if found else "–"


def _doubts(before: Source, after: Source, pairs: Sequence[Pair]) -> Iterator[str]:
    yield "the two were measured one after the other: what else changed on the machine meanwhile is in the figures too"
    if before.machine is None or after.machine is None:
        yield "not both say which machine they were measured on"
    elif not same_hardware(before.machine, after.machine):
        yield "the machines differ, so the figures say as much about them as about what ran on them"
    yield from _unknown(before, after)
    for one, other in _both(before, after):
        for source, side in ((before, one), (after, other)):
            if not side.measured:
                yield f"{source.place} has no figures of {side.name}, so it is not compared ({side.what})"
            if side.failed:
                last, count = side.failed[-1], len(side.failed) + len(side.measured)
                told = f"{len(side.failed)} of {count} launches of {side.name} gave no figures in {source.place}"
                yield f"{told}, the last one: {last.kind}: {last.reason}"
    for one, other in pairs:
        for figure in Figure:
            if not positive([figure.read(launch.target) for side in (one, other) for launch in side.measured]):
                yield f"{figure} of {one.name} is not known in every launch, so it is not compared"
    if any(len(side.measured) < 2 for pair in pairs for side in pair):
        yield (
            "what was launched once has no interval of its own: measure it several times, let a search confirm it, or "
            "use tuner gate, which launches both in turns"
        )


def _unknown(before: Source, after: Source) -> Iterator[str]:
    """Say where it was not stored what was measured, and where locustfiles were only told apart by name."""
    for place in dict.fromkeys(source.place for source in (before, after) if not source.recorded):
        yield f"not every measurement in {place} says what was measured, so it may have been different things"
    one, other = before.locustfile, after.locustfile
    if one is None or other is None or (one.given, other.given) == (None, None):
        return
    if not both_read(one, other):
        yield f"the locustfiles have one name ({one.name}), but not both can be read: what is in them may differ"
