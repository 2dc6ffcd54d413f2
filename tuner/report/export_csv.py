"""A study for a spreadsheet: `trials.csv`, one line per trial.

Seconds and shares are plain numbers, empty where nothing is known, `inf` where requests failed. A percentile is as it
was measured, also of few requests: their number stands beside it. Columns of a level end in its load:
`p99_at_32_users`, `p99_at_200_req_s`.
"""

import csv
import io
from collections.abc import Callable

from tuner.report.rows import Row
from tuner.report.text import amount, in_csv, show
from tuner.study.quality import Quality
from tuner.study.space import Value
from tuner.study.study import Study
from tuner.study.trial import Conditions, LevelSummary, Measurement
from tuner.study.workload import Load, Loop

Cell = str | int | float | None
Column = tuple[str, Callable[[Row], Cell]]
"""A heading, and how the cell of a trial is read."""

_UNITS = {Loop.CLOSED: "users", Loop.OPEN: "req_s"}

_LEVEL: tuple[tuple[str, Callable[[LevelSummary], Cell]], ...] = (
    ("throughput", lambda one: one.throughput),
    ("goodput", lambda one: one.goodput),
    ("p50", lambda one: one.p50),
    ("p90", lambda one: one.p90),
    ("p95", lambda one: one.p95),
    ("p99", lambda one: one.p99.value),
    ("p99_low", lambda one: one.p99.low),
    ("p99_high", lambda one: one.p99.high),
    ("mean", lambda one: one.mean),
    ("requests", lambda one: one.requests),
    ("errors", lambda one: one.errors),
    ("unfinished", lambda one: one.unfinished),
    ("batch_size", lambda one: one.batch_size),
    ("cpu_seconds_per_request", lambda one: one.cpu_per_request),
    ("session_p99", lambda one: one.session_p99.value if one.session_p99 else None),
    ("outside", lambda one: one.outside),
)

_CONDITIONS: tuple[tuple[str, Callable[[Conditions], Cell]], ...] = (
    ("lag_p99", lambda one: one.lag_p99),
    ("lag_most", lambda one: one.lag_most),
    ("lateness_p99", lambda one: one.lateness_p99),
    ("load_cpu", lambda one: one.load_cpu),
    ("other_programs", lambda one: one.other_programs),
    ("stolen", lambda one: one.stolen),
    ("throttled", lambda one: one.throttled),
)

_QUALITY: tuple[tuple[str, Callable[[Quality], Cell]], ...] = (
    ("quality_is", lambda one: str(one.basis)),
    ("quality", lambda one: one.share),
    ("quality_change", lambda one: one.change.value if one.change else None),
    ("quality_change_low", lambda one: one.change.low if one.change else None),
    ("quality_change_high", lambda one: one.change.high if one.change else None),
    ("quality_change_p", lambda one: one.change.p if one.change else None),
    ("quality_under_load", lambda one: one.under_load.share if one.under_load else None),
    ("quality_under_load_requests", lambda one: one.under_load.total if one.under_load else None),
)

_MEASUREMENT: tuple[tuple[str, Callable[[Measurement], Cell]], ...] = (
    ("peak_memory_bytes", lambda one: one.peak_memory),
    ("server_of", lambda one: one.server_of),
    ("load_seconds", lambda one: one.load_seconds),
)


def trials_csv(study: Study, table: tuple[Row, ...]) -> str:
    """Write one line per trial."""
    columns = _columns(study)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(in_csv(name) for name, _ in columns)
    for row in table:
        writer.writerow(_written(read(row)) for _, read in columns)
    return text.getvalue()


def _columns(study: Study) -> list[Column]:
    loads = enumerate(study.settings.workload.loads)
    return [
        ("trial", lambda row: row.trial.number),
        ("standing", lambda row: str(row.standing)),
        ("roles", lambda row: " ".join(row.roles)),
        ("reason", lambda row: row.reason),
        *((f"knob.{name}", _knob(name)) for name in study.space.names),
        *((name, _of_quality(read)) for name, read in _QUALITY),
        *((name, _of_measurement(read)) for name, read in _MEASUREMENT),
        ("ties_best", lambda row: show(row.ties_best)),
        ("doubts", _of_measurement(lambda one: "; ".join(sorted({doubt.kind for doubt in one.doubts})))),
        *(column for index, load in loads for column in _level_columns(index, load)),
    ]


def _level_columns(index: int, load: Load) -> list[Column]:
    end = f"_at_{amount(load)}_{_UNITS[load.loop]}"
    return [
        *((f"{name}{end}", _of_level(index, read)) for name, read in _LEVEL),
        *((f"{name}{end}", _of_level(index, _of_conditions(read))) for name, read in _CONDITIONS),
    ]


def _knob(name: str) -> Callable[[Row], Cell]:
    def read(row: Row) -> Cell:
        value: Value | None = row.trial.configuration.get(name)
        return show(value) if isinstance(value, bool) else value

    return read


def _of_measurement(read: Callable[[Measurement], Cell]) -> Callable[[Row], Cell]:
    return lambda row: read(row.measurement) if row.measurement else None


def _of_quality(read: Callable[[Quality], Cell]) -> Callable[[Row], Cell]:
    return _of_measurement(lambda one: read(one.quality) if one.quality else None)


def _of_level(index: int, read: Callable[[LevelSummary], Cell]) -> Callable[[Row], Cell]:
    return _of_measurement(lambda one: read(one.levels[index]))


def _of_conditions(read: Callable[[Conditions], Cell]) -> Callable[[LevelSummary], Cell]:
    return lambda one: read(one.conditions) if one.conditions else None


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    return in_csv(cell) if isinstance(cell, str) else repr(cell)
