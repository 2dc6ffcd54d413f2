"""Studies of three configurations whose figures are known, and how they differ from launch to launch."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.report import studies
from tests.report.studies import configuration, level, measurement, pair
from tuner.report.verdict import verdict
from tuner.study.objectives import Slo
from tuner.study.study import Study
from tuner.study.trial import Measurement, Outcome
from tuner.study.workload import opened

DEFAULT, STEADY, FAST = 0, 1, 2


def judged(
    steady: tuple[float, float, float],
    fast: tuple[float, float, float],
    *,
    default: tuple[float, float, float] = (0.012, 400.0, 0.095),
    rounds: int = 4,
    slo: Slo | None = None,
    fast_share: float = 0.94,
) -> Study:
    """Three configurations, each (p99 at 4 users, throughput at 32 users, p99 at 32 users), with 1 % of noise."""

    def launch(figures: tuple[float, float, float], number: int, share: float = 0.94) -> Measurement:
        wobble = 1.0 + 0.01 * ((number % 2) - 0.5)
        return pair(300.0, figures[0], figures[1] * wobble, figures[2], share)

    outcomes: list[tuple[studies.Configuration, Outcome]] = [
        (configuration(), launch(default, 0)),
        (configuration(max_batch_size=4), launch(steady, 0)),
        (configuration(max_batch_size=8), launch(fast, 0, fast_share)),
    ]
    return studies.confirmed(
        studies.study(outcomes, slo=slo, rounds=rounds),
        {
            DEFAULT: [launch(default, number) for number in range(rounds)],
            STEADY: [launch(steady, number + 1) for number in range(rounds)],
            FAST: [launch(fast, number, fast_share) for number in range(rounds)],
        },
    )


def arriving(default: tuple[float, float], quick: tuple[float, float], *, slo: Slo | None = None) -> Study:
    """Two configurations in open loop, each (p99 at 50 req/s, p99 at 200 req/s), both of which keep up."""
    light, heavy = opened((50.0, 200.0))

    def launch(figures: tuple[float, float], number: int) -> Measurement:
        wobble = 1.0 + 0.02 * (number % 2)
        return measurement([level(light, 50.0, figures[0]), level(heavy, 199.0 + number, figures[1] * wobble)])

    made = studies.study(
        [(configuration(), launch(default, 0)), (configuration(max_batch_size=4), launch(quick, 0))],
        loads=(light, heavy),
        slo=slo,
    )
    launches = {
        DEFAULT: [launch(default, number) for number in range(4)],
        STEADY: [launch(quick, number // 2) for number in range(4)],
    }
    return studies.confirmed(made, launches)


def relaunched(study: Study, trial: int, change: Callable[[int, Measurement], Outcome]) -> Study:
    """The same study with the confirming launches of one trial changed."""
    return replace(
        study,
        confirmations=tuple(
            replace(one, outcome=change(one.round, one.outcome))
            if one.trial == trial and isinstance(one.outcome, Measurement)
            else one
            for one in study.confirmations
        ),
    )


def few(study: Study, *trials: int, level: int = 0) -> Study:
    """The same study in which the confirming launches of some trials sent 367 requests under one load."""

    def scarce(_: int, one: Measurement) -> Measurement:
        levels = [replace(each, requests=367) if place == level else each for place, each in enumerate(one.levels)]
        return replace(one, levels=tuple(levels))

    for trial in trials:
        study = relaunched(study, trial, scarce)
    return study


def scattered(study: Study, trial: int, factors: Sequence[float]) -> Study:
    """The same study in which p99 under the light load differs by a factor from launch to launch of one trial."""

    def varied(number: int, one: Measurement) -> Measurement:
        p99 = one.light.p99.value * factors[number]
        light = replace(one.light, p99=replace(one.light.p99, value=p99))
        return replace(one, levels=(light, *one.levels[1:]))

    return relaunched(study, trial, varied)


def chosen(study: Study) -> int | None:
    found = verdict(study).chosen
    return found.trial if found else None
