"""The table of all trials: its columns, and each cell as text with the value that it is sorted by."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tuner.report.quality import basis_of
from tuner.report.rows import Row
from tuner.report.text import figure, show
from tuner.study.judgement import criterion
from tuner.study.space import Configuration, Value
from tuner.study.study import Study
from tuner.study.trial import Interval, Measurement
from tuner.units import format_rate, format_seconds, format_share


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A heading, a remark below it, and whether its cells are numbers."""

    label: str
    note: str = ""
    numeric: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A text and what it is sorted by; `dim` says that it need not catch the eye."""

    text: str
    order: float | str | None
    dim: bool = False


Figure = tuple[Column, Callable[[Measurement], Cell]]
"""A column of measured figures, and how one is read."""

_MISSING = Cell(text="–", order=None, dim=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTable:
    """The columns that follow the number and the standing of a trial, and their cells by the trial's number."""

    columns: tuple[Column, ...]
    cells: Mapping[int, tuple[Cell, ...]]


def trial_table(study: Study, rows: Sequence[Row]) -> TrialTable:
    """Fill the table: the figures that judge a trial, the one that decides first, the free knobs, all other figures."""
    # Which figures there are is a question to all trials, so it is asked once.
    judging, others, default = _judging_figures(study), list(_other_figures(study)), study.default
    knobs = (Column(label=knob.name, numeric=not isinstance(knob.default, str | bool)) for knob in study.space.free)
    return TrialTable(
        columns=(*(column for column, _ in judging), *knobs, *(column for column, _ in others)),
        cells={
            row.trial.number: (*_read(row, judging), *_knobs(study, row, default), *_read(row, others)) for row in rows
        },
    )


def _read(row: Row, figures: Sequence[Figure]) -> Iterator[Cell]:
    return (read(row.measurement) if row.measurement else _MISSING for _, read in figures)


def _knobs(study: Study, row: Row, default: Configuration) -> Iterator[Cell]:
    return (_knob(row.trial.configuration.get(name), default.get(name)) for name in _free(study))


def _free(study: Study) -> list[str]:
    return [knob.name for knob in study.space.free]


def held(study: Study) -> Configuration:
    """Return the knobs that had one value only: they need no column."""
    return {name: value for name, value in study.default.items() if name not in _free(study)}


def _knob(value: Value | None, default: Value | None) -> Cell:
    if value is None:
        return _MISSING
    order = show(value) if isinstance(value, str | bool) else float(value)
    return Cell(text=show(value), order=order, dim=value == default)


def _judging_figures(study: Study) -> list[Figure]:
    """Return throughput at the target load, p99 at every load and quality, the figure that decides first."""
    loads = study.settings.workload.loads
    decides = Column(label=criterion(study.settings.workload.loop).name, note=f"at {loads[-1]}")
    found: list[Figure] = [
        (Column(label="throughput", note=f"at {loads[-1]}"), partial(_throughput, index=len(loads) - 1)),
        *((Column(label="p99", note=f"at {load}"), partial(_p99, index=index)) for index, load in enumerate(loads)),
        (Column(label=str(basis_of(study))), _quality),
    ]
    return sorted(found, key=lambda pair: pair[0] != decides)


def _other_figures(study: Study) -> Iterator[Figure]:
    *lighter, target = study.settings.workload.loads
    at = f"at {target}"
    for index, load in enumerate(lighter):
        yield Column(label="throughput", note=f"at {load}"), partial(_throughput, index=index)
    if study.settings.limits.slo is not None:
        yield Column(label="goodput", note=at), lambda one: _rate(one.target.goodput)
    yield Column(label="p50", note=at), lambda one: _seconds(one.target.p50)
    if _has_sessions(study):
        yield Column(label="session p99", note=at), lambda one: _seconds(_value(one.target.session_p99))
    if _has_quality_under_load(study):
        yield Column(label=str(basis_of(study)), note="under load"), _under_load
    yield Column(label="CPU / request", note=at), lambda one: _seconds(one.target.cpu_per_request)
    yield Column(label="batch size", note=at), lambda one: _batch(one.target.batch_size)
    if any(trial.measurement and trial.measurement.server_of is not None for trial in study.trials):
        yield Column(label="server", note="launched by trial", numeric=False), _server
    yield Column(label="doubts"), _doubts


def _has_quality_under_load(study: Study) -> bool:
    found = (trial.measurement.quality for trial in study.trials if trial.measurement)
    return any(one.under_load for one in found if one)


def _has_sessions(study: Study) -> bool:
    measured = (trial.measurement for trial in study.trials)
    return any(level.session_p99 is not None for one in measured if one is not None for level in one.levels)


def _value(interval: Interval | None) -> float | None:
    return interval.value if interval else None


def _throughput(measured: Measurement, index: int) -> Cell:
    return _rate(measured.levels[index].throughput)


def _p99(measured: Measurement, index: int) -> Cell:
    return _seconds(measured.levels[index].told_p99)


def _rate(value: float | None) -> Cell:
    return _number(value, format_rate(value))


def _seconds(value: float | None) -> Cell:
    return _number(value, format_seconds(value))


def _batch(value: float | None) -> Cell:
    return _number(value, figure(value, lambda size: f"{size:.1f}"))


def _quality(measured: Measurement) -> Cell:
    share = measured.quality.share if measured.quality else None
    return _number(share, format_share(share))


def _under_load(measured: Measurement) -> Cell:
    under = measured.quality.under_load if measured.quality else None
    return _number(under.share, f"{format_share(under.share)} of {under.total:,}") if under else _MISSING


def _server(measured: Measurement) -> Cell:
    launcher = measured.server_of
    return Cell(text="its own" if launcher is None else f"#{launcher}", order=launcher, dim=launcher is None)


def _doubts(measured: Measurement) -> Cell:
    count = len(measured.doubts)
    return Cell(text=str(count), order=float(count), dim=count == 0)


def _number(value: float | None, text: str) -> Cell:
    return Cell(text=text, order=None if value is None or math.isnan(value) else value, dim=value is None)
