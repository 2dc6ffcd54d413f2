"""Confirmation: the finalists and the default, launched again side by side; only these figures name the winner."""

from collections.abc import Iterator, Sequence
from random import Random

from tuner.statistics.pareto import front
from tuner.study.judgement import feasible, reference_accuracy
from tuner.study.space import identity
from tuner.study.study import Study
from tuner.study.trial import Measurement, Trial

# One measurement of p99 scatters by about a tenth: a candidate this close to the default deserves the second look.
_P99_SLACK = 1.1


def finalists(study: Study) -> list[int]:
    """Return the trials to confirm: the default first, then the best of those that keep the limits.

    Best is the highest throughput at the target concurrency; without an SLO, among those whose p99 at every level
    is about as good as the default's, then along the Pareto front.
    """
    default = next((trial for trial in study.trials if identity(trial.configuration) == identity(study.default)), None)
    if default is None or default.measurement is None:
        return []
    reference = reference_accuracy(study.trials, study.default)
    limits = study.settings.limits
    kept = [trial for trial in study.trials if trial is not default and feasible(trial, limits, reference)]
    kept.sort(key=lambda trial: -_measured(trial).target.throughput)
    if limits.slo is None:
        on_front = _front(kept)
        safe = [trial for trial in kept if _no_worse(_measured(trial), default.measurement)]
        kept = [*safe, *(trial for trial in on_front if trial not in safe)]
    return [default.number, *(trial.number for trial in kept[: study.settings.finalists])]


def _measured(trial: Trial) -> Measurement:
    assert trial.measurement is not None
    return trial.measurement


def _front(trials: Sequence[Trial]) -> list[Trial]:
    points = [(_measured(trial).light.p99.value, _measured(trial).target.throughput) for trial in trials]
    return sorted((trials[index] for index in front(points)), key=lambda trial: -_measured(trial).target.throughput)


def _no_worse(measurement: Measurement, default: Measurement) -> bool:
    return all(
        mine.p99.value <= _P99_SLACK * theirs.p99.value
        for mine, theirs in zip(measurement.levels, default.levels, strict=True)
    )


def schedule(trials: Sequence[int], rounds: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield (round, trial): every trial once a round, in a random order that is new in each."""
    for number in range(rounds):
        order = list(trials)
        Random(f"{seed}:{number}").shuffle(order)
        yield from ((number, trial) for trial in order)
