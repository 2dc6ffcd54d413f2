"""`index.html` of a gate: one file, with the looks and the Content-Security-Policy of a study's report."""

from functools import cache

import jinja2
from markupsafe import Markup

from tuner import __version__
from tuner.gate.effect import Ruling
from tuner.gate.reliability import MOST_P
from tuner.gate.result import Gate
from tuner.report import html
from tuner.report.gate import chart, words
from tuner.report.method import load, measured, placed, warm_up
from tuner.report.palette import DARK, LIGHT
from tuner.study.trial import LevelSummary, Measurement, Outcome

_SCRIPTS = ("theme.js", "copy.js")
_TONES = {Ruling.NO_REGRESSION: "good", Ruling.REGRESSION: "warn", Ruling.INCONCLUSIVE: "plain"}


def page(gate: Gate) -> str:
    """Write the page."""
    script = "\n".join(map(html.source, _SCRIPTS))
    template = _environment().get_template("gate.html")
    return template.render(
        gate=gate,
        settings=gate.settings,
        sentence=words.sentence(gate),
        answers=words.compared_answers(gate),
        failed_alone=words.failed_alone(gate),
        tone=_TONES[gate.ruling],
        mark=words.MARKS[gate.ruling],
        sides=list(words.sides(gate)),
        effects=[(effect, words.later(gate, effect), chart.drawing(gate, effect)) for effect in gate.effects],
        rounds=list(enumerate(gate.rounds, 1)),
        doubts=words.doubts(gate),
        without_figures=list(gate.without_figures()),
        light=LIGHT,
        dark=DARK,
        style=Markup(html.source("report.css")),
        script=Markup(script),
        hashes=html.script_hash(script),
        version=__version__,
    )


@cache
def _environment() -> jinja2.Environment:
    environment = html.environment()
    environment.globals.update(
        allowed=words.allowed_alone,
        change=words.change,
        marks=words.MARKS,
        most_p=MOST_P,
        width=chart.WIDTH,
        height=chart.HEIGHT,
        load=load,
        warm_up=warm_up,
        measured=measured,
        placed=placed,
        level=_level,
    )
    return environment


def _level(outcome: Outcome) -> LevelSummary | None:
    """Return what was measured at the target load, if anything was."""
    return outcome.target if isinstance(outcome, Measurement) else None
