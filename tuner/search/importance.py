"""How much each knob matters to an objective, as Optuna's PED-ANOVA tells it (Watanabe 2023)."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, create_trial

from tuner.search.sampler import directions, distribution
from tuner.study.judgement import criterion, objectives
from tuner.study.space import SearchSpace
from tuner.study.study import Study
from tuner.study.trial import Trial

ENOUGH_TRIALS = 30
"""With fewer trials the shares rest on a handful of good trials, and another seed would give others."""

_BEST = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """By how much the best tenth of the trials differs from all in each knob, as shares of one, the greatest first.

    `objective` says in which figure they are the best, `trials` how many were measured, `best` how many of them are the
    best tenth. Trials that miss a limit count like others: the question is what moves the figure.
    """

    objective: str
    shares: Mapping[str, float]
    trials: int
    best: int

    @property
    def low_confidence(self) -> bool:
        """Whether there were too few trials to rely on the shares."""
        return self.trials < ENOUGH_TRIALS


def importances(study: Study) -> tuple[Importance, ...]:
    """Tell what matters to each objective of a study; an objective that no trial differs in is left out."""
    workload = study.settings.workload
    names = [f"{criterion(workload.loop).name} at {workload.target}", f"p99 at {workload.light}"]
    if study.settings.quality_objective:
        names.append("quality")
    # In open loop at one rate both objectives are the same figure.
    found = {name: _importance(study, name, index) for index, name in enumerate(names)}
    return tuple(one for one in found.values() if one is not None)


def _importance(study: Study, objective: str, index: int) -> Importance | None:
    with_quality = study.settings.quality_objective
    sign = 1.0 if directions(with_quality)[index] == "minimize" else -1.0
    measured = [(trial, one) for trial in study.trials if (one := trial.measurement) is not None]
    costs = [sign * objectives(one, with_quality=with_quality)[index] for _, one in measured]
    if len(set(costs)) < 2 or not study.space.free:
        return None
    shares = _shares(study, [trial for trial, _ in measured], costs)
    if not any(shares.values()):
        return None
    worst_of_best = sorted(costs)[math.ceil(_BEST * len(costs)) - 1]
    best = sum(cost <= worst_of_best for cost in costs)
    return Importance(objective=objective, shares=shares, trials=len(costs), best=best)


def _shares(study: Study, trials: Sequence[Trial], costs: Sequence[float]) -> dict[str, float]:
    rebuilt = optuna.create_study(direction="minimize")
    rebuilt.add_trials([_rebuilt(study.space, trial, cost) for trial, cost in zip(trials, costs, strict=True)])
    with warnings.catch_warnings():
        # Few trials are told as a low confidence.
        warnings.simplefilter("ignore")
        found = get_param_importances(
            rebuilt, evaluator=PedAnovaImportanceEvaluator(target_quantile=_BEST), normalize=False
        )
    total = sum(found.values())
    return {name: share / total for name, share in found.items()} if total else {}


def _rebuilt(space: SearchSpace, trial: Trial, cost: float) -> FrozenTrial:
    """Make Optuna's trial of ours; a knob that does not matter in it is absent, which is how Optuna knows."""
    known = {knob.name: distribution(knob) for knob in space.free if space.matters(knob.name, trial.configuration)}
    return create_trial(params={name: trial.configuration[name] for name in known}, distributions=known, value=cost)
