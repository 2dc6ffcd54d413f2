"""The sentence of a study in which nothing was confirmed: what was seen once, or why there is nothing to name."""

from collections.abc import Iterator

from tuner.report.quality import shortfall
from tuner.report.text import TOO_FEW, short
from tuner.study.judgement import criterion, ranked, unjudged, violations
from tuner.study.study import Study
from tuner.study.trial import LevelSummary, Trial
from tuner.units import format_drop, format_rate, format_seconds


def unconfirmed(study: Study, seen: Trial | None, lost: tuple[int, ...]) -> str:
    """Say what is known without confirmation; `seen` is the best trial within the limits, `lost` failed to confirm."""
    if not study.trials:
        return "Nothing was measured yet; tuner resume continues the study."
    measured = [trial for trial in study.trials if trial.measurement is not None]
    if not measured:
        return _all_failed(len(study.trials))
    if seen is None or seen.measurement is None:
        return _none_within(study, measured)
    once = (
        f"the best trial so far is #{seen.number} {short(seen.configuration, study.default)} with "
        f"{_figures(study, seen.measurement.target)}, measured once"
    )
    if lost:
        return f"Not confirmed: every launch that should have confirmed a finalist failed; {once}."
    return f"Not confirmed: {once}; tuner resume finishes the study."


def _all_failed(count: int) -> str:
    if count == 1:
        return "The only trial failed, so there is nothing to compare; its log says why."
    return f"All {count} trials failed, so there is nothing to compare; their logs say why."


def _none_within(study: Study, measured: list[Trial]) -> str:
    """Say that no trial meets the limits: that they could not be judged without the default, or how near one came."""
    default = study.default_trial
    qualities = [trial.measurement.quality for trial in measured if trial.measurement]
    if (
        default is not None
        and default.failure is not None
        and not any(one is None or one.default_known for one in qualities)
    ):
        told = f"{default.failure.kind}: {default.failure.reason}"
        return (
            f"Nothing can be compared: the default, trial #{default.number}, failed ({told}), so whether another "
            "configuration answers as well is not known."
        )
    return _nearest(study, measured)


def _nearest(study: Study, measured: list[Trial]) -> str:
    """Say how near a trial came that misses the limits, and of how many others nobody knows."""
    limits = study.settings.limits
    missing = [trial for trial in measured if not unjudged(trial, limits)]
    if not missing:
        return (
            f"Whether a configuration meets the limits ({limits}) cannot be told: no p99 is known at "
            f"{study.settings.workload.target} ({TOO_FEW}); measure longer."
        )
    nearest = min(ranked(missing), key=lambda trial: _distance(study, trial))
    named = f"#{nearest.number} {short(nearest.configuration, study.default)}, {' and '.join(_misses(study, nearest))}"
    if len(missing) == len(measured):
        return f"No configuration meets the limits ({limits}); the nearest is {named}."
    unknown = f"{len(measured) - len(missing)} of {len(measured)} trials could not be judged ({TOO_FEW})"
    return (
        f"No configuration is known to meet the limits ({limits}); {unknown}, and the nearest of the others is {named}."
    )


def _distance(study: Study, trial: Trial) -> float:
    """Add up by which share of each limit a trial misses it."""
    limits = study.settings.limits
    assert trial.measurement is not None
    missed = violations(trial.measurement, limits)
    slo = max(missed["slo"], 0.0) / limits.slo.limit if limits.slo else 0.0
    # Without any loss allowed, a point of quality counts like a whole SLO.
    return slo + max(missed["quality"], 0.0) / (limits.max_accuracy_drop or 0.01)


def _misses(study: Study, trial: Trial) -> Iterator[str]:
    limits = study.settings.limits
    assert trial.measurement is not None
    missed, quality = violations(trial.measurement, limits), trial.measurement.quality
    if missed["slo"] > 0.0 and limits.slo is not None:
        yield f"{_latency(trial.measurement.target, limits.slo.metric)} against {format_seconds(limits.slo.limit)}"
    if missed["quality"] > 0.0 and quality is not None:
        allowed = f", where at most {format_drop(limits.max_accuracy_drop)} is allowed" if quality.default_known else ""
        yield f"{shortfall(quality)}{allowed}"


def _latency(level: LevelSummary, metric: str) -> str:
    if metric == "p99" and level.told_p99 is None:
        return f"{metric} not known ({TOO_FEW})"
    return f"{metric} {format_seconds(level.metric(metric))}"


def _figures(study: Study, target: LevelSummary) -> str:
    p99 = (
        f"a p99 that is not known ({TOO_FEW})"
        if target.told_p99 is None
        else f"a p99 of {format_seconds(target.told_p99)}"
    )
    if criterion(study.settings.workload.loop).more:
        return f"{format_rate(target.throughput)} at {target.load} with {p99}"
    return f"{p99} at {target.load}"
