"""The one sentence a person can act on, from confirmed figures only."""

import math
from dataclasses import dataclass, replace

from tuner.report.finalist import Finalist, arrivals_load, finalists, lost, undecided
from tuner.report.quality import answered
from tuner.report.text import TOO_FEW, bracketed, percent, short, with_span
from tuner.report.ties import beyond_noise, least_difference
from tuner.report.unconfirmed import unconfirmed
from tuner.statistics.compare import Estimate
from tuner.study.judgement import Criterion, best, criterion, feasible, unjudged
from tuner.study.space import Configuration
from tuner.study.study import Study
from tuner.study.trial import Trial
from tuner.study.workload import Load
from tuner.units import format_rate, format_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to deploy, and why; without `winner` nothing was confirmed that meets the limits.

    `better` says whether the winner beats the default beyond noise in the figure that decides. `chosen` is the finalist
    that the sentence says to run: the winner, or the default where the winner is not better. `lost` are the trials of
    which every confirming launch failed. `best` is the best trial that was measured once, when nothing was confirmed.
    `arrivals` is the load of the open loop that was confirmed beside a closed one. `unjudged` says that there is
    nothing to serve only for want of requests: of too few a p99 is not known, and nothing is known to miss the limits.
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
    unjudged: bool = False

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
        sentence = unconfirmed(study, seen, lost(study))
        return Verdict(
            finalists=(),
            default=None,
            winner=None,
            better=False,
            sentence=sentence,
            lost=lost(study),
            best=seen,
            unjudged=seen is None and _none_judged(study),
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
        unjudged=all(finalist.unjudged for finalist in confirmed),
    )
    return replace(found, sentence=_sentence(study, found))


def _none_judged(study: Study) -> bool:
    """Whether trials were measured, but every one of them with too few requests to say that it misses the limits."""
    measured = [trial for trial in study.trials if trial.measurement is not None]
    return bool(measured) and all(unjudged(trial, study.settings.limits) for trial in measured)


def _decides(study: Study) -> Criterion:
    return criterion(study.settings.workload.loop)


def _ratio(study: Study, finalist: Finalist) -> Estimate:
    """Return the ratio to the default in the figure that decides."""
    return _decides(study).of(finalist.throughput_ratio, finalist.p99_ratio)


def _better(study: Study, winner: Finalist) -> bool:
    """Whether a finalist beats the default beyond the noise of these launches and of this machine."""
    decides = _decides(study)
    return beyond_noise(study, decides.name, decides.gain(_ratio(study, winner)))


def _sentence(study: Study, found: Verdict) -> str:
    winner, default = found.winner, found.default
    if winner is None:
        return _nobody(study, found)
    if winner is default:
        return f"Keep the default{_no_better(study, found)}. It gives {_figures(study, winner)}."
    changed = short(winner.configuration, study.default)
    if found.better:
        compared, beside = _compared(study, winner), _beside(study, winner)
        return f"Deploy {changed}: {compared}, {beside}{_but(study, found)}."
    if default is None:
        told = _figures(study, winner)
        return f"Deploy {changed}: {told}. The default was not measured again, so how much better it is, is unknown."
    if default.objection is not None:
        told = ", ".join(filter(None, (_figures(study, winner), _compared(study, winner))))
        return f"Deploy {changed}: {_instead(study, default.objection)}. It gives {told}{_but(study, found)}."
    return _kept(study, winner, changed)


def _no_better(study: Study, found: Verdict) -> str:
    """Say why no finalist takes the place of the default: none is better, or of the best one too little is known."""
    nearest = found.finalists[0]
    if nearest is found.default or not nearest.unjudged:
        return ": no finalist is better within the limits"
    changed = short(nearest.configuration, study.default)
    return f" for now: whether {changed} is better cannot be told, as its {nearest.objection}; measure longer"


def _nobody(study: Study, found: Verdict) -> str:
    """Say that no finalist can win, and what speaks against the best of them."""
    limits, nearest = study.settings.limits, found.finalists[0]
    meets = "is known to meet" if found.unjudged else "meets"
    wanted = f"{meets} the limits ({limits})" if limits.slo else "can be relied on"
    reason = f"the best of them, {short(nearest.configuration, study.default)}, cannot win: {nearest.objection}"
    return f"No configuration that was confirmed {wanted}; {reason}."


