"""What the search gained from trial to trial: the hypervolume of what was found so far."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go  # type: ignore[import-untyped]

from tuner.report.figure import Drawing, Table, axis, in_plotly, layout
from tuner.report.hover import CHANGES
from tuner.report.palette import LIGHT
from tuner.report.text import short
from tuner.search.sampler import directions
from tuner.statistics.pareto import front, hypervolume
from tuner.study.judgement import criterion, feasible, objectives
from tuner.study.study import Study
from tuner.study.trial import Trial
from tuner.units import format_rate, format_seconds, format_share

_FEWEST = 2
_ROOM = 12
"""Under so many trials plotly would put ticks between two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The hypervolume after a trial, as a share of the box from the reference point to the best of each objective."""

    trial: Trial
    share: float
    improved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The place of each trial between the best and the worst of each objective, at 0 and 1.

    `worst` is the reference point, in the objectives' own units. The default and the trials that meet every limit span
    the box, and latencies lie on a logarithm in it: one trial that was ten times slower must not make all others alike.
    """

    places: Mapping[int, tuple[float, ...]]
    worst: tuple[float, ...]


def gains(study: Study) -> tuple[Gain, ...]:
    """Return the hypervolume after every trial; none when no trial meets the limits."""
    places = box(study).places
    kept = {trial.number for trial in study.trials if feasible(trial, study.settings.limits)} & set(places)
    if not kept:
        return ()
    reference = (1.0,) * len(next(iter(places.values())))
    found, best, share = [], list[tuple[float, ...]](), 0.0
    for trial in study.trials:
        before = share
        if trial.number in kept:
            seen = [*best, places[trial.number]]
            best = [seen[place] for place in front(seen)]
            share = hypervolume(best, reference)
        found.append(Gain(trial=trial, share=share, improved=share > before))
    return tuple(found)


def box(study: Study) -> Box:
    """Span the box; one objective that never differs is the best there is."""
    default = study.default_trial
    spanning = [trial for trial in study.trials if trial == default or feasible(trial, study.settings.limits)]
    costs = {trial.number: found for trial in spanning if (found := _costs(study, trial)) is not None}
    ends = [(min(column), max(column)) for column in zip(*costs.values(), strict=True)]
    places = {
        trial: tuple(
            (cost - low) / (high - low) if high > low else 0.0 for cost, (low, high) in zip(row, ends, strict=True)
        )
        for trial, row in costs.items()
    }
    latencies = _latencies(study)
    worst = tuple(math.exp(high) if latency else -high for latency, (_, high) in zip(latencies, ends, strict=False))
    return Box(places=places, worst=worst)


def _latencies(study: Study) -> tuple[bool, ...]:
    """Say which objectives are latencies: in open loop what decides, and p99 under the light load."""
    every = (not criterion(study.settings.workload.loop).more, True, False)
    return every[: len(directions(study.settings.quality_objective))]


def _costs(study: Study, trial: Trial) -> tuple[float, ...] | None:
    """Return the objectives so that less is better, latencies as logarithms; None where one has no bound."""
    if trial.measurement is None:
        return None
    values = objectives(trial.measurement, with_quality=study.settings.quality_objective)
    if not all(map(math.isfinite, values)):
        return None
    # A merit that is a latency is below zero, as all merits are the better the more.
    return tuple(
        math.log(abs(value)) if latency else -value for value, latency in zip(values, _latencies(study), strict=True)
    )


def gain(study: Study) -> Drawing | None:
    """Draw the hypervolume over the trials; None unless two trials compare and one of them meets the limits."""
    found, reference = gains(study), box(study)
    if len(reference.places) < _FEWEST or not found:
        return None
    better = [one for one in found if one.improved]
    return Drawing(
        id="gain",
        title="Hypervolume over trials",
        label=f"Step chart of the hypervolume after each of {len(found)} trials.",
        told=_told(study, reference, found, better),
        figure=in_plotly(
            [_steps(found), _marks(better)],
            layout(
                xaxis=axis(
                    "trial", rangemode="tozero", tickformat=",d", **({"dtick": 1} if len(found) < _ROOM else {})
                ),
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


def _told(study: Study, reference: Box, found: Sequence[Gain], better: Sequence[Gain]) -> str:
    meaning = (
        "Of the box between the best of each objective and the reference point, the share that the front covers. The "
        f"reference point is the worst of the default and of the trials within the limits: {_point(study, reference)}; "
        "latencies count by their logarithm. It never falls, and it is flat while nothing better is found."
    )
    if not better:
        return f"{meaning} No two trials span a box here."
    last = better[-1].trial.number
    after = sum(one.trial.number > last for one in found)
    since = f"{after} trial{'' if after == 1 else 's'} before the end" if after else "the last trial of all"
    return f"{meaning} {len(better)} of {len(found)} trials raised it, the last of them #{last}, {since}."


def _point(study: Study, reference: Box) -> str:
    workload = study.settings.workload
    loads = (workload.target, workload.light)
    written = [
        f"p99 {format_seconds(worst)} at {load}" if latency else f"{format_rate(worst)} at {load}"
        for worst, latency, load in zip(reference.worst, _latencies(study), loads, strict=False)
    ]
    quality = [f"quality {format_share(worst)}" for worst in reference.worst[len(loads) :]]
    return ", ".join(dict.fromkeys((*written, *quality)))


def _steps(found: Sequence[Gain]) -> go.Scatter:
    return go.Scatter(
        x=[one.trial.number for one in found],
        y=[one.share * 100.0 for one in found],
        mode="lines",
        line={"shape": "hv", "color": LIGHT["accent"], "width": 2},
        hoverinfo="skip",
    )


def _marks(better: Sequence[Gain]) -> go.Scatter:
    return go.Scatter(
        x=[one.trial.number for one in better],
        y=[one.share * 100.0 for one in better],
        mode="markers",
        customdata=[one.trial.number for one in better],
        marker={"color": LIGHT["accent"], "size": 8, "symbol": "circle"},
        hovertext=[f"<b>trial #{one.trial.number}</b>: {format_share(one.share)}" for one in better],
        hoverinfo="text",
        meta=[CHANGES],
    )
