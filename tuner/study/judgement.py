"""Does a trial keep the limits: the one place that says so, for the search and for the report."""

from collections.abc import Sequence

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
        drop = reference.share - measurement.accuracy.share - limits.max_accuracy_drop
    return {"slo": slo, "accuracy": drop}


def feasible(trial: Trial, limits: Limits, reference: Accuracy | None) -> bool:
    """Whether a trial was measured and keeps every limit."""
    measurement = trial.measurement
    return measurement is not None and all(miss <= 0.0 for miss in violations(measurement, limits, reference).values())
