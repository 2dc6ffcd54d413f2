"""The one sentence a person can act on, from confirmed figures only."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from tuner.report.finalist import Finalist, arrivals_load, finalists, lost
from tuner.report.quality import answered
from tuner.report.text import bracketed, percent, short, with_unit
from tuner.report.ties import least_difference
from tuner.statistics.compare import Estimate
from tuner.study.judgement import Criterion, best, criterion, feasible
from tuner.study.space import Configuration
from tuner.study.study import Study
from tuner.study.trial import Trial
from tuner.study.workload import Load
from tuner.units import format_rate, format_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How a sentence tells what was measured at the target load: after `Deploy …:`, and after `gives`."""

    beside: str
    gives: str


_WORDS = {
    "throughput": Words(
        beside="{throughput} at {load} with a p99 of {p99}", gives="{throughput} at {load} with a p99 of {p99}"
    ),
    "p99": Words(beside="{p99} at {load}", gives="a p99 of {p99} at {load}"),
}
"""By the figure that decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to deploy, and why; without `winner` nothing was confirmed that keeps the limits.

    `better` says whether the winner beats the default beyond noise in the figure that decides. `chosen` is the finalist
    that the sentence says to run: the winner, or the default where the winner is not better. `lost` are the trials of
    which every confirming launch failed. `best` is the best trial that was measured once, when nothing was confirmed.
    `arrivals` is the load of the open loop that was confirmed beside a closed one.
    """

    finalists: tuple[Finalist, ...]
    default: Finalist | None
    winner: Finalist | None
    better: bool
    sentence: str
    chosen: Finalist | None = None
    lost: tuple[int, ...] = ()
    best: Trial | None = None
    arrivals: Load | None = None

    @property
    def configuration(self) -> Configuration | None:
        """The configuration to serve, if there is one to name."""
        if self.chosen is not None:
            return self.chosen.configuration
        return self.best.configuration if self.best else None


def verdict(study: Study) -> Verdict:
    """Judge the confirmations of a study."""
    confirmed = finalists(study)
    if not confirmed:
        seen = best(trial for trial in study.trials if feasible(trial, study.settings.limits))
        sentence = _unconfirmed(study, seen, lost(study))
        return Verdict(
            finalists=(), default=None, winner=None, better=False, sentence=sentence, lost=lost(study), best=seen
        )
    number = study.default_trial.number if study.default_trial else None
    default = next((finalist for finalist in confirmed if finalist.trial == number), None)
    winner = next((finalist for finalist in confirmed if finalist.objection is None), None)
    better = winner is not None and winner is not default and _better(study, winner)
    found = Verdict(
        finalists=confirmed,
        default=default,
        winner=winner,
        better=better,
        sentence="",
        # A default that misses the limits is nothing to fall back on.
        chosen=winner if better or default is None or default.objection is not None else winner and default,
        lost=lost(study),
        arrivals=arrivals_load(study),
    )
    return replace(found, sentence=_sentence(study, found))


def _decides(study: Study) -> Criterion:
    return criterion(study.settings.workload.loop)


def _better(study: Study, winner: Finalist) -> bool:
    """Whether a finalist beats the default beyond the noise of these launches and of this machine."""
    decides = _decides(study)
    return _beyond_noise(study, decides.name, decides.gain(winner.ratio_at_target(decides.name)))


def _beyond_noise(study: Study, figure: str, ratio: Estimate) -> bool:
    """Whether a ratio is above one beyond the scatter of its launches and the noise of this machine."""
    least = least_difference(study, figure, ratio.repetitions) or 1.0
    return ratio.low is not None and ratio.low > 1.0 and ratio.value >= least


def _sentence(study: Study, found: Verdict) -> str:
    winner, default, name = found.winner, found.default, _decides(study).name
    if winner is None:
        nearest = found.finalists[0]
        reason = f"the best of them, {short(nearest.configuration, study.default)}, cannot win: {nearest.objection}"
        return f"No configuration that was confirmed keeps the limits ({study.settings.limits}); {reason}."
    words, slower = _WORDS[name], _slower_arrivals(found)
    gives = _figures(study, winner, words.gives)
    if winner is default:
        return f"Keep the default: no finalist is better within the limits. It gives {gives}."
    changed = short(winner.configuration, study.default)
    compared = bracketed(winner.ratio_at_target(name))
    if found.better:
        beside = _figures(study, winner, words.beside)
        return f"Deploy {changed}: {compared} the default's {name}, {beside}{slower}."
    if default is None:
        return f"Deploy {changed}: {gives}. The default was not measured again, so nothing says how much better."
    if default.objection is not None:
        kept = f"it keeps the limits and the default does not ({default.objection})"
        return f"Deploy {changed}: {kept}. It gives {gives}{slower}."
    if winner.ratio_at_target(name).low is None:
        return f"Keep the default for now: {changed} gave {compared} its {name}, but once is not beyond noise."
    least = least_difference(study, name, winner.ratio_at_target(name).repetitions)
    noise = f"; differences below {percent(least)} are noise on this machine" if least is not None else ""
    return f"Keep the default: {changed} is not better beyond noise ({compared} the default's {name}{noise})."


def _slower_arrivals(found: Verdict) -> str:
    """Say of a winner in closed loop that it is worse than the default when requests keep coming, if it is."""
    mine, default = found.winner, found.default
    if not (mine and default and mine.arrivals and default.arrivals and mine.arrivals_ratio):
        return ""
    unbounded = math.isinf(mine.arrivals.value) and math.isfinite(default.arrivals.value)
    low = mine.arrivals_ratio.low
    if not unbounded and not (low is not None and low > 1.0):
        return ""
    p99, theirs = _interval(mine.arrivals, format_seconds), _interval(default.arrivals, format_seconds)
    return f"; but in open loop at {found.arrivals} its p99 of {p99} is worse than the default's {theirs}"


def _figures(study: Study, finalist: Finalist, words: str) -> str:
    told = words.format(
        throughput=_interval(finalist.throughput, format_rate),
        p99=_interval(finalist.p99[-1], format_seconds),
        load=study.settings.workload.target,
    )
    slo = f" (SLO {study.settings.limits.slo} met)" if study.settings.limits.slo and not finalist.objection else ""
    quality = f", {answered(finalist.quality)}" if finalist.quality else ""
    return f"{told}{slo}{quality}"


def _interval(found: Estimate, write: Callable[[float], str]) -> str:
    if found.low is None or found.high is None:
        return write(found.value)
    return with_unit("{} [{}, {}]", *map(write, (found.value, found.low, found.high)))


def _unconfirmed(study: Study, once: Trial | None, lost_trials: tuple[int, ...]) -> str:
    """Without confirmation only what was seen once can be said, and it is called so."""
    if not study.trials:
        return "Nothing was measured yet; tuner resume goes on with the study."
    if all(trial.measurement is None for trial in study.trials):
        return f"All {len(study.trials)} trials failed, so there is nothing to compare; their logs say why."
    if once is None or once.measurement is None:
        return f"No configuration keeps the limits ({study.settings.limits})."
    target = once.measurement.target
    told = _WORDS[_decides(study).name].gives.format(
        throughput=format_rate(target.throughput), p99=format_seconds(target.p99.value), load=target.load
    )
    seen = (
        f"the best trial so far is #{once.number} {short(once.configuration, study.default)} with {told}, measured once"
    )
    if lost_trials:
        return f"Not confirmed: every launch that should have confirmed a finalist failed; {seen}."
    return f"Not confirmed: {seen}; tuner resume finishes the study."
