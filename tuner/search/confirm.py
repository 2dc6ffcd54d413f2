"""Confirmation: the finalists and the default, launched again side by side; only these figures name the winner."""

from collections.abc import Iterator, Sequence
from random import Random

from tuner.study.judgement import feasible, front_of, ranked
from tuner.study.study import Study
from tuner.study.trial import Confirmation, Measurement
from tuner.study.workload import Load, Loop

# One measurement of p99 scatters by about a tenth: a candidate this close to the default deserves the second look.
_P99_SLACK = 1.1
# One measurement of throughput scatters too, and an overloaded finalist has no latency to compare.
_SHARE_OF_SLOWEST = 0.5


def finalists(study: Study) -> list[int]:
    """Return the trials to confirm: the default, if it was measured, and the best of those that meet the limits.

    Best is the highest throughput at the target load, in open loop the lowest p99; without an SLO, among those whose
    p99 at every level is about as good as the default's, then along the Pareto front. Nothing is confirmed when nothing
    meets the limits.
    """
    kept = [trial for trial in study.trials if feasible(trial, study.settings.limits)]
    if not kept:
        return []
    default = study.default_trial
    rivals = [trial for trial in kept if trial != default]
    if default is None or default.measurement is None:
        return [trial.number for trial in ranked(rivals)[: study.settings.finalists]]
    if study.settings.limits.slo is None:
        safe = [trial for trial in rivals if _no_worse(trial.measurement, default.measurement)]
        front = front_of(rivals, with_quality=study.settings.quality_objective)
        best = ranked(safe) + ranked([trial for trial in front if trial not in safe])
    else:
        best = ranked(rivals)
    return [default.number, *(trial.number for trial in best[: study.settings.finalists])]


def _no_worse(measurement: Measurement | None, default: Measurement) -> bool:
    return measurement is not None and all(
        mine.p99.value <= _P99_SLACK * theirs.p99.value
        for mine, theirs in zip(measurement.levels, default.levels, strict=True)
    )


def common_arrivals(study: Study, trials: Sequence[int]) -> Load | None:
    """Return the arrival rate at which finalists are compared in open loop as well, on the same schedule.

    It is a share of what the slowest of them answers, so that all can carry it; a study in open loop needs none.
    """
    settings = study.settings
    measured = [found for number in trials if (found := study.trial(number).measurement) is not None]
    slowest = min((one.target.throughput for one in measured), default=0.0)
    if settings.workload.loop is Loop.OPEN or slowest <= 0.0:
        return None
    return Load(loop=Loop.OPEN, amount=float(f"{_SHARE_OF_SLOWEST * slowest:.2g}"))


def schedule(trials: Sequence[int], first: int, rounds: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield (round, trial) from the round `first` on: every trial once a round, in a new random order in each."""
    for number in range(first, first + rounds):
        order = list(trials)
        Random(f"{seed}:{number}").shuffle(order)
        yield from ((number, trial) for trial in order)


def first_round(trials: Sequence[int], confirmations: Sequence[Confirmation]) -> int:
    """Return the round to begin or go on with: only launches of one round, made side by side, are ever compared.

    A resumed study goes on with the rounds of the same finalists, where a launch that was disturbed is made up for
    late; other finalists begin with new rounds.
    """
    launched: dict[int, set[int]] = {}
    for confirmation in confirmations:
        launched.setdefault(confirmation.round, set()).add(confirmation.trial)
    first = max(launched, default=-1) + 1
    # The last round may have been interrupted.
    while first > 0 and (
        launched[first - 1] == set(trials) or (first not in launched and launched[first - 1] < set(trials))
    ):
        first -= 1
    return first
