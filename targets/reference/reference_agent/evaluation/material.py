"""Where the requests and the rows of an agent are: with the bundled ones, or made of the user's data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reference_agent.agents import BUNDLED
from reference_agent.errors import StartError
from reference_agent.evaluation.data import Evaluation, read_evaluation
from reference_agent.evaluation.parts import parts_of, written
from reference_agent.inference.model import Model

TRIED = 16
"""Rows that the model must answer before anything is measured on all of them."""
TOGETHER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Files that a study is about; those that come with the agents are relative to the target's folder."""

    requests: str
    """JSON lines to choose by, which the load is made of as well."""
    tests: str
    """JSON lines for the final test."""
    calibration: str
    """Rows in an .npz file; empty for those of the agent."""
    longest: int
    """Elements of the longest row; 0 where the model's metadata say what it reads."""
    notes: tuple[str, ...] = ()
    """For people."""


def bundled_material(agent: str) -> Material:
    """What comes with an agent."""
    return Material(
        requests=f"data/{agent}_validation.jsonl",
        tests=f"data/{agent}_test.jsonl",
        calibration="",
        longest=0,
    )


def own_material(model: Model, bounded: bool, data: Path, cache: Path) -> Material:
    """Make requests of the user's data; `bounded` is whether the model's metadata have a max_length."""
    signature = model.description.signature
    free = None in signature.input.shape
    evaluation = read_evaluation(data, signature, signature.longest if free and bounded else None)
    try:
        parts = parts_of(evaluation)
        _try(model, evaluation)
    except StartError as error:
        raise StartError(f"{data}: {error}") from None
    folder = written(evaluation, parts, signature, data, cache)
    known = "with labels" if evaluation.answers is not None else "without labels"
    return Material(
        requests=str(folder / "selection.jsonl"),
        tests=str(folder / "test.jsonl"),
        calibration=str(folder / "calibration.npz"),
        longest=evaluation.longest if free and not bounded else 0,
        notes=(f"{data.name}: {len(evaluation.rows)} rows {known}: {parts}",),
    )


def material(agent: str, model: Model, bounded: bool, data: str, cache: Path) -> Material:
    """What an agent is measured on; StartError when that is not known."""
    if agent in BUNDLED:
        if data:
            raise StartError(
                f"--data goes with a model of your own; the agent {agent!r} is measured on its own requests: "
                "leave --data out, or give --agent custom"
            )
        return bundled_material(agent)
    if not data:
        raise StartError(
            "--data is missing: the answers of a model of your own are checked on rows of yours; give --data an .npz "
            f"file with rows in the array {model.description.signature.input.name!r} and, if you have them, their "
            "classes in the array 'labels'"
        )
    return own_material(model, bounded, Path(data), cache)


def _try(model: Model, evaluation: Evaluation) -> None:
    """Compute some rows, so that data that the model cannot read are known before a study begins."""
    (classes,) = model.description.signature.output.shape
    for number, row in enumerate(evaluation.rows[:TRIED]):
        try:
            scores = model.run([row.tobytes()] * TOGETHER)
        except Exception as error:  # whatever the graph does
            reason = str(error).strip().splitlines()[0]
            raise StartError(f"the model cannot compute row {number} {TOGETHER} times at once: {reason}") from None
        if scores.shape != (TOGETHER, classes):
            raise StartError(
                f"the model answers {TOGETHER} rows with scores of shape {list(scores.shape)}, but {classes} for each "
                "were expected; export it with a free batch in all of its parts"
            )
        if not np.isfinite(scores).all():
            raise StartError(f"the model gives scores for row {number} that are not finite")
