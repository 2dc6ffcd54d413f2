"""The user's rows and their labels, read from one .npz file and checked against the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reference_agent.agents.custom import MOST_BYTES
from reference_agent.agents.signature import Signature, Tensor
from reference_agent.errors import StartError
from reference_agent.evaluation.arrays import Array, arrays_of
from reference_agent.inference.model import DTYPES

LABELS = "labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Rows as the model takes them, each with its right answer where answers are known."""

    rows: Sequence[Array]
    answers: Sequence[str | int] | None

    @property
    def longest(self) -> int:
        """Elements of the longest row."""
        return max(row.size for row in self.rows)


def read_evaluation(path: Path, signature: Signature, longest: int | None) -> Evaluation:
    """Read rows for a model; `longest` is how many elements it reads at most, if it says so."""
    arrays = arrays_of(path)
    labels = None if signature.input.name == LABELS else arrays.pop(LABELS, None)
    try:
        rows = [_row(row, number, signature.input) for number, row in enumerate(_found(arrays, signature.input))]
        if not rows:
            raise StartError("holds no rows")
        if longest is not None and (size := max(row.size for row in rows)) > longest:
            raise StartError(f"has a row of {size} numbers, but the model's max_length is {longest}")
        return Evaluation(rows=rows, answers=None if labels is None else _answers(labels, len(rows), signature))
    except StartError as error:
        raise StartError(f"{path}: {error}") from None


def _found(arrays: Mapping[str, Array], wanted: Tensor) -> Sequence[Array]:
    """The rows among `arrays`: one array of them, or one array for each, `name/0007`."""
    names = sorted(arrays)
    single = next((name for name in names if name == wanted.name or len(names) == 1), None)
    if single is not None and not single.startswith(f"{wanted.name}/"):
        return list(arrays[single])
    strange = [name for name in names if name.rpartition("/")[0] != wanted.name]
    if strange or not names:
        raise StartError(
            f"holds {', '.join(names) or 'nothing'}, but rows are looked for in {wanted.name!r}, the model's input "
            f"(and their answers in {LABELS!r})"
        )
    return [arrays[name] for name in names]


def _row(row: Array, number: int, wanted: Tensor) -> Array:
    """One row in the numbers of the model, the same numbers as before."""
    dtype = np.dtype(DTYPES[wanted.datatype])
    # Texts, objects and truth values are no numbers; a float is no whole number, whatever its digits.
    if row.dtype.kind not in "iuf" or (row.dtype.kind == "f" and dtype.kind != "f"):
        raise StartError(f"its rows are {row.dtype}, but the model takes {wanted.datatype}")
    if len(row.shape) != len(wanted.shape) or any(
        size not in (None, given) for size, given in zip(wanted.shape, row.shape, strict=True)
    ):
        raise StartError(f"row {number} has the shape {list(row.shape)}, but the model takes {wanted}")
    if not row.size:
        raise StartError(f"row {number} is empty")
    with np.errstate(over="ignore"):
        same = row.astype(dtype)
    if dtype.kind == "f" and not np.isfinite(same).all():
        raise StartError(f"row {number} holds NaN or infinity")
    if dtype.kind != "f" and not np.array_equal(same, row):
        raise StartError(f"row {number} holds numbers outside {wanted.datatype}")
    if same.nbytes > MOST_BYTES:
        raise StartError(
            f"a row has {same.nbytes} bytes, but one request holds at most {MOST_BYTES}; export a model of smaller rows"
        )
    return same


def _answers(labels: Array, count: int, signature: Signature) -> Sequence[str | int]:
    """What the agent is to decide for each row: the label where the model names its classes, else the number."""
    if labels.shape != (count,):
        raise StartError(
            f"{LABELS!r} has the shape {list(labels.shape)}, but there are {count} rows: one label for each"
        )
    if labels.dtype.kind == "U":
        return _named(labels.tolist(), signature)
    if labels.dtype.kind not in "iu":
        raise StartError(
            f"{LABELS!r} are {labels.dtype}; give the number of its class for each row, from 0, or its name"
        )
    (classes,) = signature.output.shape
    names = signature.labels or range(classes or 0)
    numbers: list[int] = labels.tolist()
    for row, number in enumerate(numbers):
        if not 0 <= number < len(names):
            raise StartError(
                f"{LABELS!r} has {number} for row {row}, but the model's classes are 0 to {len(names) - 1}"
            )
    return [names[number] for number in numbers]


def _named(names: Sequence[str], signature: Signature) -> Sequence[str]:
    if not signature.labels:
        raise StartError(
            f"{LABELS!r} are names, but the model's metadata name no labels; give the number of the class for each row"
        )
    if strange := sorted(set(names) - set(signature.labels)):
        raise StartError(f"{LABELS!r} has {strange[0]!r}, but the model's labels are {', '.join(signature.labels)}")
    return names
