"""A study for other programs: `report.json` and `trials.csv`.

`report.json`, version 4. Seconds everywhere; a number that is infinite is the text "Infinity" or "-Infinity", one that
is not known is null.

    version        3
    study          name, started, seconds, command
    settings       what was asked, as it was stored
    machine        the fingerprint
    placement      the cores of the server and of the load
    noise          what tuner doctor had found out about this machine, or null
    ties           from which ratio on the figure that decides (its name under figure) can be told apart between
                   trials and between finalists; null when the noise is not known
    default        the configuration that everything is compared with
    verdict        sentence, better; winner, default, chosen: trial numbers or null; configuration: what to serve;
                   lost: finalists of which every launch failed;
                   arrivals: the load of the open loop confirmed beside a closed one, or null;
                   finalists: trial, configuration, throughput and throughput_ratio, p99 and p99_ratio in the order of
                   settings.workload.loads, arrivals and arrivals_ratio (its p99; each an estimate: value, low, high,
                   repetitions), quality, objection, ties (the trials that noise does not tell it from)
    doubts         kind, meaning, advice, launches, remarks (where, trial, message)
    finalists      what the launches of each finalist show, in the order of verdict.finalists, or of the best trial and
                   the default where nothing was confirmed: trial, role, launches, samples (how many of them left their
                   samples), limit (a sentence: what limits it and what to try next), time (of the mean valid request
                   under the target load: requests that count of all that were valid, mean, parts with name, seconds
                   and share, untold: what the server does not tell, overlap: by how much the parts exceed the mean;
                   null without samples)
    search         gains (after each trial: trial, hypervolume as a share of the box between the worst and the best seen
                   of each objective, improved), importances (objective, shares by knob, trials, low_confidence)
    effort         seconds, launches, reused, between, load_share, phases (name, seconds, share, under_load)
    trials         number, configuration, outcome (a measurement with levels, quality, doubts and server_of, the trial
                   whose running server it took over, or null; or a failure with kind, reason and log_tail), standing,
                   reason, roles, misses (slo in seconds, quality as a share; at most zero is kept), front (the loads
                   at which it lies on the front, as indices into settings.workload.loads), ties_best (noise does not
                   tell it from the best trial within the limits)
    confirmations  trial, round, outcome

History. 1: first. 2: loads of either loop instead of users, and sequences in their order instead of maps by users;
placement, noise, ties, arrivals; levels with goodput, sessions and conditions. 3: quality instead of accuracy: its
basis (accuracy, or without labels agreement with the default's answers), correct, total, rows (which requests), change
(the paired difference to the default: value, low, high, p, gained, lost, total; or null) and under_load (correct,
total, before, p, changed, changed_in_batches, change; or null). 4: finalists and search.

`trials.csv` has one line per trial: seconds and shares as plain numbers, empty where nothing is known, `inf` where
requests failed. Columns of a level end in its load: `p99_at_32_users`, `p99_at_200_req_s`.
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
from tuner.report.detail import Detail, Where
from tuner.report.effort import Effort
from tuner.report.finalist import Finalist
from tuner.report.rows import Row
from tuner.report.searched.gain import gains
from tuner.report.text import amount, in_csv, show
from tuner.report.ties import least_difference
from tuner.report.verdict import Verdict
from tuner.study.judgement import criterion
from tuner.study.quality import Quality
from tuner.study.study import Settings, Study
from tuner.study.trial import Conditions, Confirmation, LevelSummary, Trial
from tuner.study.workload import Loop

REPORT_VERSION = 4

_trial = TypeAdapter(Trial)
_confirmation = TypeAdapter(Confirmation)
_finalist = TypeAdapter(Finalist)
_settings = TypeAdapter(Settings)

Cell = str | int | float | None

_LEVEL_COLUMNS = (
    "throughput",
    "goodput",
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
    "session_p99",
    "outside",
    "lag_p99",
    "lag_most",
    "lateness_p99",
    "load_cpu",
    "other_programs",
    "stolen",
    "throttled",
)

_UNITS = {Loop.CLOSED: "users", Loop.OPEN: "req_s"}


def report_json(
    study: Study,
    found: Verdict,
    table: tuple[Row, ...],
    doubts: tuple[DoubtGroup, ...],
    spent: Effort,
    more: Detail,
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
        "placement": asdict(study.placement),
        "noise": asdict(study.noise) if study.noise else None,
        "ties": _ties(study),
        "default": dict(study.default),
        "verdict": _verdict(found),
        "doubts": [asdict(group) for group in doubts],
        "finalists": [_where(one) for one in more.finalists.where],
        "search": {
            "gains": [
                {"trial": one.trial.number, "hypervolume": one.share, "improved": one.improved} for one in gains(study)
            ],
            "importances": [{**asdict(one), "low_confidence": one.low_confidence} for one in more.searched.importances],
        },
        "effort": {**asdict(spent), "load_share": spent.load_share},
        "trials": [_judged(row) for row in table],
        "confirmations": [_confirmation.dump_python(one, mode="json") for one in study.confirmations],
    }
    return json.dumps(_finite(document), indent=1, allow_nan=False) + "\n"


def _ties(study: Study) -> dict[str, Any]:
    figure = criterion(study.settings.workload.loop).name
    return {
        "figure": figure,
        "trials": least_difference(study, figure, 1),
        "finalists": least_difference(study, figure, study.settings.rounds),
    }


def _verdict(found: Verdict) -> dict[str, Any]:
    return {
        "sentence": found.sentence,
        "better": found.better,
        "winner": found.winner.trial if found.winner else None,
        "default": found.default.trial if found.default else None,
        "chosen": found.chosen.trial if found.chosen else None,
        "configuration": dict(found.configuration) if found.configuration is not None else None,
        "lost": list(found.lost),
        "arrivals": asdict(found.arrivals) if found.arrivals else None,
        "finalists": [_finalist.dump_python(finalist, mode="json") for finalist in found.finalists],
    }


def _where(one: Where) -> dict[str, Any]:
    return {
        "trial": one.runs.trial,
        "role": one.runs.role,
        "launches": len(one.runs.launches),
        "samples": len(one.runs.sampled),
        "limit": one.sentence,
        "time": asdict(one.breakdown) if one.breakdown else None,
    }


def _judged(row: Row) -> dict[str, Any]:
    return {
        **_trial.dump_python(row.trial, mode="json"),
        "standing": row.standing,
        "reason": row.reason,
        "roles": list(row.roles),
        "misses": dict(row.misses),
        "front": sorted(row.front),
        "ties_best": row.ties_best,
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
    loads = study.settings.workload.loads
    levels = [f"{name}_at_{amount(load)}_{_UNITS[load.loop]}" for load in loads for name in _LEVEL_COLUMNS]
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
    """Yield the columns that do not depend on the load; without a row only their names matter."""
    measured = row.measurement if row else None
    yield "trial", row.trial.number if row else None
    yield "standing", str(row.standing) if row else None
    yield "roles", " ".join(row.roles) if row else None
    yield "reason", row.reason if row else None
    for name in study.space.names:
        value = row.trial.configuration.get(name) if row else None
        yield f"knob.{name}", show(value) if isinstance(value, bool) else value
    yield from _quality(measured.quality if measured else None)
    yield "peak_memory_bytes", measured.peak_memory if measured else None
    yield "server_of", measured.server_of if measured else None
    yield "load_seconds", measured.load_seconds if measured else None
    yield "ties_best", show(row.ties_best) if row else None
    yield "doubts", "; ".join(sorted({doubt.kind for doubt in measured.doubts})) if measured else None


def _quality(found: Quality | None) -> Iterator[tuple[str, Cell]]:
    change, under = (found.change, found.under_load) if found else (None, None)
    yield "quality_is", str(found.basis) if found else None
    yield "quality", found.share if found else None
    yield "quality_change", change.value if change else None
    yield "quality_change_low", change.low if change else None
    yield "quality_change_high", change.high if change else None
    yield "quality_change_p", change.p if change else None
    yield "quality_under_load", under.share if under else None
    yield "quality_under_load_requests", under.total if under else None


def _level(level: LevelSummary) -> tuple[Cell, ...]:
    return (
        level.throughput,
        level.goodput,
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
        level.session_p99.value if level.session_p99 else None,
        level.outside,
        *_conditions(level.conditions),
    )


def _conditions(found: Conditions | None) -> tuple[Cell, ...]:
    if found is None:
        return (None,) * 7
    return (
        found.lag_p99,
        found.lag_most,
        found.lateness_p99,
        found.load_cpu,
        found.other_programs,
        found.stolen,
        found.throttled,
    )
