"""The one sentence a person can act on, from confirmed figures only."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tuner.report.text import short, with_unit
from tuner.statistics.compare import Estimate, estimate, ratio
from tuner.study.judgement import best, feasible, reference_accuracy, violations
from tuner.study.space import Configuration
from tuner.study.study import Study
from tuner.study.trial import Accuracy, Confirmation, Failure, Measurement, Trial
from tuner.units import format_rate, format_seconds, format_share


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalist:
    """A configuration as it was confirmed; ratios are to the default, paired launch by launch.

    `p99` and `p99_ratio` map each concurrency to an estimate; `objection` says why it cannot win, if so.
    """

    trial: int
    configuration: Configuration
    throughput: Estimate
    throughput_ratio: Estimate
    p99: Mapping[int, Estimate]
    p99_ratio: Mapping[int, Estimate]
    accuracy: Accuracy | None
    objection: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to deploy, and why; without `winner` nothing was confirmed that keeps the limits.

    `better` says whether the winner's throughput beats the default's beyond noise. `chosen` is the finalist that the
    sentence says to run: the winner, or the default where the winner is not better. `lost` are the trials of which
    every confirming launch failed. `best` is the best trial that was measured once, when nothing was confirmed.
    """

    finalists: tuple[Finalist, ...]
    default: Finalist | None
    winner: Finalist | None
    better: bool
    sentence: str
    chosen: Finalist | None = None
    lost: tuple[int, ...] = ()
    best: Trial | None = None

    @property
    def configuration(self) -> Configuration | None:
        """The configuration to serve, if there is one to name."""
        if self.chosen is not None:
            return self.chosen.configuration
        return self.best.configuration if self.best else None


Rounds = Mapping[int, Confirmation]


def verdict(study: Study) -> Verdict:
    """Judge the confirmations of a study."""
    launches: dict[int, dict[int, Confirmation]] = {}
    for confirmation in study.confirmations:
        launches.setdefault(confirmation.trial, {})[confirmation.round] = confirmation
    number = study.default_trial.number if study.default_trial else None
    default_rounds: Rounds = launches.get(number, {}) if number is not None else {}
    judged = {trial: _finalist(study, trial, rounds, default_rounds) for trial, rounds in launches.items()}
    finalists = tuple(sorted(filter(None, judged.values()), key=lambda finalist: -finalist.throughput.value))
    lost = tuple(trial for trial, finalist in judged.items() if finalist is None)
    if not finalists:
        reference = reference_accuracy(study.trials, study.default)
        seen = best(trial for trial in study.trials if feasible(trial, study.settings.limits, reference))
        sentence = _unconfirmed(study, seen, lost)
        return Verdict(finalists=(), default=None, winner=None, better=False, sentence=sentence, lost=lost, best=seen)
    default = next((finalist for finalist in finalists if finalist.trial == number), None)
    winner = next((finalist for finalist in finalists if finalist.objection is None), None)
    low = winner.throughput_ratio.low if winner else None
    better = winner is not default and low is not None and low > 1.0
    return Verdict(
        finalists=finalists,
        default=default,
        winner=winner,
        better=better,
        sentence=_sentence(study, finalists, winner, default, better),
        # A default that misses the limits is nothing to fall back on.
        chosen=winner if better or default is None or default.objection is not None else winner and default,
        lost=lost,
    )


def _measured(confirmation: Confirmation | None) -> Measurement | None:
    outcome = confirmation.outcome if confirmation else None
    return outcome if isinstance(outcome, Measurement) else None


def _finalist(study: Study, trial: int, rounds: Rounds, default: Rounds) -> Finalist | None:
    measured = [found for confirmation in rounds.values() if (found := _measured(confirmation))]
    # A launch that was disturbed says nothing against the configuration.
    failed = sum(isinstance(one.outcome, Failure) and not one.outcome.kind.ours for one in rounds.values())
    if not measured:
        return None
    pairs = [
        (mine, theirs)
        for number, confirmation in rounds.items()
        if (mine := _measured(confirmation)) and (theirs := _measured(default.get(number)))
    ]
    users = list(enumerate(study.settings.workload.users))
    p99_ratio = {
        count: _ratio([mine.levels[i].p99.value for mine, _ in pairs], [its.levels[i].p99.value for _, its in pairs])
        for i, count in users
    }
    return Finalist(
        trial=trial,
        configuration=study.trial(trial).configuration,
        throughput=_estimate([one.target.throughput for one in measured]),
        throughput_ratio=_ratio([mine.target.throughput for mine, _ in pairs], [i.target.throughput for _, i in pairs]),
        p99={count: _estimate([one.levels[i].p99.value for one in measured]) for i, count in users},
        p99_ratio=p99_ratio,
        accuracy=measured[0].accuracy,
        objection=_objection(study, trial, failed, measured, p99_ratio),
    )


