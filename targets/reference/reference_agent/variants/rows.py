"""Rows of input: what a model takes, read from a file, and stacked in batches of one shape."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, ValueInfoProto, helper

from reference_agent.errors import StartError
from reference_agent.evaluation.arrays import arrays_of

Tensor = NDArray[np.generic]
Rows = Mapping[str, Sequence[Tensor]]
"""For each input its rows, without the axis of the batch; they may differ in length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A tensor that a model takes."""

    name: str
    dtype: np.dtype[np.generic]
    shape: tuple[int | None, ...] | None
    """None for a size that is free; None in all when the model does not say."""

    @property
    def batch(self) -> int | None:
        """How many rows there must be at once; None when that is free."""
        return self.shape[0] if self.shape else None


def inputs_of(model: ModelProto) -> list[Input]:
    """The tensors that a model takes with each request."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [_input(value) for value in model.graph.input if value.name not in weights]


def read_rows(path: Path, inputs: Sequence[Input]) -> Rows:
    """Read an .npz file: for each input one array of equal rows called as it is, or one for each row, `name/0007`."""
    arrays = arrays_of(path)
    known = {entry.name: entry for entry in inputs}
    rows: dict[str, list[Tensor]] = {}
    for key, array in arrays.items():
        name = key if key in known else key.rpartition("/")[0]
        if name not in known:
            raise StartError(f"{path}: holds rows of {key!r}, which is no input; the inputs are {', '.join(known)}")
        if not np.can_cast(array.dtype, known[name].dtype, "same_kind"):
            raise StartError(f"{path}: rows of {name!r} are {array.dtype}, but the model takes {known[name].dtype}")
        rows.setdefault(name, []).extend(array if key == name else [array])
    counts = {name: len(found) for name, found in rows.items()}
    if len(set(counts.values())) != 1 or not all(counts.values()):
        raise StartError(f"{path}: must hold as many rows for each input, at least one; it has {counts or 'none'}")
    return rows


def batches(inputs: Sequence[Input], rows: Rows, size: int) -> Iterator[dict[str, Tensor]]:
    """Stack rows of one shape, at most `size` of them: what is padded would have other numbers in it than what is not.

    Only a size that the model fixes is padded: a length with zeros, a batch with its last row.
    """
    fixed = next((entry.batch for entry in inputs if entry.batch is not None), None)
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for number in range(max(map(len, rows.values()), default=0)):
        shapes = tuple(_shape(entry, rows[entry.name][number]) for entry in inputs)
        groups.setdefault(shapes, []).append(number)
    for shapes, numbers in groups.items():
        for start in range(0, len(numbers), fixed or size):
            chosen = numbers[start : start + (fixed or size)]
            chosen += chosen[-1:] * ((fixed or 0) - len(chosen))
            yield {
                entry.name: _stacked([rows[entry.name][number] for number in chosen], shape, entry.dtype)
                for entry, shape in zip(inputs, shapes, strict=True)
            }


def _input(value: ValueInfoProto) -> Input:
    kind = value.type.tensor_type
    if not kind.elem_type:
        raise StartError(f"its input {value.name!r} is no tensor, so it cannot be tried")
    shape = None
    if kind.HasField("shape"):
        shape = tuple(size.dim_value if size.HasField("dim_value") else None for size in kind.shape.dim)
    return Input(name=value.name, dtype=helper.tensor_dtype_to_np_dtype(kind.elem_type), shape=shape)


def _shape(entry: Input, row: Tensor) -> tuple[int, ...]:
    """The shape that a row gets: its own but for what the model fixes."""
    if entry.shape is None:
        return row.shape
    wanted = entry.shape[1:]
    shape = tuple(found if size is None else size for size, found in zip(wanted, row.shape, strict=False))
    if len(wanted) != row.ndim or any(size < found for size, found in zip(shape, row.shape, strict=True)):
        takes = ", ".join("any" if size is None else str(size) for size in wanted)
        raise StartError(f"rows of {entry.name!r} have the shape {row.shape}, but the model takes ({takes})")
    return shape


def _stacked(rows: Sequence[Tensor], shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Tensor:
    stack = np.zeros((len(rows), *shape), dtype)
    for number, row in enumerate(rows):
        stack[number, ...][tuple(map(slice, row.shape))] = row
    return stack
