"""`index.html`: one file that needs no network and runs no script but its own."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2
import plotly.offline  # type: ignore[import-untyped]
from markupsafe import Markup, escape

from tuner import __version__
from tuner.report import commands, finalist_table, headline, html, method, settings_file, trial_table
from tuner.report.advice import DoubtGroup
from tuner.report.detail import Detail
from tuner.report.effort import PHASES, Effort
from tuner.report.figure import STROKES
from tuner.report.finalists.breakdown import PARTS, TIMES
from tuner.report.hover import hovers
from tuner.report.palette import DARK, LIGHT, dark_by_light
from tuner.report.pareto.chart import Chart, chart
from tuner.report.pareto.markers import SHAPES
from tuner.report.quality import basis_of
from tuner.report.rows import Row, Standing
from tuner.report.text import clean, ladder, short, show
from tuner.report.verdict import Verdict
from tuner.search.importance import ENOUGH_TRIALS
from tuner.statistics.quantiles import smallest_sample
from tuner.study.judgement import criterion
from tuner.study.study import Study
from tuner.study.trial import Failure
from tuner.study.workload import Loop

_SCRIPTS = ("theme.js", "copy.js", "table.js", "plotted.js", "drawings.js", "chart.js")


def page(
    study: Study,
    found: Verdict,
    table: tuple[Row, ...],
    doubts: tuple[DoubtGroup, ...],
    spent: Effort,
    detail: Detail,
    document: Mapping[str, Any],
    sheet: str,
) -> str:
    """Write the page; `document` is `report.json` and `sheet` is `trials.csv`, which it offers for download."""
    environment = _environment()
    bundle, own = plotly.offline.get_plotlyjs(), "\n".join(map(html.source, _SCRIPTS))
    drawn = chart(study, table)
    return environment.get_template("report.html").render(
        study=study,
        settings=study.settings,
        workload=study.settings.workload,
        found=found,
        badge=headline.badge(study, found),
        tiles=headline.tiles(study, found),
        rows=table,
        standings=_count(table),
        failures=_failures(study, table),
        finalist_columns=finalist_table.columns(study, found),
        shown=trial_table.trial_table(study, table),
        tie_meaning=method.tie_meaning(study),
        criterion=criterion(study.settings.workload.loop),
        closed=study.settings.workload.loop is Loop.CLOSED,
        noise=method.noise(study),
        basis=basis_of(study),
        objectives=method.objectives(study),
        sample_sizes=method.sample_sizes(study),
        fewest_of_p99=smallest_sample(0.99),
        held=trial_table.held(study),
        phases=PHASES,
        doubts=doubts,
        spent=spent,
        chart=drawn,
        finalists=detail.finalists,
        searched=detail.searched,
        drawings=_inert({one.id: one.figure for one in detail.drawings}),
        data=_data(drawn, hovers(study, table)),
        report=_inert(document),
        csv=_inert(sheet),
        light=LIGHT,
        dark=DARK,
        style=Markup(html.source("report.css")),
        bundle=Markup(bundle),
        script=Markup(own),
        hashes=f"{html.script_hash(bundle)} {html.script_hash(own)}",
        version=__version__,
    )


@cache
def _environment() -> jinja2.Environment:
    environment = html.environment()
    environment.filters.update(
        show=show,
        quantity=_quantity,
        percent=lambda share: f"{share * 100:.2f}%",
        sentence=lambda text: f"{text[:1].upper()}{text[1:]}.",
    )
    environment.globals.update(
        finalist_cells=finalist_table.cells,
        note=finalist_table.note,
        short=short,
        ladder=ladder,
        placed=method.placed,
        load=method.load,
        warm_up=method.warm_up,
        measured=method.measured,
        serve=commands.serve,
        measure=commands.measure,
        settings_file=settings_file.settings_file,
        held_by_file=settings_file.HELD,
        variables=commands.variables,
        shapes=SHAPES,
        strokes=STROKES,
        parts=PARTS,
        times=TIMES,
        enough_trials=ENOUGH_TRIALS,
        standing=Standing,
    )
    return environment


def _quantity(text: str) -> Markup:
    """Set the unit of a figure apart from its number."""
    number, space, unit = clean(text).partition(" ")
    return Markup('{}<span class="unit">{}</span>').format(number, space + unit) if unit else escape(number)


def _data(drawn: Chart, told: Mapping[str, Mapping[int, str]]) -> Markup:
    linear = {"type": "linear", "tickmode": "auto", "range": drawn.axes.linear}
    log = {"type": "log", "range": drawn.axes.log, **drawn.axes.log_ticks}
    axes = {"linear": linear, "log": log}
    return _inert(
        {
            "figure": drawn.figure,
            "axes": axes,
            "log": drawn.axes.log_first,
            "dark": dark_by_light(),
            "hovers": told,
        }
    )


def _inert(document: Any) -> Markup:
    """Embed JSON in a page: inside its strings these characters can be written as escapes, and occur nowhere else."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _count(table: tuple[Row, ...]) -> dict[Standing, int]:
    return {standing: sum(row.standing is standing for row in table) for standing in Standing}


def _failures(study: Study, table: tuple[Row, ...]) -> list[dict[str, Any]]:
    """List every launch that failed, in the search and in the confirmation."""
    found: list[dict[str, Any]] = [
        {"trial": row.trial.number, "where": f"trial #{row.trial.number}", "failure": row.trial.failure}
        for row in table
        if row.trial.failure
    ]
    for one in study.confirmations:
        if isinstance(one.outcome, Failure):
            where = f"confirmation of #{one.trial}, round {one.round}"
            found.append({"trial": None, "where": where, "failure": one.outcome})
    return found
