"""The table of all trials: its columns, and each cell as text with the value that it is sorted by."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tuner.report.rows import Row
from tuner.report.text import figure, show
from tuner.study.space import Configuration, Value
from tuner.study.study import Study
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


def columns(study: Study) -> tuple[Column, ...]:
    """Name the columns that follow the number and the standing of a trial: the free knobs, then the figures."""
    users = study.settings.workload.users
    at = f"at {users[-1]} users"
    return (
        *(Column(label=knob.name, numeric=not isinstance(knob.default, str | bool)) for knob in study.space.free),
        Column(label="throughput", note=at),
        *(Column(label="p99", note=f"at {count} users") for count in users),
        Column(label="p50", note=at),
        Column(label="accuracy"),
        Column(label="CPU / request", note=at),
        Column(label="batch size", note=at),
        Column(label="doubts"),
    )


def cells(study: Study, row: Row) -> tuple[Cell, ...]:
    """Fill the columns for one trial."""
    default = study.default
    knobs = (_knob(row.trial.configuration.get(name), default.get(name)) for name in _free(study))
    return (*knobs, *_figures(row, len(study.settings.workload.users)))


def _free(study: Study) -> list[str]:
    return [knob.name for knob in study.space.free]


def held(study: Study) -> Configuration:
    """Return the knobs that had one value only: they need no column."""
    return {name: value for name, value in study.default.items() if name not in _free(study)}


def _knob(value: Value | None, default: Value | None) -> Cell:
    if value is None:
        return Cell(text="–", order=None, dim=True)
    order = show(value) if isinstance(value, str | bool) else float(value)
    return Cell(text=show(value), order=order, dim=value == default)


def _figures(row: Row, levels: int) -> Iterator[Cell]:
    found = row.measurement
    if found is None:
        yield from [Cell(text="–", order=None, dim=True)] * (levels + 6)
        return
    target = found.target
    yield _number(target.throughput, format_rate(target.throughput))
    for level in found.levels:
        yield _number(level.p99.value, format_seconds(level.p99.value))
    yield _number(target.p50, format_seconds(target.p50))
    accuracy = found.accuracy.share if found.accuracy else None
    yield _number(accuracy, format_share(accuracy))
    yield _number(target.cpu_per_request, format_seconds(target.cpu_per_request))
    yield _number(target.batch_size, figure(target.batch_size, lambda size: f"{size:.1f}"))
    doubts = len(found.doubts)
    yield Cell(text=str(doubts), order=float(doubts), dim=doubts == 0)


def _number(value: float | None, text: str) -> Cell:
    return Cell(text=text, order=None if value is None or math.isnan(value) else value, dim=value is None)