def _estimate(values: Sequence[float]) -> Estimate:
    """Estimate positive figures; a throughput of zero has no logarithm, and the answer is that there was none."""
    if values and min(values) <= 0.0:
        return Estimate(value=0.0, low=None, high=None, repetitions=len(values))
    return estimate(values)


def _ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """Compare figures pair by pair; without a pair of positive finite ones there is nothing to compare."""
    figures = (*numerators, *denominators)
    if not figures or min(figures) <= 0.0 or not all(map(math.isfinite, figures)):
        return Estimate(value=math.nan, low=None, high=None, repetitions=len(numerators))
    return ratio(numerators, denominators)


def _objection(
    study: Study, trial: int, failed: int, measured: list[Measurement], p99_ratio: Mapping[int, Estimate]
) -> str | None:
    """Say why a finalist cannot win."""
    limits = study.settings.limits
    if failed:
        return f"{failed} of {failed + len(measured)} launches failed"
    reference = reference_accuracy(study.trials, study.default)
    if violations(measured[0], limits, reference)["accuracy"] > 0:
        return f"its accuracy is more than {format_share(limits.max_accuracy_drop)} below the default's"
    if limits.slo is not None:
        found = estimate([one.target.metric(limits.slo.metric) for one in measured]).value
        return None if found <= limits.slo.limit else f"{limits.slo.metric} {format_seconds(found)} misses {limits.slo}"
    if study.trial(trial) == study.default_trial:
        return None
    for (count, change), level in zip(p99_ratio.items(), range(len(p99_ratio)), strict=True):
        if not math.isfinite(max(one.levels[level].p99.value for one in measured)):
            return f"p99 at {count} users has no bound: too many requests failed"
        if change.value > 1.0:
            return f"p99 at {count} users is {change.value:.2f}× the default's"
    return None


def _sentence(
    study: Study, finalists: tuple[Finalist, ...], winner: Finalist | None, default: Finalist | None, better: bool
) -> str:
    if winner is None:
        nearest = finalists[0]
        reason = f"the fastest, {short(nearest.configuration, study.default)}, cannot win: {nearest.objection}"
        return f"No configuration that was confirmed keeps the limits ({study.settings.limits}); {reason}."
    if winner is default:
        return f"Keep the default: no finalist is better within the limits. It gives {_figures(study, winner)}."
    deploy, compared = f"Deploy {short(winner.configuration, study.default)}", _compared(winner.throughput_ratio)
    if better:
        return f"{deploy}: {compared} the default's throughput, {_figures(study, winner)}."
    if default is None:
        return (
            f"{deploy}: {_figures(study, winner)}. The default was not measured again, so nothing says how much better."
        )
    if default.objection is not None:
        return (
            f"{deploy}: it keeps the limits and the default does not ({default.objection}). {_figures(study, winner)}."
        )
    changed = short(winner.configuration, study.default)
    if winner.throughput_ratio.low is None:
        return f"Keep the default for now: {changed} gave {compared} its throughput, but once is not beyond noise."
    return f"Keep the default: {changed} is not faster beyond noise ({compared} the default's throughput)."


def _figures(study: Study, finalist: Finalist) -> str:
    users = study.settings.workload.target
    p99 = _interval(finalist.p99[users], format_seconds)
    slo = f" (SLO {study.settings.limits.slo} met)" if study.settings.limits.slo and not finalist.objection else ""
    throughput = _interval(finalist.throughput, format_rate)
    return f"{throughput} at {users} users with a p99 of {p99}{slo}{_accuracy(study, finalist)}"


def _accuracy(study: Study, finalist: Finalist) -> str:
    reference = reference_accuracy(study.trials, study.default)
    if finalist.accuracy is None or reference is None:
        return ""
    change = (finalist.accuracy.share - reference.share) * 100.0
    return f", accuracy {format_share(finalist.accuracy.share)} ({change:+.1f} pt)"


def _interval(found: Estimate, write: Callable[[float], str]) -> str:
    if found.low is None or found.high is None:
        return write(found.value)
    return with_unit("{} [{}, {}]", *map(write, (found.value, found.low, found.high)))


def _compared(found: Estimate) -> str:
    return _interval(found, lambda value: f"{value:.2f}×")


def _unconfirmed(study: Study, once: Trial | None, lost: tuple[int, ...]) -> str:
    """Without confirmation only what was seen once can be said, and it is called so."""
    if not study.trials:
        return "Nothing was measured yet; tuner resume goes on with the study."
    if all(trial.measurement is None for trial in study.trials):
        return f"All {len(study.trials)} trials failed, so there is nothing to compare; their logs say why."
    if once is None or once.measurement is None:
        return f"No configuration keeps the limits ({study.settings.limits})."
    seen = (
        f"the best trial so far is #{once.number} {short(once.configuration, study.default)} with "
        f"{format_rate(once.measurement.target.throughput)}, measured once"
    )
    if lost:
        return f"Not confirmed: every launch that should have confirmed a finalist failed; {seen}."
    return f"Not confirmed: {seen}; tuner resume finishes the study."
