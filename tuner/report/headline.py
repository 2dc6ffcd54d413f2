"""The head of the report: what to do in two words, and the figures that count."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tuner.report.finalist import Finalist
from tuner.report.finalist_table import figures
from tuner.report.quality import asked, change, load_share
from tuner.report.text import TOO_FEW, bracketed, capitalised, figure, span
from tuner.report.verdict import Verdict
from tuner.statistics.compare import Estimate
from tuner.study.objectives import Slo
from tuner.study.study import Study
from tuner.study.trial import Measurement
from tuner.units import format_share


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One confirmed figure: its label, value, interval, and how it compares.

    `tone` is "good", "mixed" or nothing.
    """

    label: str
    value: str
    interval: str = ""
    compared: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """The verdict in two words; `tone` is "good", "plain" or "warn", `sign` says the same without colour."""

    text: str
    sign: str
    tone: str


def badge(study: Study, found: Verdict) -> Badge:
    """Say in two words what the verdict is."""
    if found.chosen is not None and found.chosen is found.winner and found.winner is not found.default:
        return Badge(text="Confirmed winner", sign="✓", tone="good")
    if found.chosen is not None:
        return Badge(text="Keep the default", sign="=", tone="plain")
    if found.finalists:
        return Badge(text="No winner", sign="!", tone="warn")
    return Badge(text=_unconfirmed(study, found), sign="!", tone="warn")


def _unconfirmed(study: Study, found: Verdict) -> str:
    if found.best is not None:
        return "Not confirmed"
    if not study.trials:
        return "Nothing measured"
    if found.unjudged:
        return "Not known"
    return "No configuration" if any(trial.measurement for trial in study.trials) else "All failed"


def tiles(study: Study, found: Verdict) -> tuple[Tile, ...]:
    """Choose the figures of the head; only what was confirmed may stand there."""
    return tuple(_tiles(study, found, found.chosen)) if found.chosen else ()


def _tiles(study: Study, found: Verdict, chosen: Finalist) -> Iterator[Tile]:
    slo = study.settings.limits.slo
    for one in figures(study, found):
        estimate, ratio = chosen.estimates[one.place], chosen.ratios[one.place]
        if estimate is not None:
            yield Tile(
                label=f"{capitalised(one.name)} {one.at}",
                value=figure(estimate.value, one.write),
                interval=TOO_FEW if math.isnan(estimate.value) else span(estimate, one.write),
                # The default is its own equal, which says nothing.
                compared="" if chosen is found.default else _compared(ratio),
            )
    if chosen.quality is not None:
        against = change(chosen.quality)
        yield Tile(
            label=chosen.quality.basis.capitalize(),
            value=format_share(chosen.quality.share),
            interval="; ".join(filter(None, (asked(chosen.quality), load_share(chosen.quality)))),
            compared=f"{against} to the default" if against else "",
        )
    if slo is not None:
        yield _slo_tile(study, slo, chosen)


def _slo_tile(study: Study, slo: Slo, chosen: Finalist) -> Tile:
    """Say in how many launches an SLO was met; whoever is chosen meets it in their mean."""
    outcomes = [one.outcome for one in study.confirmations if one.trial == chosen.trial]
    # A launch that was disturbed says nothing; one that failed by itself is an objection.
    figures = [one.target.metric(slo.metric) for one in outcomes if isinstance(one, Measurement)]
    met = sum(figure <= slo.limit for figure in figures)
    every = met == len(figures)
    return Tile(
        label=f"SLO {slo} at {study.settings.workload.target}",
        value="✓\u00a0met",
        interval=f"met in {met} of {len(figures)} launches",
        compared="" if every else "on average, not every time",
        tone="good" if every else "mixed",
    )


def _compared(ratio: Estimate | None) -> str:
    if ratio is None or math.isnan(ratio.value):
        return ""
    return f"{bracketed(ratio)} the default"
