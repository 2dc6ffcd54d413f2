"""Does a trial meet the limits, and which one is better: the one place that says so, for search and report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tuner.statistics.compare import Estimate
from tuner.statistics.pareto import front
from tuner.study.objectives import Limits
from tuner.study.trial import Measurement, Trial
from tuner.study.workload import Loop

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """The figure that decides between configurations within the limits; `more` says whether more of it is better."""

    name: str
    more: bool

    def of(self, throughput: _Kind, p99: Sequence[_Kind]) -> _Kind:
        """Return which of both is the figure that decides; `p99` has one for each load, that of the target last."""
        return throughput if self.more else p99[-1]

    def merit(self, figure: float) -> float:
        """Turn the figure into one of which more is better."""
        return figure if self.more else -figure

    def gain(self, ratio: Estimate) -> Estimate:
        """Turn a ratio of two figures into how many times better the first is."""
        if self.more:
            return ratio
        low, high = (None if end is None else 1.0 / end for end in (ratio.high, ratio.low))
        return Estimate(value=1.0 / ratio.value, low=low, high=high, repetitions=ratio.repetitions)


_BY_LOOP = {
    Loop.CLOSED: Criterion(name="throughput", more=True),
    # Arrivals do not wait for answers, so every configuration that keeps up has the same throughput.
    Loop.OPEN: Criterion(name="p99", more=False),
}


def criterion(loop: Loop) -> Criterion:
    """Return what decides under loads of this kind."""
    return _BY_LOOP[loop]


def merit(measurement: Measurement) -> float:
    """Return how good a measurement is at the target load: more is better, and only one kind of load compares."""
    target = measurement.target
    decides = criterion(target.load.loop)
    return decides.merit(decides.of(target.throughput, [target.p99.value]))


def objectives(measurement: Measurement, *, with_quality: bool = False) -> tuple[float, ...]:
    """Return what is maximised, the merit at the target load, and what is minimised, p99 in seconds at the lightest.

    On demand the third is the share of right answers, to be maximised; where nothing is known of them it is zero.
    """
    two = (merit(measurement), measurement.light.p99.value)
    if not with_quality:
        return two
    return (*two, measurement.quality.share if measurement.quality else 0.0)


def violations(measurement: Measurement, limits: Limits) -> dict[str, float]:
    """Return by how much each limit is missed; at most zero means met.

    The keys are the same for every trial: `slo` in seconds, `quality` as a share of all answers.
    """
    slo = measurement.target.metric(limits.slo.metric) - limits.slo.limit if limits.slo else 0.0
    # Exactly the limit is still met, whatever the last bit of a difference of fractions says.
    drop = round(measurement.quality.drop - limits.max_accuracy_drop, 9) if measurement.quality else 0.0
    return {"slo": slo, "quality": drop}


def feasible(trial: Trial, limits: Limits) -> bool:
    """Whether a trial was measured and meets every limit."""
    measurement = trial.measurement
    return measurement is not None and all(miss <= 0.0 for miss in violations(measurement, limits).values())


def unjudged(trial: Trial, limits: Limits) -> bool:
    """Whether a trial was measured and misses nothing, but by too few requests to know its p99 against the SLO."""
    measurement, slo = trial.measurement, limits.slo
    if measurement is None or slo is None or slo.metric != "p99" or measurement.target.told_p99 is not None:
        return False
    return violations(measurement, limits)["quality"] <= 0.0


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Return the measured trials, the best at the target load first; those that tie stay in their order."""
    measured = [(merit(trial.measurement), trial) for trial in trials if trial.measurement is not None]
    return [trial for _, trial in sorted(measured, key=lambda pair: -pair[0])]


def best(trials: Iterable[Trial]) -> Trial | None:
    """Return the measured trial that is best at the target load."""
    return next(iter(ranked(trials)), None)


def front_of(trials: Iterable[Trial], *, with_quality: bool = False) -> list[Trial]:
    """Return the measured trials that no other one beats at the target load with no more p99 under the lightest.

    With quality, a trial stays as well that no other one beats with no fewer right answers.
    """
    measured = [(trial, _costs(found, with_quality)) for trial in trials if (found := trial.measurement) is not None]
    return [measured[index][0] for index in front([costs for _, costs in measured])]


def _costs(measurement: Measurement, with_quality: bool) -> tuple[float, ...]:
    """Return the objectives so that less is better: p99 first, by which a front is sorted."""
    gain, p99, *shares = objectives(measurement, with_quality=with_quality)
    return (p99, -gain, *(-share for share in shares))
