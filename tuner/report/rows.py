"""Each trial as the report shows it: judged, placed on the front or below it, with the part it plays."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tuner.report.verdict import Verdict
from tuner.statistics.pareto import front
from tuner.study.judgement import feasible, front_of, reference_accuracy, violations
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
    """One trial, judged by the two objectives; `front` are the concurrencies at which no point of the chart beats its.

    `misses` says which limits are missed and by how much, `roles` are "default", "winner" and "finalist".
    """

    trial: Trial
    standing: Standing
    front: frozenset[int]
    misses: Mapping[str, float]
    reason: str
    roles: tuple[str, ...]

    @property
    def measurement(self) -> Measurement | None:
        """What was measured, unless the trial failed."""
        return self.trial.measurement

    def on_front(self, users: int) -> bool:
        """Whether the point of this trial at a concurrency lies on the front."""
        return users in self.front


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One configuration at one concurrency, with finite coordinates; `index` counts the levels from the lightest."""

    row: Row
    level: LevelSummary
    index: int

    @property
    def standing(self) -> Standing:
        """How this point stands among all points, which may be better than its trial does, or worse."""
        if self.row.standing in (Standing.INFEASIBLE, Standing.FAILED):
            return self.row.standing
        return Standing.FRONT if self.row.on_front(self.level.users) else Standing.DOMINATED


def rows(study: Study, found: Verdict) -> tuple[Row, ...]:
    """Judge every trial of a study."""
    reference = reference_accuracy(study.trials, study.default)
    misses = {
        trial.number: violations(trial.measurement, study.settings.limits, reference)
        for trial in study.trials
        if trial.measurement is not None
    }
    kept = [trial for trial in study.trials if feasible(trial, study.settings.limits, reference)]
    fronts = _fronts(kept)
    feasible_numbers = {trial.number for trial in kept}
    best_numbers = {trial.number for trial in front_of(kept)}
    roles = _roles(study, found)
    return tuple(
        _row(
            study,
            trial,
            misses.get(trial.number, {}),
            trial.number in feasible_numbers,
            trial.number in best_numbers,
            fronts,
            roles,
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
        if math.isfinite(level.p99.value)
    )


def _row(
    study: Study,
    trial: Trial,
    misses: Mapping[str, float],
    keeps_limits: bool,
    undominated: bool,
    fronts: Mapping[int, frozenset[int]],
    roles: Mapping[int, tuple[str, ...]],
) -> Row:
    on_front = fronts.get(trial.number, frozenset())
    if trial.failure is not None:
        standing, reason = Standing.FAILED, f"{trial.failure.kind}: {trial.failure.reason}"
    elif not keeps_limits:
        standing, reason = Standing.INFEASIBLE, "; ".join(_missed(study, misses))
    else:
        standing, reason = Standing.FRONT if undominated else Standing.DOMINATED, ""
    return Row(
        trial=trial,
        standing=standing,
        front=on_front,
        misses=misses,
        reason=reason,
        roles=roles.get(trial.number, ()),
    )


def _fronts(kept: list[Trial]) -> dict[int, frozenset[int]]:
    """Map each feasible trial to the concurrencies at which no other feasible point dominates it."""
    places = [
        (trial.number, level)
        for trial in kept
        if trial.measurement is not None
        for level in trial.measurement.levels
        if math.isfinite(level.p99.value)
    ]
    found: dict[int, frozenset[int]] = {}
    for index in front([(level.p99.value, level.throughput) for _, level in places]):
        number, level = places[index]
        found[number] = found.get(number, frozenset()) | {level.users}
    return found


def _missed(study: Study, misses: Mapping[str, float]) -> Iterator[str]:
    limits = study.settings.limits
    if misses.get("slo", 0.0) > 0.0 and limits.slo is not None:
        yield f"{limits.slo.metric} {format_seconds(misses['slo'])} above the SLO"
    if misses.get("accuracy", 0.0) > 0.0:
        drop = misses["accuracy"] + limits.max_accuracy_drop
        yield f"accuracy {drop * 100.0:.1f} pt below the default's"


def _roles(study: Study, found: Verdict) -> dict[int, tuple[str, ...]]:
    roles: dict[int, tuple[str, ...]] = {finalist.trial: ("finalist",) for finalist in found.finalists}
    if found.chosen is not None:
        roles[found.chosen.trial] = ("winner",)
    return roles | ({study.default_trial.number: ("default",)} if study.default_trial else {})
