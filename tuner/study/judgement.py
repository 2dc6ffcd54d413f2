"""Does a trial keep the limits: the one place that says so, for the search and for the report."""

from collections.abc import Iterable, Sequence

from tuner.statistics.pareto import front
from tuner.study.objectives import Limits
from tuner.study.space import Configuration, identity
from tuner.study.trial import Accuracy, Measurement, Trial


def reference_accuracy(trials: Sequence[Trial], default: Configuration) -> Accuracy | None:
    """Return the accuracy of the default configuration: what a drop is reckoned from."""
    wanted = identity(default)
    for trial in trials:
        if trial.measurement is not None and identity(trial.configuration) == wanted:
            return trial.measurement.accuracy
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


def best(trials: Iterable[Trial]) -> Trial | None:
    """Return the measured trial with the highest throughput at the target concurrency."""
    measured = [(trial.measurement.objectives[0], trial) for trial in trials if trial.measurement is not None]
    return max(measured, key=lambda pair: pair[0])[1] if measured else None


def front_of(trials: Iterable[Trial]) -> list[Trial]:
    """Return the measured trials that no other one dominates in the two objectives, from the least p99 to the most."""
    measured = [(trial, trial.measurement.objectives) for trial in trials if trial.measurement is not None]
    return [measured[index][0] for index in front([(p99, throughput) for _, (throughput, p99) in measured])]
