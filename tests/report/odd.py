"""Studies that are odd: nothing in them, everything failed, no bounds, and names that mean mischief."""

from collections.abc import Callable
from dataclasses import replace
from math import inf

from tests.report import studies
from tests.report.studies import configuration, level, measurement
from tuner.study.objectives import Slo
from tuner.study.space import ChoiceKnob, SearchSpace
from tuner.study.study import Study
from tuner.study.trial import Doubt, DoubtKind, Interval, Trial
from tuner.study.workload import closed, opened

HOSTILE = (
    "=cmd</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"
    "\x1b[31m|`::error::x\n::y\n##[error]z"
)


def infinite() -> Study:
    broken = level(32, 400.0, 0.1, mean=inf, p99=Interval(value=inf, low=0.2, high=None), errors=12)
    open_ends = level(4, 90.0, 0.02, p99=Interval(value=0.02, low=None, high=None))
    bad = measurement([open_ends, broken])
    return studies.confirmed(studies.study([(configuration(), bad)], rounds=2), {0: [bad, bad]})


def noisy(base: Study) -> Study:
    """A study on a machine whose noise is known, confirmed in open loop too."""
    p99 = {one.trial: 0.020 + 0.001 * one.trial for one in base.confirmations}
    return studies.with_arrivals(replace(base, noise=studies.NOISE), 322.0, p99)


def all_failed() -> Study:
    return studies.study([(configuration(workers=workers), studies.failure()) for workers in (1, 2)])


def hostile() -> Study:
    """Every string that somebody else writes is hostile."""
    base = studies.small(name=HOSTILE, target=HOSTILE, options={"agent": HOSTILE})
    knob = ChoiceKnob(name=HOSTILE, choices=("a", HOSTILE), default="a")
    doubt = Doubt(kind=DoubtKind.STALL, message=HOSTILE)

    def taint(trial: Trial) -> Trial:
        if trial.failure:
            outcome: studies.Outcome = replace(trial.failure, reason=HOSTILE, log_tail=(HOSTILE, HOSTILE))
        else:
            assert trial.measurement is not None
            outcome = replace(trial.measurement, doubts=(doubt,), effective={HOSTILE: HOSTILE})
        chosen = {**trial.configuration, HOSTILE: HOSTILE if trial.number else "a"}
        return replace(trial, configuration=chosen, outcome=outcome)

    return replace(
        base,
        settings=replace(base.settings, locustfile=HOSTILE, pinned={HOSTILE: HOSTILE}),
        space=SearchSpace(knobs=(*studies.SPACE.knobs, knob)),
        machine=replace(base.machine, cpu=HOSTILE, versions={HOSTILE: HOSTILE}),
        command=HOSTILE,
        started=HOSTILE,
        trials=tuple(map(taint, base.trials)),
    )


ODD: dict[str, Callable[[], Study]] = {
    "no trial": lambda: studies.study([]),
    "one trial": lambda: studies.study([(configuration(), studies.pair(400.0, 0.01, 420.0, 0.09))]),
    "all failed": all_failed,
    "not confirmed": lambda: replace(studies.small(), confirmations=()),
    "one concurrency": lambda: studies.simulated(12, loads=closed((32,))),
    "four concurrencies": lambda: studies.simulated(12, loads=closed((1, 4, 16, 64))),
    "infinite": infinite,
    "nothing verified": lambda: studies.study(
        [(configuration(), replace(studies.pair(400.0, 0.01, 420.0, 0.09), quality=None, peak_memory=None))]
    ),
    "hostile": hostile,
    "no labels": lambda: studies.unlabelled(studies.small()),
    "third objective": studies.third,
    "open loop": studies.rates,
    "open loop, one rate": lambda: studies.simulated(12, loads=opened((200.0,))),
    "noise and arrivals": lambda: noisy(studies.small()),
    "slo on the mean": lambda: studies.simulated(12, slo=Slo(metric="mean", limit=0.05)),
}
