"""`index.html` of a gate: one file, with the looks and the Content-Security-Policy of a study's report."""

import base64
import hashlib
from functools import cache

import jinja2
from markupsafe import Markup

from tuner import __version__
from tuner.gate.effect import Ruling
from tuner.gate.result import Gate
from tuner.report.advice import ADVICE
from tuner.report.gate import chart, words
from tuner.report.method import load, measured, placed, warm_up
from tuner.report.palette import DARK, LIGHT
from tuner.report.text import clean
from tuner.study.trial import Doubt, Measurement, Outcome
from tuner.units import format_bytes, format_duration, format_rate, format_seconds, format_share

_SCRIPTS = ("theme.js", "copy.js")
_TONES = {Ruling.NO_REGRESSION: "good", Ruling.REGRESSION: "warn", Ruling.INCONCLUSIVE: "plain"}


def page(gate: Gate) -> str:
    """Write the page."""
    script = "\n".join(map(_source, _SCRIPTS))
    return (
        _environment()
        .get_template("gate.html")
        .render(
            gate=gate,
            settings=gate.settings,
            sentence=words.sentence(gate),
            accuracy=words.accuracy(gate),
            tone=_TONES[gate.ruling],
            mark=words.MARKS[gate.ruling],
            sides=list(words.sides(gate)),
            effects=[(effect, chart.drawing(gate, effect)) for effect in gate.effects],
            rounds=list(enumerate(gate.rounds, 1)),
            doubts=_doubts(gate),
            disturbed=list(gate.disturbed()),
            light=LIGHT,
            dark=DARK,
            style=Markup(_source("report.css")),
            script=Markup(script),
            hash=_hash(script),
            version=__version__,
        )
    )


def _doubts(gate: Gate) -> list[tuple[str, str, str, list[tuple[str, Doubt]]]]:
    """Return every kind of doubt with its meaning, its advice and its remarks, the gravest kind first."""
    raised = list(gate.doubts())
    return [
        (kind, meaning, advice, remarks)
        for kind, (meaning, advice) in ADVICE.items()
        if (remarks := [one for one in raised if one[1].kind is kind])
    ]


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tuner.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Every text that a template writes passes here once.
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    environment.filters.update(
        duration=format_duration, bytes=format_bytes, share=format_share, p99=format_seconds, rate=format_rate
    )
    environment.globals.update(
        allowed=words.allowed_alone,
        change=words.change,
        write=words.WRITE,
        marks=words.MARKS,
        width=chart.WIDTH,
        height=chart.HEIGHT,
        load=load,
        warm_up=warm_up,
        measured=measured,
        placed=placed,
        level=_level,
    )
    return environment


def _level(outcome: Outcome) -> object:
    """Return what was measured at the target load, if anything was."""
    return outcome.target if isinstance(outcome, Measurement) else None


@cache
def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _hash(script: str) -> str:
    """Name a script for the Content-Security-Policy, which then refuses every other one."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
