"""What the search gained from trial to trial: the hypervolume of what was found so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.figure import Drawing, Table, axis, in_plotly, layout
from tuner.report.palette import LIGHT
from tuner.report.text import in_chart, short
from tuner.search.sampler import directions
from tuner.statistics.pareto import front, hypervolume
from tuner.study.judgement import feasible, objectives
from tuner.study.study import Study
from tuner.study.trial import Trial
from tuner.units import format_share

_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The hypervolume after a trial: a share of the box between the worst and the best that was seen of each objective.

    All measured trials span the box; only those that keep every limit fill it.
    """

    trial: Trial
    share: float
    improved: bool


def gains(study: Study) -> tuple[Gain, ...]:
    """Return the hypervolume after every trial; none when no trial keeps the limits."""
    costs = _scaled(study)
    kept = {trial.number for trial in study.trials if feasible(trial, study.settings.limits)} & set(costs)
    if not kept:
        return ()
    reference = (1.0,) * len(next(iter(costs.values())))
    found, best, share = [], list[tuple[float, ...]](), 0.0
    for trial in study.trials:
        before = share
        if trial.number in kept:
            seen = [*best, costs[trial.number]]
            best = [seen[place] for place in front(seen)]
            share = hypervolume(best, reference)
        found.append(Gain(trial=trial, share=share, improved=share > before))
    return tuple(found)


def _scaled(study: Study) -> dict[int, tuple[float, ...]]:
    """Map the best cost seen of each objective to 0 and the worst to 1; one that never differs is the best there is."""
    costs = {trial.number: found for trial in study.trials if (found := _costs(study, trial)) is not None}
    ends = [(min(column), max(column)) for column in zip(*costs.values(), strict=True)]
    return {
        trial: tuple(
            (cost - low) / (high - low) if high > low else 0.0 for cost, (low, high) in zip(row, ends, strict=True)
        )
        for trial, row in costs.items()
    }


def _costs(study: Study, trial: Trial) -> tuple[float, ...] | None:
    """Return the objectives so that less is better; None where one of them is not known or has no bound."""
    with_quality = study.settings.quality_objective
    if trial.measurement is None:
        return None
    values = objectives(trial.measurement, with_quality=with_quality)
    ways = directions(with_quality)
    costs = tuple(value if way == "minimize" else -value for value, way in zip(values, ways, strict=True))
    return costs if all(map(math.isfinite, costs)) else None


def gain(study: Study) -> Drawing | None:
    """Draw the hypervolume over the trials; None unless two trials compare and one of them keeps the limits."""
    found = gains(study)
    if len(_scaled(study)) < _FEWEST or not found:
        return None
    better = [one for one in found if one.improved]
    return Drawing(
        id="gain",
        title="Hypervolume over trials",
        label=f"Step chart of the hypervolume after each of {len(found)} trials.",
        told=_told(found, better),
        figure=in_plotly(
            [_steps(found), _marks(study, better)],
            layout(
                xaxis=axis("trial", rangemode="tozero"),
                yaxis=axis("hypervolume (%)", range=[0.0, max(one.share for one in found) * 108.0 or 1.0]),
            ),
        ),
        table=Table(
            heads=("trial", "hypervolume", "configuration"),
            rows=tuple(
                (f"#{one.trial.number}", format_share(one.share), short(one.trial.configuration, study.default))
                for one in better
            ),
        ),
    )


def _told(found: Sequence[Gain], better: Sequence[Gain]) -> str:
    meaning = (
        "Of the box between the worst and the best that was seen of each objective, the share that the front covers; "
        "only trials within the limits count. It never falls, and it is flat while nothing better is found."
    )
    if not better:
        return f"{meaning} No two trials span a box here."
    last = better[-1].trial.number
    after = sum(one.trial.number > last for one in found)
    since = f"{after} trial{'' if after == 1 else 's'} before the end" if after else "the last trial of all"
    return f"{meaning} {len(better)} of {len(found)} trials raised it, the last of them #{last}, {since}."


def _steps(found: Sequence[Gain]) -> go.Scatter:
    return go.Scatter(
        x=[one.trial.number for one in found],
        y=[one.share * 100.0 for one in found],
        mode="lines",
        line={"shape": "hv", "color": LIGHT["accent"], "width": 2},
        hoverinfo="skip",
    )


def _marks(study: Study, better: Sequence[Gain]) -> go.Scatter:
    return go.Scatter(
        x=[one.trial.number for one in better],
        y=[one.share * 100.0 for one in better],
        mode="markers",
        customdata=[one.trial.number for one in better],
        marker={"color": LIGHT["accent"], "size": 8, "symbol": "circle"},
        hovertext=[
            f"<b>trial #{one.trial.number}</b>: {format_share(one.share)}<br>"
            f"{in_chart(short(one.trial.configuration, study.default))}"
            for one in better
        ],
        hoverinfo="text",
    )
