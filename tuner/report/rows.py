"""Each trial as the report shows it: judged, placed on the front or below it, with the part it plays."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tuner.report.quality import shortfall
from tuner.report.text import TOO_FEW
from tuner.report.ties import least_difference, tie
from tuner.report.verdict import Verdict
from tuner.statistics.pareto import front
from tuner.study.judgement import best, criterion, feasible, front_of, violations
from tuner.study.objectives import Slo
from tuner.study.study import Study
from tuner.study.trial import LevelSummary, Measurement, Trial
from tuner.units import format_seconds


class Standing(StrEnum):
    """How a trial stands among the others."""

    FRONT = "on the front"
    DOMINATED = "dominated"
    INFEASIBLE = "misses a limit"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One trial, judged by the objectives; `front` are the levels at which no point of the chart beats its.

    `misses` says which limits are missed and by how much, `roles` are "default", "winner" and "finalist". `ties_best`
    says that this machine's noise does not tell the trial from the best one within the limits.
    """

    trial: Trial
    standing: Standing
    front: frozenset[int]
    misses: Mapping[str, float]
    reason: str
    roles: tuple[str, ...]
    ties_best: bool

    @property
    def measurement(self) -> Measurement | None:
        """What was measured, unless the trial failed."""
        return self.trial.measurement

    def on_front(self, level: int) -> bool:
        """Whether the point of this trial at a level lies on the front."""
        return level in self.front


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One configuration under one load, with finite coordinates; `index` counts the levels from the lightest."""

    row: Row
    level: LevelSummary
    index: int

    @property
    def standing(self) -> Standing:
        """How its trial stands: one on the front shows all of its points as such, under every load."""
        return self.row.standing


def rows(study: Study, found: Verdict) -> tuple[Row, ...]:
    """Judge every trial of a study."""
    misses = {
        trial.number: violations(trial.measurement, study.settings.limits)
        for trial in study.trials
        if trial.measurement is not None
    }
    kept = [trial for trial in study.trials if feasible(trial, study.settings.limits)]
    standings = _standings(study, kept)
    fronts, roles, ties = _fronts(kept), _roles(study, found), _ties(study, kept)
    return tuple(
        Row(
            trial=trial,
            standing=standings[trial.number],
            front=fronts.get(trial.number, frozenset()),
            misses=misses.get(trial.number, {}),
            reason=_reason(study, trial, misses.get(trial.number, {})),
            roles=roles.get(trial.number, ()),
            ties_best=trial.number in ties,
        )
        for trial in study.trials
    )


def points(table: tuple[Row, ...]) -> tuple[Point, ...]:
    """Return every point that has a place in the chart."""
    return tuple(
        Point(row=row, level=level, index=index)
        for row in table
        if row.measurement is not None
        for index, level in enumerate(row.measurement.levels)
        if level.told_p99 is not None and math.isfinite(level.told_p99)
    )


def _standings(study: Study, kept: list[Trial]) -> dict[int, Standing]:
    found = {trial.number: Standing.FAILED if trial.failure else Standing.INFEASIBLE for trial in study.trials}
    found |= {trial.number: Standing.DOMINATED for trial in kept}
    return found | {
        trial.number: Standing.FRONT for trial in front_of(kept, with_quality=study.settings.quality_objective)
    }


def _reason(study: Study, trial: Trial, misses: Mapping[str, float]) -> str:
    if trial.failure is not None:
        return f"{trial.failure.kind}: {trial.failure.reason}"
    return "; ".join(_missed(study, trial, misses))


def _fronts(kept: list[Trial]) -> dict[int, frozenset[int]]:
    """Map each feasible trial to the levels at which no other feasible point dominates it."""
    places = [
        (trial.number, index, level)
        for trial in kept
        if trial.measurement is not None
        for index, level in enumerate(trial.measurement.levels)
        if level.told_p99 is not None and math.isfinite(level.told_p99)
    ]
    found: dict[int, frozenset[int]] = {}
    for place in front([(level.p99.value, -level.carried) for _, _, level in places]):
        number, index, _ = places[place]
        found[number] = found.get(number, frozenset()) | {index}
    return found


def _ties(study: Study, kept: list[Trial]) -> frozenset[int]:
    """Return the feasible trials whose figure at the target is as good as the best one's within noise."""
    decides = criterion(study.settings.workload.loop)
    least = least_difference(study, decides.name, 1)
    figures = {one.number: one.measurement.target.metric(decides.name) for one in kept if one.measurement is not None}
    top = best(kept)
    if top is None:
        return frozenset()
    return frozenset(
        number for number, figure in figures.items() if number != top.number and tie(figure, figures[top.number], least)
    )


def _missed(study: Study, trial: Trial, misses: Mapping[str, float]) -> Iterator[str]:
    limits = study.settings.limits
    if misses.get("slo", 0.0) > 0.0 and limits.slo is not None and trial.measurement is not None:
        yield _above(limits.slo, trial.measurement.target, misses["slo"])
    quality = trial.measurement.quality if trial.measurement else None
    if misses.get("quality", 0.0) > 0.0 and quality is not None:
        yield shortfall(quality)


def _above(slo: Slo, target: LevelSummary, miss: float) -> str:
    if slo.metric == "p99" and target.told_p99 is None:
        return f"whether p99 meets the SLO is not known: {TOO_FEW}"
    if math.isinf(miss):
        return f"{slo.metric} has no bound: too many requests failed"
    return f"{slo.metric} {format_seconds(miss)} above the SLO"


def _roles(study: Study, found: Verdict) -> dict[int, tuple[str, ...]]:
    roles: dict[int, tuple[str, ...]] = {finalist.trial: ("finalist",) for finalist in found.finalists}
    if found.chosen is not None:
        roles[found.chosen.trial] = ("winner",)
    return roles | ({study.default_trial.number: ("default",)} if study.default_trial else {})