def _instead(study: Study, objection: str) -> str:
    """Say why a configuration is chosen that is not better than the default."""
    if study.settings.limits.slo is None:
        return f"the default cannot be relied on ({objection})"
    return f"it meets the limits and the default does not ({objection})"


def _kept(study: Study, winner: Finalist, changed: str) -> str:
    """Say why the default is kept though another one may be better."""
    name = _decides(study).name
    ratio = _ratio(study, winner)
    if math.isnan(ratio.value):
        return f"Keep the default for now: {changed} cannot be compared with it in {name}: {_why_not(study, winner)}."
    if ratio.low is None:
        gave = f"{changed} gave {bracketed(ratio)} the default's {name}"
        return f"Keep the default for now: {gave}, but one launch cannot rule out noise."
    least = least_difference(study, name, ratio.repetitions)
    noise = f"; differences below {percent(least)} are noise on this machine" if least is not None else ""
    return f"Keep the default: {changed} is not better beyond noise ({bracketed(ratio)} the default's {name}{noise})."


def _why_not(study: Study, winner: Finalist) -> str:
    """Say why a figure of a finalist has no ratio to the default's."""
    if not _ratio(study, winner).repetitions:
        return "they were never launched in the same round"
    return TOO_FEW if _decides(study).name == "p99" else "there was no answer at all"


def _compared(study: Study, winner: Finalist) -> str:
    """Write how many times the default's figure the winner's is; nothing where they cannot be compared."""
    name = _decides(study).name
    ratio = _ratio(study, winner)
    return "" if math.isnan(ratio.value) else f"{bracketed(ratio)} the default's {name}"


def _but(study: Study, found: Verdict) -> str:
    """Add what is not better than the default's, or not known to be no worse, in a configuration to deploy."""
    if found.winner is None or found.default is None:
        return ""
    open_ends = undecided(study, found.winner, found.default) if study.settings.limits.slo is None else ()
    return "".join(f"; {one}" for one in open_ends) + _slower_arrivals(found)


def _slower_arrivals(found: Verdict) -> str:
    """Say of a winner in closed loop that it is worse than the default when requests keep coming, if it is."""
    mine, default = found.winner, found.default
    if not (mine and default and mine.arrivals and default.arrivals and mine.arrivals_ratio):
        return ""
    unbounded = math.isinf(mine.arrivals.value) and math.isfinite(default.arrivals.value)
    low = mine.arrivals_ratio.low
    if not unbounded and not (low is not None and low > 1.0):
        return ""
    p99, theirs = with_span(mine.arrivals, format_seconds), with_span(default.arrivals, format_seconds)
    return f"; but in open loop at {found.arrivals} its p99 of {p99} is worse than the default's {theirs}"


def _figures(study: Study, finalist: Finalist) -> str:
    """Tell what a configuration gives, after `gives`."""
    target, p99 = study.settings.workload.target, _p99(finalist.p99[-1])
    if _decides(study).more:
        return f"{with_span(finalist.throughput, format_rate)} at {target} with {p99}{_kept_besides(study, finalist)}"
    return f"{p99} at {target}{_kept_besides(study, finalist)}"


def _beside(study: Study, finalist: Finalist) -> str:
    """Tell the same after a ratio that already named the figure that decides."""
    if _decides(study).more:
        return _figures(study, finalist)
    p99 = with_span(finalist.p99[-1], format_seconds)
    return f"{p99} at {study.settings.workload.target}{_kept_besides(study, finalist)}"


def _p99(found: Estimate) -> str:
    if math.isnan(found.value):
        return f"a p99 that is not known ({TOO_FEW})"
    return f"a p99 of {with_span(found, format_seconds)}"


def _kept_besides(study: Study, finalist: Finalist) -> str:
    slo = f" (SLO {study.settings.limits.slo} met)" if study.settings.limits.slo and not finalist.objection else ""
    return f"{slo}, {answered(finalist.quality)}" if finalist.quality else slo
