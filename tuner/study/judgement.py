"""Does a trial keep the limits, and which one is better: the one place that says so, for search and report."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tuner.statistics.compare import Estimate
from tuner.statistics.pareto import front
from tuner.study.objectives import Limits
from tuner.study.space import Configuration, identity
from tuner.study.trial import Accuracy, LevelSummary, Measurement, Trial
from tuner.study.workload import Loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """The figure that decides between configurations within the limits; `more` says whether more of it is better.

    `read` takes it from the level at the target load.
    """

    name: str
    more: bool
    read: Callable[[LevelSummary], float]

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
    Loop.CLOSED: Criterion(name="throughput", more=True, read=lambda level: level.throughput),
    # Arrivals do not wait for answers, so every configuration that keeps up has the same throughput.
    Loop.OPEN: Criterion(name="p99", more=False, read=lambda level: level.p99.value),
}


def criterion(loop: Loop) -> Criterion:
    """Return what decides under loads of this kind."""
    return _BY_LOOP[loop]


def merit(measurement: Measurement) -> float:
    """Return how good a measurement is at the target load: more is better, and only one kind of load compares."""
    decides = criterion(measurement.target.load.loop)
    return decides.merit(decides.read(measurement.target))


def objectives(measurement: Measurement) -> tuple[float, float]:
    """Return what is maximised, the merit at the target load, and what is minimised, p99 in seconds at the lightest."""
    return merit(measurement), measurement.light.p99.value


def reference_accuracy(trials: Sequence[Trial], default: Configuration) -> Accuracy | None:
    """Return the accuracy of the default configuration: what a drop is reckoned from."""
    wanted = identity(default)
    for trial in trials:
        if trial.outcome.accuracy is not None and identity(trial.configuration) == wanted:
            return trial.outcome.accuracy
    return None


def violations(measurement: Measurement, limits: Limits, reference: Accuracy | None) -> dict[str, float]:
    """Return by how much each limit is missed; at most zero means kept.

    The keys are the same for every trial: `slo` in seconds, `accuracy` as a share of all answers.
    """
    slo = measurement.target.metric(limits.slo.metric) - limits.slo.limit if limits.slo else 0.0
    drop = 0.0
    if reference is not None and measurement.accuracy is not None:
        # Exactly the limit is kept, whatever the last bit of a difference of fractions says.
        drop = round(reference.share - measurement.accuracy.share - limits.max_accuracy_drop, 9)
    return {"slo": slo, "accuracy": drop}


def feasible(trial: Trial, limits: Limits, reference: Accuracy | None) -> bool:
    """Whether a trial was measured and keeps every limit."""
    measurement = trial.measurement
    return measurement is not None and all(miss <= 0.0 for miss in violations(measurement, limits, reference).values())


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Return the measured trials, the best at the target load first; those that tie stay in their order."""
    measured = [(merit(trial.measurement), trial) for trial in trials if trial.measurement is not None]
    return [trial for _, trial in sorted(measured, key=lambda pair: -pair[0])]


def best(trials: Iterable[Trial]) -> Trial | None:
    """Return the measured trial that is best at the target load."""
    return next(iter(ranked(trials)), None)


def front_of(trials: Iterable[Trial]) -> list[Trial]:
    """Return the measured trials that no other one beats at the target load with no more p99 under the lightest."""
    measured = [(trial, objectives(trial.measurement)) for trial in trials if trial.measurement is not None]
    return [measured[index][0] for index in front([(p99, gain) for _, (gain, p99) in measured])]
