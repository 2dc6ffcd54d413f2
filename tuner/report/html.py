"""What the pages have in common: templates whose every text is inert, and scripts that a policy knows by their hash."""

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2

from tuner.report.text import clean, moment
from tuner.units import format_bytes, format_duration, format_rate, format_seconds, format_share

_TEMPLATES = Path(__file__).with_name("templates")


def environment() -> jinja2.Environment:
    """Return what renders the templates of this package; figures are written alike on every page."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Every text that a template writes passes here once.
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    made.filters.update(
        seconds=format_seconds,
        duration=format_duration,
        rate=format_rate,
        share=format_share,
        bytes=format_bytes,
        moment=moment,
    )
    return made


@cache
def source(name: str) -> str:
    """Return a style or a script as it stands in its file."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def script_hash(script: str) -> str:
    """Name a script for the Content-Security-Policy, which then refuses every other one."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
