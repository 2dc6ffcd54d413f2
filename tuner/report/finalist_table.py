"""The table of finalists: the same columns on the page, in Markdown and in the terminal."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from tuner.report.finalist import Finalist
from tuner.report.quality import basis_of, change
from tuner.report.text import bracketed, figure, in_brackets, span, times, with_span
from tuner.report.verdict import Verdict
from tuner.statistics.compare import Estimate
from tuner.study.judgement import criterion
from tuner.study.quality import Quality
from tuner.study.study import Study
from tuner.units import format_rate, format_seconds, format_share

RATIO = "× default"
"""The heading of what compares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure that was confirmed: its name, under which load, and how it is written.

    `place` is that among the estimates of a finalist.
    """

    name: str
    at: str
    write: Callable[[float], str]
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A heading and the remark below it."""

    label: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.label} {self.note}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A figure as text, its interval, and how it compares with the default where no column of its own says so.

    `line` is the figure with its interval on one line, where it has one.
    """

    text: str
    interval: str = ""
    line: str = ""
    compared: str = ""

    def __str__(self) -> str:
        told = self.line or (f"{self.text} ({self.interval})" if self.interval else self.text)
        return f"{told}, {self.compared}" if self.compared else told


def figures(study: Study, found: Verdict) -> tuple[Figure, ...]:
    """Return what was confirmed, the figure that decides first."""
    workload = study.settings.workload
    throughput = Figure(name="throughput", at=f"at {workload.target}", write=format_rate, place=0)
    p99 = [_p99(place, f"at {load}") for place, load in enumerate(workload.loads, 1)]
    arrivals = [] if found.arrivals is None else [_p99(len(p99) + 1, f"at {found.arrivals} (open loop)")]
    decides = criterion(workload.loop).of(throughput, p99)
    return (decides, *(one for one in (throughput, *p99, *arrivals) if one is not decides))


def _p99(place: int, at: str) -> Figure:
    return Figure(name="p99", at=at, write=format_seconds, place=place)


def columns(study: Study, found: Verdict) -> tuple[Column, ...]:
    """Name the columns that follow a finalist's configuration and note."""
    decides, *others = (Column(label=one.name, note=one.at) for one in figures(study, found))
    if found.arrivals is not None:
        others[-1] = replace(others[-1], note=f"{others[-1].note}, {RATIO}")
    return (decides, Column(label=RATIO), *others, Column(label=str(basis_of(study))), Column(label="launches"))


def cells(study: Study, found: Verdict, finalist: Finalist) -> tuple[Cell, ...]:
    """Fill the columns for one finalist."""
    shown = figures(study, found)
    decides, *others = (_cell(finalist.estimates[one.place], one.write) for one in shown)
    if found.arrivals is not None:
        ratio = finalist.arrivals_ratio
        others[-1] = replace(others[-1], compared=bracketed(ratio) if ratio and math.isfinite(ratio.value) else "")
    compared, quality = _ratio(finalist.ratios[shown[0].place]), _quality(finalist.quality)
    return (decides, compared, *others, quality, Cell(text=_launches(study, finalist)))


def _launches(study: Study, finalist: Finalist) -> str:
    """Say how many launches the figures rest on, and how many were planned; a resumed study may have made more."""
    measured = finalist.throughput.repetitions
    return f"{measured} of {max(measured, study.settings.rounds)}"


def _quality(found: Quality | None) -> Cell:
    against = change(found) if found else ""
    return Cell(text=format_share(found.share if found else None), compared=against)


def _cell(found: Estimate | None, write: Callable[[float], str]) -> Cell:
    if found is None or math.isnan(found.value):
        return Cell(text=figure(None, write))
    line = "" if found.low is None else with_span(found, write)
    return Cell(text=write(found.value), interval=span(found, write), line=line)


def _ratio(found: Estimate | None) -> Cell:
    if found is None or math.isnan(found.value):
        return Cell(text=figure(None, times))
    if found.low is None:
        return Cell(text=times(found.value), interval=span(found, times))
    # The default is its own equal in every launch, which is no interval.
    return Cell(text=times(found.value), interval=in_brackets(found), line=bracketed(found))


def note(found: Verdict, finalist: Finalist) -> str:
    """Say what part a finalist plays, and which others this machine's noise does not tell it from."""
    part = _part(found, finalist)
    return f"{part}; tie with {', '.join(f'#{trial}' for trial in finalist.ties)}" if finalist.ties else part


def _part(found: Verdict, finalist: Finalist) -> str:
    if finalist is found.chosen:
        return "default, kept" if finalist is found.default else "winner"
    return "default" if finalist is found.default else "finalist"
