"""Which configuration to measure next: a pure function of what was measured so far.

Every proposal is made by a fresh TPE sampler over a study in memory that is rebuilt from the finished trials. The
storage keeps only what really happened; here, and only here, a configuration that failed stands as a trial with the
worst values seen and a violated constraint, because Optuna's samplers do not look at failed trials.
"""

import warnings
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Literal

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.study.judgement import reference_accuracy, violations
from tuner.study.objectives import Limits
from tuner.study.space import ChoiceKnob, Configuration, Knob, RangeKnob, SearchSpace, identity
from tuner.study.trial import Accuracy, Measurement, Trial

DIRECTIONS: tuple[Literal["maximize"], Literal["minimize"]] = ("maximize", "minimize")
"""Throughput at the target concurrency, and p99 in seconds at the lightest one."""

_TRIES = 100
_MOST_ENUMERATED = 100_000
_FAILED = "failed"


def distribution(knob: Knob) -> BaseDistribution:
    """Describe a knob to Optuna."""
    if isinstance(knob, ChoiceKnob):
        return CategoricalDistribution(list(knob.choices))
    if knob.integer:
        return IntDistribution(int(knob.low), int(knob.high), log=knob.log)
    return FloatDistribution(knob.low, knob.high, log=knob.log)


def values(measurement: Measurement) -> tuple[float, float]:
    """Return the objectives of a measurement in the order of `DIRECTIONS`."""
    return measurement.target.throughput, measurement.light.p99.value


def propose(
    space: SearchSpace,
    trials: Sequence[Trial],
    limits: Limits,
    *,
    starts: Sequence[Configuration] = (),
    seed: int = 0,
) -> Configuration | None:
    """Return a configuration that was not launched yet, or None when none is left.

    The default comes first, then the expert starts, then multivariate TPE (Bergstra 2011; Falkner 2018) under
    constraints. Equal arguments give equal proposals.
    """
    seen = {identity(trial.configuration) for trial in trials}
    candidates: Iterator[Configuration] = iter((space.default(), *starts))
    for configuration in candidates:
        if identity(configuration) not in seen and space.violated(configuration) is None:
            return configuration
    for configuration in _sampled(space, trials, limits, seed + len(trials)):
        if identity(configuration) not in seen and space.violated(configuration) is None:
            return configuration
    return next(_unseen(space, seen), None)


def _sampled(space: SearchSpace, trials: Sequence[Trial], limits: Limits, seed: int) -> Iterator[Configuration]:
    """Draw configurations from TPE; each draw that is not taken is discarded and another one is made."""
    sampler = optuna.samplers.TPESampler(multivariate=True, n_startup_trials=5, seed=seed)
    study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
    distributions = {knob.name: distribution(knob) for knob in space.free}
    if not distributions:
        return
    study.add_trials(_history(space, trials, limits, distributions))
    for _ in range(_TRIES):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            trial = study.ask(distributions)
        yield space.configuration(trial.params)
        study.tell(trial, state=TrialState.FAIL)


def _history(
    space: SearchSpace, trials: Sequence[Trial], limits: Limits, distributions: dict[str, BaseDistribution]
) -> list[FrozenTrial]:
    reference = reference_accuracy(trials, space.default())
    measured = [values(trial.measurement) for trial in trials if trial.measurement is not None]
    if not measured:
        return []
    worst = (min(gain for gain, _ in measured), max(cost for _, cost in measured))
    history = []
    for trial in trials:
        if trial.failure is not None and trial.failure.kind.ours:
            continue
        history.append(
            create_trial(
                params={name: trial.configuration[name] for name in distributions},
                distributions=distributions,
                values=values(trial.measurement) if trial.measurement else worst,
                constraints=constraints(trial, limits, reference),
            )
        )
    return history


def constraints(trial: Trial, limits: Limits, reference: Accuracy | None) -> dict[str, float]:
    """Return the same constraint keys for every trial; above zero means violated."""
    if trial.measurement is None:
        return {"slo": 0.0, "accuracy": 0.0, _FAILED: 1.0}
    return {**violations(trial.measurement, limits, reference), _FAILED: -1.0}


def _unseen(space: SearchSpace, seen: set[str]) -> Iterator[Configuration]:
    """Walk through a small space to the end, when sampling finds nothing new in it."""
    if space.size > _MOST_ENUMERATED:
        return
    grids = [_grid(knob) for knob in space.knobs]
    for combination in islice(product(*grids), _MOST_ENUMERATED):
        configuration = space.configuration(dict(zip(space.names, combination, strict=True)))
        if identity(configuration) not in seen and space.violated(configuration) is None:
            yield configuration


def _grid(knob: Knob) -> Sequence[bool | int | float | str]:
    if isinstance(knob, RangeKnob):
        return range(int(knob.low), int(knob.high) + 1) if knob.integer else (knob.low,)
    return knob.choices
