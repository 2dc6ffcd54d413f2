"""A study for other programs: `report.json`, version 4.

Seconds everywhere; a number that is infinite is the text "Infinity" or "-Infinity", one that
is not known is null.

    version        4
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
    search         gains (after each trial: trial, hypervolume as a share of the box from the reference to the best of
                   each objective, latencies by their logarithm, improved), reference (the worst of each objective among
                   the default and the trials within the limits; empty where there are none), importances (objective,
                   shares by knob, trials, best: how many of them are the best tenth, low_confidence)
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
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from tuner.report.advice import DoubtGroup
from tuner.report.detail import Detail, Where
from tuner.report.effort import Effort
from tuner.report.finalist import Finalist
from tuner.report.rows import Row
from tuner.report.searched.gain import box, gains
from tuner.report.ties import least_difference
from tuner.report.verdict import Verdict
from tuner.study.judgement import criterion
from tuner.study.study import Settings, Study
from tuner.study.trial import Confirmation, Trial

REPORT_VERSION = 4

_trial = TypeAdapter(Trial)
_confirmation = TypeAdapter(Confirmation)
_finalist = TypeAdapter(Finalist)
_settings = TypeAdapter(Settings)


def report_document(
    study: Study,
    found: Verdict,
    table: tuple[Row, ...],
    doubts: tuple[DoubtGroup, ...],
    spent: Effort,
    more: Detail,
) -> dict[str, Any]:
    """Return everything that the report shows as one document, of what JSON has."""
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
            "reference": box(study).worst,
            "importances": [{**asdict(one), "low_confidence": one.low_confidence} for one in more.searched.importances],
        },
        "effort": {**asdict(spent), "load_share": spent.load_share},
        "trials": [_judged(row) for row in table],
        "confirmations": [_confirmation.dump_python(one, mode="json") for one in study.confirmations],
    }
    return {key: _finite(value) for key, value in document.items()}


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
