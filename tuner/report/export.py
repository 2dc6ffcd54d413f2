"""A study for other programs: `report.json` and `trials.csv`.

`report.json`, version 1. Seconds everywhere; a number that is infinite is the text "Infinity" or "-Infinity", one that
is not known is null.

    version        1
    study          name, started, seconds, command
    settings       what was asked, as it was stored
    machine        the fingerprint
    default        the configuration that everything is compared with
    verdict        sentence, better; winner, default, chosen: trial numbers or null; configuration: what to serve;
                   lost: finalists of which every launch failed;
                   finalists: trial, configuration, throughput, throughput_ratio, p99 and p99_ratio per concurrency
                   (each an estimate: value, low, high, repetitions), accuracy, objection
    doubts         kind, meaning, advice, launches, remarks (where, trial, message)
    effort         seconds, launches, between, load_share, phases (name, seconds, share, under_load)
    trials         number, configuration, outcome (a measurement with levels and doubts, or a failure with kind,
                   reason and log_tail), standing, reason, roles, misses (slo in seconds, accuracy as a share;
                   at most zero is kept), front (the concurrencies at which it lies on the front)
    confirmations  trial, round, outcome

History. 1: first.

`trials.csv` has one line per trial: seconds and shares as plain numbers, empty where nothing is known, `inf` where
requests failed.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from tuner.report.advice import DoubtGroup
from tuner.report.effort import Effort
from tuner.report.rows import Row
from tuner.report.text import in_csv, show
from tuner.report.verdict import Finalist, Verdict
from tuner.study.study import Settings, Study
from tuner.study.trial import Confirmation, LevelSummary, Trial

REPORT_VERSION = 1

_trial = TypeAdapter(Trial)
_confirmation = TypeAdapter(Confirmation)
_finalist = TypeAdapter(Finalist)
_settings = TypeAdapter(Settings)

Cell = str | int | float | None

_LEVEL_COLUMNS = (
    "throughput",
    "p50",
    "p90",
    "p95",
    "p99",
    "p99_low",
    "p99_high",
    "mean",
    "requests",
    "errors",
    "unfinished",
    "batch_size",
    "cpu_seconds_per_request",
)


def report_json(
    study: Study, found: Verdict, table: tuple[Row, ...], doubts: tuple[DoubtGroup, ...], spent: Effort
) -> str:
    """Write everything that the report shows as one JSON document."""
    document = {
        "version": REPORT_VERSION,
        "study": {
            "name": study.settings.name,
            "started": study.started,
            "seconds": study.seconds,
            "command": study.command,
        },
        "settings": _settings.dump_python(study.settings, mode="json"),
        "machine": asdict(study.machine),
        "default": dict(study.default),
        "verdict": _verdict(found),
        "doubts": [asdict(group) for group in doubts],
        "effort": {**asdict(spent), "load_share": spent.load_share},
        "trials": [_judged(row) for row in table],
        "confirmations": [_confirmation.dump_python(one, mode="json") for one in study.confirmations],
    }
    return json.dumps(_finite(document), indent=1, allow_nan=False) + "\n"


def _verdict(found: Verdict) -> dict[str, Any]:
    return {
        "sentence": found.sentence,
        "better": found.better,
        "winner": found.winner.trial if found.winner else None,
        "default": found.default.trial if found.default else None,
        "chosen": found.chosen.trial if found.chosen else None,
        "configuration": dict(found.configuration) if found.configuration is not None else None,
        "lost": list(found.lost),
        "finalists": [_finalist.dump_python(finalist, mode="json") for finalist in found.finalists],
    }


def _judged(row: Row) -> dict[str, Any]:
    return {
        **_trial.dump_python(row.trial, mode="json"),
        "standing": row.standing,
        "reason": row.reason,
        "roles": list(row.roles),
        "misses": dict(row.misses),
        "front": sorted(row.front),
    }


def _finite(value: Any) -> Any:
    """Replace the numbers that JSON does not have."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def trials_csv(study: Study, table: tuple[Row, ...]) -> str:
    """Write one line per trial."""
    users = study.settings.workload.users
    levels = [f"{name}_at_{count}" for count in users for name in _LEVEL_COLUMNS]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(in_csv(name) for name in (*dict(_cells(study, None)), *levels))
    for row in table:
        found = row.measurement.levels if row.measurement else ()
        measured = [cell for level in found for cell in _level(level)] or [None] * len(levels)
        writer.writerow(_written(cell) for cell in (*dict(_cells(study, row)).values(), *measured))
    return text.getvalue()


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    return in_csv(cell) if isinstance(cell, str) else repr(cell)


def _cells(study: Study, row: Row | None) -> Iterator[tuple[str, Cell]]:
    """Yield the columns that do not depend on the concurrency; without a row only their names matter."""
    measured = row.measurement if row else None
    yield "trial", row.trial.number if row else None
    yield "standing", str(row.standing) if row else None
    yield "roles", " ".join(row.roles) if row else None
    yield "reason", row.reason if row else None
    for name in study.space.names:
        value = row.trial.configuration.get(name) if row else None
        yield f"knob.{name}", show(value) if isinstance(value, bool) else value
    yield "accuracy", measured.accuracy.share if measured and measured.accuracy else None
    yield "peak_memory_bytes", measured.peak_memory if measured else None
    yield "load_seconds", measured.load_seconds if measured else None
    yield "doubts", "; ".join(sorted({doubt.kind for doubt in measured.doubts})) if measured else None


def _level(level: LevelSummary) -> tuple[Cell, ...]:
    return (
        level.throughput,
        level.p50,
        level.p90,
        level.p95,
        level.p99.value,
        level.p99.low,
        level.p99.high,
        level.mean,
        level.requests,
        level.errors,
        level.unfinished,
        level.batch_size,
        level.cpu_per_request,
    )
