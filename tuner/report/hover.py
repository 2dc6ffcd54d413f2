"""What a mark says when it is pointed at, as the small HTML that plotly reads.

What concerns a whole trial is written once; a trace names in `meta` which of it comes after its own words, and the
trials of its marks in `customdata`.
"""

from collections.abc import Iterator, Mapping, Sequence

from tuner.report.quality import answered
from tuner.report.rows import Point, Row
from tuner.report.text import in_chart, interval, short, show
from tuner.study.study import Study
from tuner.units import format_rate, format_seconds

TITLE, CHANGES, KNOBS = "title", "changes", "knobs"
"""The number and the standing of a trial, what differs from the default, and the whole configuration."""


def hovers(study: Study, table: Sequence[Row]) -> Mapping[str, Mapping[int, str]]:
    """Write what concerns whole trials, by the trials' numbers."""
    return {
        TITLE: {row.trial.number: f"<b>trial #{row.trial.number}</b> {_standing(row)}" for row in table},
        CHANGES: {row.trial.number: in_chart(short(row.trial.configuration, study.default)) for row in table},
        KNOBS: {row.trial.number: "<br>".join(("", *_knobs(study, row))) for row in table},
    }


def hover(point: Point) -> str:
    """Write what was measured at one point."""
    return "<br>".join(_lines(point))


def hover_failed(row: Row) -> str:
    """Write why a trial failed."""
    return f"<b>trial #{row.trial.number}</b><br><i>{in_chart(row.reason)}</i>"


def _lines(point: Point) -> Iterator[str]:
    level, row = point.level, point.row
    roles = "".join(f" · {role}" for role in row.roles)
    yield f"<b>trial #{row.trial.number}</b> at {level.load}{roles}"
    yield f"{format_rate(level.throughput)} · p99 {format_seconds(level.told_p99)}"
    yield f"p99 95 %: {interval(level.p99.low, level.p99.high, format_seconds)}"
    if row.measurement and row.measurement.quality:
        yield answered(row.measurement.quality)
    yield f"<i>{_standing(row)}</i>"


def _standing(row: Row) -> str:
    return in_chart(row.reason or row.standing)


def _knobs(study: Study, row: Row) -> Iterator[str]:
    default = study.default
    for name, value in row.trial.configuration.items():
        line = f"{in_chart(name)} = {in_chart(show(value))}"
        yield f"<b>{line}</b>" if value != default.get(name) else line
