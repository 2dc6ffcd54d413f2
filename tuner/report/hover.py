"""What a point of the chart says when it is pointed at."""

from collections.abc import Iterator

from tuner.report.quality import answered
from tuner.report.rows import Point, Row
from tuner.report.text import in_chart, interval, show
from tuner.study.study import Study
from tuner.units import format_rate, format_seconds


def hover(study: Study, point: Point) -> str:
    """Write the whole configuration and what was measured, as the small HTML that plotly reads."""
    return "<br>".join(_lines(study, point))


def hover_failed(study: Study, row: Row) -> str:
    """Write why a trial failed, and its whole configuration."""
    return "<br>".join((f"<b>trial #{row.trial.number}</b>", f"<i>{in_chart(row.reason)}</i>", "", *_knobs(study, row)))


def _lines(study: Study, point: Point) -> Iterator[str]:
    level, row = point.level, point.row
    roles = "".join(f" · {role}" for role in row.roles)
    yield f"<b>trial #{row.trial.number}</b> at {level.load}{roles}"
    yield f"{format_rate(level.throughput)} · p99 {format_seconds(level.told_p99)}"
    yield f"p99 95 %: {interval(level.p99.low, level.p99.high, format_seconds)}"
    if row.measurement and row.measurement.quality:
        yield answered(row.measurement.quality)
    yield f"<i>{in_chart(row.reason or point.standing)}</i>"
    yield ""
    yield from _knobs(study, row)


def _knobs(study: Study, row: Row) -> Iterator[str]:
    for name, value in row.trial.configuration.items():
        line = f"{in_chart(name)} = {in_chart(show(value))}"
        yield f"<b>{line}</b>" if value != study.default.get(name) else line
