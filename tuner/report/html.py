"""What the pages have in common: templates whose every text is inert, and scripts that a policy knows by their hash."""

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2

from tuner.report.text import clean

_TEMPLATES = Path(__file__).with_name("templates")


def environment() -> jinja2.Environment:
    """Return what renders the templates of this package."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Every text that a template writes passes here once.
        finalize=lambda value: clean(value) if type(value) is str else value,
    )


@cache
def source(name: str) -> str:
    """Return a style or a script as it stands in its file."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def script_hash(script: str) -> str:
    """Name a script for the Content-Security-Policy, which then refuses every other one."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
