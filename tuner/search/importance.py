"""How much each knob matters to an objective, as Optuna's PED-ANOVA tells it (Watanabe 2023)."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from tuner.search.sampler import directions, distribution
from tuner.study.judgement import criterion, objectives
from tuner.study.study import Study
from tuner.study.trial import Trial

ENOUGH_TRIALS = 30
"""With fewer the shares rest on a handful of good trials, and another seed would give others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """By how much the best tenth of the trials differs from all in each knob, as shares of one, the greatest first.

    `objective` says in which figure they are the best, `trials` how many were measured.
    """

    objective: str
    shares: Mapping[str, float]
    trials: int

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
    return Importance(objective=objective, shares=shares, trials=len(costs)) if any(shares.values()) else None


def _shares(study: Study, trials: Sequence[Trial], costs: Sequence[float]) -> dict[str, float]:
    known = {knob.name: distribution(knob) for knob in study.space.free}
    rebuilt = optuna.create_study(direction="minimize")
    rebuilt.add_trials(
        [
            create_trial(params={name: trial.configuration[name] for name in known}, distributions=known, value=cost)
            for trial, cost in zip(trials, costs, strict=True)
        ]
    )
    with warnings.catch_warnings():
        # Few trials are told as a low confidence.
        warnings.simplefilter("ignore")
        return get_param_importances(rebuilt, evaluator=PedAnovaImportanceEvaluator())
