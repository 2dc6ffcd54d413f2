"""What one measurement was asked to be, as far as figures depend on it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.study.space import Configuration
from tuner.study.workload import Workload

_BEFORE_HOST = re.compile(r"(?<=://).*@", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSettings:
    """What was measured, and under which load, under the names that a study's settings have.

    `configuration` holds every knob of what was launched. It is None for a server that somebody else started, which
    answered at `url`: its configuration is nothing that we know.
    """

    target: str
    workload: Workload
    options: Mapping[str, str] = field(default_factory=dict)
    configuration: Configuration | None = None
    url: str | None = None
    locustfile: str | None = None
    runtime_python: str | None = None


def without_user(url: str) -> str:
    """Leave out the user and password of a URL: what stands before an @ may be one, wherever the mistake is."""
    return _BEFORE_HOST.sub("", url)
