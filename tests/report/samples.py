"""Samples beside a study, as its launches would have left them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tuner.load.samples import ROW, Samples
from tuner.study import places
from tuner.study.study import Study
from tuner.study.trial import LevelSummary, Measurement


def request_rows(count: int, latency: float, *, begin: float = 0.0, every: float = 0.01, **columns: Any) -> Samples:
    """Requests that all take as long; the server says nothing but what `columns` say."""
    rows = np.full(count, np.nan, dtype=ROW)
    rows["intended"] = rows["sent"] = begin + every * np.arange(count)
    rows["end"], rows["ok"] = rows["intended"] + latency, 1
    for name, values in columns.items():
        rows[name] = values
    return rows


def told(level: LevelSummary, begin: float, **columns: Any) -> Samples:
    """A level's requests, half a second of warm-up before them, with the server's times in the usual shares."""
    took = level.p50
    server = {"queue": 0.3 * took, "batch": 0.1 * took, "compute": 0.4 * took, "total": 0.9 * took, "batch_size": 2.0}
    count = min(level.requests, 2000)
    rows = request_rows(count, took, begin=begin - 0.5, every=(level.seconds + 0.5) / count, **{**server, **columns})
    rows["end"] += np.linspace(0.0, level.p99.value - took, count) ** 2 / max(level.p99.value - took, 1e-9)
    return rows


def leave(study: Study, folder: Path, **columns: Any) -> Study:
    """Write samples for every launch of a study, and return it with its levels where the samples have them."""
    trials = tuple(
        one
        if one.measurement is None
        else _left(one, one.measurement, places.trial_folder(folder, one.number), columns)
        for one in study.trials
    )
    confirmations = tuple(
        _left(one, one.outcome, places.confirmation_folder(folder, one.round, one.trial), columns)
        if isinstance(one.outcome, Measurement)
        else one
        for one in study.confirmations
    )
    return replace(study, trials=trials, confirmations=confirmations)


def _left(one: Any, measured: Measurement, folder: Path, columns: dict[str, Any]) -> Any:
    at, levels, parts = 1000.0, [], []
    for level in measured.levels:
        levels.append(replace(level, opened=at + 0.5))
        parts.append(told(level, at + 0.5, **columns))
        at += level.seconds + 0.5
    folder.mkdir(parents=True)
    np.save(folder / places.SAMPLES, np.concatenate(parts))
    return replace(one, outcome=replace(measured, levels=tuple(levels)))
