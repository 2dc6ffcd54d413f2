"""A study for other programs: `report.json`, as `tuner/report/document.py` describes it.

`python -m tuner.report.export_json` writes its JSON Schema again into `tuner/schemas/`.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import FloatSchema

from tuner.files import write_atomically
from tuner.report.advice import DoubtGroup
from tuner.report.detail import Detail, Where
from tuner.report.document import (
    About,
    Decision,
    Document,
    Explained,
    Gained,
    Judged,
    Mattered,
    Searched,
    Spent,
    Ties,
)
from tuner.report.effort import Effort
from tuner.report.rows import Row
from tuner.report.searched.gain import box, gains
from tuner.report.ties import least_difference
from tuner.report.verdict import Verdict
from tuner.schemas import DIALECT, REPORT
from tuner.search.importance import Importance
from tuner.study.judgement import criterion
from tuner.study.study import Study

_document = TypeAdapter(Document)


def report_document(
    study: Study,
    found: Verdict,
    table: tuple[Row, ...],
    doubts: tuple[DoubtGroup, ...],
    spent: Effort,
    more: Detail,
) -> dict[str, Any]:
    """Return everything that the report shows as one document, of what JSON has."""
    settings = study.settings
    document = Document(
        study=About(name=settings.name, started=study.started, seconds=study.seconds, command=study.command),
        settings=settings,
        machine=study.machine,
        placement=study.placement,
        noise=study.noise,
        ties=_ties(study),
        default=study.default,
        verdict=_decision(found),
        doubts=doubts,
        finalists=tuple(_explained(one) for one in more.finalists.where),
        search=_searched(study, more.searched.importances),
        effort=_spent(spent),
        trials=tuple(_judged(row) for row in table),
        confirmations=study.confirmations,
    )
    content: dict[str, Any] = _finite(_document.dump_python(document, mode="json"))
    return content


def schema() -> str:
    """Make the text of the JSON Schema."""
    made = _document.json_schema(schema_generator=_Finite, mode="serialization")
    return json.dumps({"$schema": DIALECT, **made, "title": "report.json"}, indent=1) + "\n"


class _Finite(GenerateJsonSchema):
    def float_schema(self, schema: FloatSchema) -> JsonSchemaValue:  # noqa: ARG002
        """Describe a number as `_finite` writes it."""
        return {"type": ["number", "string", "null"], "pattern": "^-?Infinity$"}


def _ties(study: Study) -> Ties:
    figure = criterion(study.settings.workload.loop).name
    return Ties(
        figure=figure,
        trials=least_difference(study, figure, 1),
        finalists=least_difference(study, figure, study.settings.rounds),
    )


def _decision(found: Verdict) -> Decision:
    return Decision(
        sentence=found.sentence,
        better=found.better,
        winner=found.winner.trial if found.winner else None,
        default=found.default.trial if found.default else None,
        chosen=found.chosen.trial if found.chosen else None,
        configuration=found.configuration,
        lost=found.lost,
        arrivals=found.arrivals,
        finalists=found.finalists,
    )


def _explained(one: Where) -> Explained:
    return Explained(
        trial=one.runs.trial,
        role=one.runs.role,
        launches=len(one.runs.launches),
        samples=len(one.runs.sampled),
        limit=one.sentence,
        time=one.breakdown,
    )


def _searched(study: Study, importances: tuple[Importance, ...]) -> Searched:
    return Searched(
        gains=tuple(
            Gained(trial=one.trial.number, hypervolume=one.share, improved=one.improved) for one in gains(study)
        ),
        reference=box(study).worst,
        importances=tuple(
            Mattered(
                objective=one.objective,
                shares=one.shares,
                trials=one.trials,
                best=one.best,
                low_confidence=one.low_confidence,
            )
            for one in importances
        ),
    )


def _spent(spent: Effort) -> Spent:
    return Spent(
        seconds=spent.seconds,
        launches=spent.launches,
        reused=spent.reused,
        between=spent.between,
        load_share=spent.load_share,
        phases=spent.phases,
    )


def _judged(row: Row) -> Judged:
    return Judged(
        number=row.trial.number,
        configuration=row.trial.configuration,
        outcome=row.trial.outcome,
        standing=row.standing,
        reason=row.reason,
        roles=row.roles,
        misses=row.misses,
        front=tuple(sorted(row.front)),
        ties_best=row.ties_best,
    )


def _finite(value: Any) -> Any:
    """Replace the numbers that JSON does not have."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    write_atomically(REPORT, schema())
