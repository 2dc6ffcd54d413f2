"""Which configuration to measure next: a pure function of what was measured so far.

Every proposal is made by a fresh TPE sampler over a study in memory that is rebuilt from the finished trials. The
storage keeps only what really happened; here, and only here, a configuration that failed stands as a trial with the
worst values seen and a violated constraint, because Optuna's samplers do not look at failed trials.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, product
from typing import Literal, TypeGuard

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.study.judgement import objectives, violations
from tuner.study.objectives import Limits
from tuner.study.space import ChoiceKnob, Configuration, Knob, RangeKnob, SearchSpace, Value, identity
from tuner.study.trial import Trial

Direction = Literal["maximize", "minimize"]

optuna.logging.set_verbosity(optuna.logging.WARNING)

_TPE_DRAWS = 50
_RANDOM_DRAWS = 200
_MOST_ENUMERATED = 100_000
_FAILED_CONSTRAINTS = {"slo": 0.0, "quality": 0.0, "failed": 1.0}


def directions(with_quality: bool) -> tuple[Direction, ...]:
    """Return the directions of `tuner.study.judgement.objectives`."""
    return ("maximize", "minimize", "maximize") if with_quality else ("maximize", "minimize")


def distribution(knob: Knob) -> BaseDistribution:
    """Describe a knob to Optuna, as it is stored."""
    if isinstance(knob, ChoiceKnob):
        return CategoricalDistribution(list(knob.choices))
    if knob.integer:
        return IntDistribution(int(knob.low), int(knob.high), log=knob.log)
    return FloatDistribution(knob.low, knob.high, log=knob.log)


def _is_ordered(knob: Knob) -> TypeGuard[ChoiceKnob]:
    """Whether the choices are rising numbers, which TPE can then tell near from far."""
    if not isinstance(knob, ChoiceKnob) or not all(type(choice) in (int, float) for choice in knob.choices):
        return False
    return list(knob.choices) == sorted(knob.choices, key=float)


def _sampled_distribution(knob: Knob) -> BaseDistribution:
    """Describe a knob to the sampler: rising numbers are sampled by their place."""
    return IntDistribution(0, len(knob.choices) - 1) if _is_ordered(knob) else distribution(knob)


def _encode(knob: Knob, value: Value) -> Value:
    return knob.choices.index(value) if _is_ordered(knob) else value


def _decode(knob: Knob, sampled: Value) -> Value:
    if _is_ordered(knob):
        return knob.choices[int(sampled)]
    if isinstance(sampled, float) and isinstance(knob, RangeKnob):
        # Three digits are finer than any effect, and a person can read and type them.
        return min(max(float(f"{sampled:.3g}"), knob.low), knob.high)
    return sampled


def propose(
    space: SearchSpace,
    trials: Sequence[Trial],
    limits: Limits,
    *,
    starts: Sequence[Configuration] = (),
    seed: int = 0,
    with_quality: bool = False,
) -> Configuration | None:
    """Return a configuration that was not launched yet, or None when none is left.

    The default comes first, then the expert starts, then multivariate TPE (Bergstra 2011; Falkner 2018) under
    constraints. Equal arguments give equal proposals.
    """
    default = identity(space.default())
    seen = {identity(trial.configuration) for trial in trials}
    if all(trial.failure and trial.failure.kind.ours for trial in trials if identity(trial.configuration) == default):
        # Everything is compared with the default: when its measurement was disturbed, it is measured again.
        seen.discard(default)
    known: Iterator[Configuration] = iter((space.default(), *starts))
    sampled = _sampled(space, trials, limits, seed + len(trials), with_quality)
    for configuration in chain(known, sampled, _enumerated(space)):
        if identity(configuration) not in seen and space.violated(configuration) is None:
            return configuration
    return None


def _sampled(
    space: SearchSpace, trials: Sequence[Trial], limits: Limits, seed: int, with_quality: bool
) -> Iterator[Configuration]:
    """Draw configurations, from TPE at first and at random when TPE insists on what was measured already."""
    distributions = {knob.name: _sampled_distribution(knob) for knob in space.free}
    if not distributions:
        return
    ways = directions(with_quality)
    seen = [
        (trial, _values(trial, with_quality)) for trial in trials if not (trial.failure and trial.failure.kind.ours)
    ]
    worst = _worst([values for _, values in seen if values is not None], ways)
    tpe = optuna.create_study(
        directions=ways, sampler=optuna.samplers.TPESampler(multivariate=True, n_startup_trials=5, seed=seed)
    )
    if worst is not None:
        tpe.add_trials([_past(space, distributions, trial, values or worst, limits) for trial, values in seen])
    yield from islice(_draws(space, tpe, distributions, worst), _TPE_DRAWS)
    chance = optuna.create_study(directions=ways, sampler=optuna.samplers.RandomSampler(seed))
    yield from islice(_draws(space, chance, distributions, None), _RANDOM_DRAWS)


def _draws(
    space: SearchSpace,
    study: optuna.Study,
    distributions: dict[str, BaseDistribution],
    worst: tuple[float, ...] | None,
) -> Iterator[Configuration]:
    """Draw without end; the sampler is told of every draw that breaks a constraint of the space, at no cost."""
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            trial = study.ask(distributions)
        configuration = space.configuration({knob.name: _decode(knob, trial.params[knob.name]) for knob in space.free})
        yield configuration
        if worst is None or space.violated(configuration) is None:
            study.tell(trial, state=TrialState.FAIL)
            continue
        for key, value in _FAILED_CONSTRAINTS.items():
            trial.set_constraint(key, value)
        study.tell(trial, worst)


def _past(
    space: SearchSpace,
    distributions: dict[str, BaseDistribution],
    trial: Trial,
    values: tuple[float, ...],
    limits: Limits,
) -> FrozenTrial:
    """Tell the sampler of a trial as if it had been its own."""
    return create_trial(
        params={knob.name: _encode(knob, trial.configuration[knob.name]) for knob in space.free},
        distributions=distributions,
        values=values,
        constraints=dict(constraints(trial, limits)),
    )


def _values(trial: Trial, with_quality: bool) -> tuple[float, ...] | None:
    return objectives(trial.measurement, with_quality=with_quality) if trial.measurement else None


def _worst(measured: Sequence[tuple[float, ...]], ways: Sequence[Direction]) -> tuple[float, ...] | None:
    """Return the worst value that was seen of each objective: the least of what is maximised, the greatest else."""
    if not measured:
        return None
    return tuple(
        min(values) if way == "maximize" else max(values)
        for way, values in zip(ways, zip(*measured, strict=True), strict=True)
    )


def constraints(trial: Trial, limits: Limits) -> Mapping[str, float]:
    """Return the same constraint keys for every trial; above zero means violated."""
    if trial.measurement is None:
        return _FAILED_CONSTRAINTS
    return {**violations(trial.measurement, limits), "failed": -1.0}


def _enumerated(space: SearchSpace) -> Iterator[Configuration]:
    """Walk through a small space to the end, for when sampling finds nothing new in it."""
    if space.size > _MOST_ENUMERATED:
        return
    for combination in product(*map(_grid, space.knobs)):
        yield space.configuration(dict(zip(space.names, combination, strict=True)))


def _grid(knob: Knob) -> Sequence[Value]:
    if isinstance(knob, RangeKnob):
        return range(int(knob.low), int(knob.high) + 1) if knob.integer else (knob.low,)
    return knob.choices
