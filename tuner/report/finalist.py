"""The finalists as their confirming launches show them: estimates, ratios to the default, ties and objections."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tuner.report.quality import shortfall
from tuner.report.text import TOO_FEW, bracketed
from tuner.report.ties import beyond_noise, least_difference, tie
from tuner.statistics.compare import Estimate, estimate, ratio
from tuner.study.judgement import criterion
from tuner.study.objectives import Slo
from tuner.study.quality import Quality
from tuner.study.space import Configuration
from tuner.study.study import Study
from tuner.study.trial import Confirmation, Failure, LevelSummary, Measurement
from tuner.study.workload import Load
from tuner.units import format_drop, format_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalist:
    """A configuration as it was confirmed; ratios are to the default, paired launch by launch.

    `p99` and `p99_ratio` follow the loads of the workload; `arrivals` is the p99 of the open loop that was confirmed
    beside a closed one. A p99 is infinite when too many requests failed, and NaN when there were too few in a launch to
    tell it. `ties` are the finalists that this machine's noise does not tell it from; `objection` says why
    it cannot win, if so.
    """

    trial: int
    configuration: Configuration
    throughput: Estimate
    throughput_ratio: Estimate
    p99: tuple[Estimate, ...]
    p99_ratio: tuple[Estimate, ...]
    arrivals: Estimate | None
    arrivals_ratio: Estimate | None
    quality: Quality | None
    objection: str | None
    ties: tuple[int, ...] = ()

    @property
    def unjudged(self) -> bool:
        """Whether all that speaks against it is that too few requests were made: no objection else says so."""
        return TOO_FEW in (self.objection or "")

    @property
    def estimates(self) -> tuple[Estimate | None, ...]:
        """Everything that was confirmed: throughput at the target, p99 at every load, and p99 of the open loop."""
        return (self.throughput, *self.p99, self.arrivals)

    @property
    def ratios(self) -> tuple[Estimate | None, ...]:
        """The ratios to the default, in the same order."""
        return (self.throughput_ratio, *self.p99_ratio, self.arrivals_ratio)


Rounds = Mapping[int, Confirmation]
Read = Callable[[Measurement], LevelSummary | None]


def finalists(study: Study) -> tuple[Finalist, ...]:
    """Judge every configuration that has a confirming launch, the best in the figure that decides first."""
    launches = _launches(study)
    default: Rounds = launches.get(study.default_trial.number, {}) if study.default_trial else {}
    judged = [_finalist(study, trial, rounds, default) for trial, rounds in launches.items()]
    found = [finalist for finalist in judged if finalist is not None]
    decides = criterion(study.settings.workload.loop)
    figures = {finalist.trial: decides.of(finalist.throughput, finalist.p99) for finalist in found}
    noted = [replace(finalist, ties=_ties(study, decides.name, figures, finalist.trial)) for finalist in found]

    def place(finalist: Finalist) -> tuple[bool, float]:
        figure = figures[finalist.trial].value
        return math.isnan(figure), -decides.merit(figure)

    return tuple(sorted(noted, key=place))


def lost(study: Study) -> tuple[int, ...]:
    """Return the trials of which every confirming launch failed."""
    return tuple(trial for trial, rounds in _launches(study).items() if not any(map(_measured, rounds.values())))


def arrivals_load(study: Study) -> Load | None:
    """Return the load of the open loop that the confirmations ended with; a resumed study may have had another."""
    levels = [one.arrivals for confirmation in study.confirmations if (one := _measured(confirmation))]
    return next((level.load for level in reversed(levels) if level is not None), None)


def _launches(study: Study) -> dict[int, dict[int, Confirmation]]:
    found: dict[int, dict[int, Confirmation]] = {}
    for confirmation in study.confirmations:
        found.setdefault(confirmation.trial, {})[confirmation.round] = confirmation
    return found


def _ties(study: Study, name: str, figures: Mapping[int, Estimate], mine: int) -> tuple[int, ...]:
    def ties(one: Estimate, other: Estimate) -> bool:
        return tie(one.value, other.value, least_difference(study, name, min(one.repetitions, other.repetitions)))

    return tuple(other for other, figure in figures.items() if other != mine and ties(figures[mine], figure))


def _measured(confirmation: Confirmation | None) -> Measurement | None:
    outcome = confirmation.outcome if confirmation else None
    return outcome if isinstance(outcome, Measurement) else None


def _level(index: int) -> Read:
    return lambda one: one.levels[index]


def _p99(read: Read, measured: Sequence[Measurement]) -> list[float]:
    told = [level.told_p99 for one in measured if (level := read(one)) is not None]
    return [math.nan if p99 is None else p99 for p99 in told]


def _p99_ratio(read: Read, pairs: Sequence[tuple[Measurement, Measurement]]) -> Estimate:
    both = [pair for pair in pairs if all(read(one) is not None for one in pair)]
    return _ratio(_p99(read, [mine for mine, _ in both]), _p99(read, [theirs for _, theirs in both]))


def _finalist(study: Study, trial: int, rounds: Rounds, default: Rounds) -> Finalist | None:
    measured = [found for confirmation in rounds.values() if (found := _measured(confirmation))]
    # A launch that was disturbed says nothing against the configuration.
    failed = sum(isinstance(one.outcome, Failure) and not one.outcome.kind.ours for one in rounds.values())
    if not measured:
        return None
    pairs = [
        (mine, theirs)
        for number, confirmation in rounds.items()
        if (mine := _measured(confirmation)) and (theirs := _measured(default.get(number)))
    ]
    load = arrivals_load(study)

    def arrivals(one: Measurement) -> LevelSummary | None:
        return one.arrivals if one.arrivals is not None and one.arrivals.load == load else None

    arrived = _p99(arrivals, measured)
    levels = [_level(index) for index in range(len(study.settings.workload.loads))]
    unjudged = Finalist(
        trial=trial,
        configuration=study.trial(trial).configuration,
        throughput=_estimate([one.target.throughput for one in measured]),
        throughput_ratio=_ratio([mine.target.throughput for mine, _ in pairs], [i.target.throughput for _, i in pairs]),
        p99=tuple(_estimate(_p99(read, measured)) for read in levels),
        p99_ratio=tuple(_p99_ratio(read, pairs) for read in levels),
        arrivals=_estimate(arrived) if arrived else None,
        arrivals_ratio=_p99_ratio(arrivals, pairs) if arrived else None,
        quality=_quality(measured),
        objection=None,
    )
    return replace(unjudged, objection=_objection(study, unjudged, failed, measured))


def _estimate(values: Sequence[float]) -> Estimate:
    """Estimate positive figures; a throughput of zero has no logarithm, and the answer is that there was none."""
    if values and min(values) <= 0.0:
        return Estimate(value=0.0, low=None, high=None, repetitions=len(values))
    return estimate(values)


def _ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """Compare figures pair by pair; without a pair of positive finite ones there is nothing to compare."""
    figures = (*numerators, *denominators)
    if not figures or min(figures) <= 0.0 or not all(map(math.isfinite, figures)):
        return Estimate(value=math.nan, low=None, high=None, repetitions=len(numerators))
    return ratio(numerators, denominators)


def _quality(measured: Sequence[Measurement]) -> Quality | None:
    """Return the quality of a finalist's answers: in the first round, the default's may not have been known yet."""
    found = [one.quality for one in reversed(measured) if one.quality is not None]
    return next((quality for quality in found if quality.change is not None), found[0] if found else None)


def _objection(study: Study, found: Finalist, failed: int, measured: list[Measurement]) -> str | None:
    """Say why a finalist cannot win."""
    limits, quality = study.settings.limits, found.quality
    if failed:
        return f"{failed} of {failed + len(measured)} launches failed"
    if quality is not None and quality.drop > limits.max_accuracy_drop:
        most = format_drop(limits.max_accuracy_drop)
        return f"its {shortfall(quality)}" + (f", more than {most}" if quality.default_known else "")
    if limits.slo is not None:
        return _missed(limits.slo, found, measured)
    return next(_slower(study, found), None)


def _missed(slo: Slo, found: Finalist, measured: Sequence[Measurement]) -> str | None:
    """Say how an SLO is missed, or that it is not known to be met."""
    if slo.metric == "p99" and math.isnan(found.p99[-1].value):
        return f"whether it meets {slo} is not known: {TOO_FEW}"
    figure = estimate([one.target.metric(slo.metric) for one in measured]).value
    return None if figure <= slo.limit else f"{slo.metric} {format_seconds(figure)} misses {slo}"


def _slower(study: Study, found: Finalist) -> Iterator[str]:
    """Yield what speaks against a p99 where no SLO says which one is enough: the default's is the measure then.

    That of the default itself may be unknown: there is nothing that it would have to be as good as.
    """
    is_default = study.trial(found.trial) == study.default_trial
    for load, p99, change in zip(study.settings.workload.loads, found.p99, found.p99_ratio, strict=True):
        if math.isnan(p99.value) and is_default:
            continue
        if math.isnan(p99.value):
            yield f"p99 at {load} is not known: {TOO_FEW}"
        elif math.isinf(p99.value):
            yield f"p99 at {load} has no bound: too many requests failed"
        elif beyond_noise(study, "p99", change, load):
            yield f"p99 at {load} is {change.value:.2f}× the default's"


def undecided(study: Study, found: Finalist, default: Finalist) -> Iterator[str]:
    """Yield each p99 that may be worse than the default's: it did not come out worse beyond noise, nor as no worse."""
    loads = study.settings.workload.loads
    for load, theirs, change in zip(loads, default.p99, found.p99_ratio, strict=True):
        if math.isnan(theirs.value):
            yield f"its p99 at {load} cannot be compared: of the default there were {TOO_FEW}"
        elif change.value > 1.0:
            yield f"its p99 at {load}, {bracketed(change)} the default's, may be worse"
