"""What a model takes, gives and was trained with, as plain numbers and names."""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TYPE_CODES = {"INT64": "q", "INT32": "i", "UINT8": "B", "FP32": "f"}
"""How Python's arrays call the datatypes of the Open Inference Protocol that are served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One tensor without its first axis, which is the batch; a size that may differ from row to row is None."""

    name: str
    datatype: str
    """As the Open Inference Protocol calls it."""
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in ("batch", *self.shape))
        return f"{self.name} {self.datatype} [{sizes}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """What a model file says of its tensors, whatever it was made for."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    batch: int | None
    """How many rows the inputs hold at once; None for any number."""

    def __str__(self) -> str:
        takes, gives = (", ".join(map(str, tensors)) or "nothing" for tensors in (self.inputs, self.outputs))
        return f"takes {takes} and returns {gives}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The tensors of one model, and what only its training knew: the names of its scores, and limits of what it reads.

    A row is computed from its elements in order; only a row of one axis may have any length.
    """

    input: Tensor
    output: Tensor
    labels: tuple[str, ...] = ()
    limits: Mapping[str, int]

    @property
    def longest(self) -> int:
        """Elements of the longest row that the model reads."""
        if None in self.input.shape:
            return self.limits["max_length"]
        return math.prod(size for size in self.input.shape if size is not None)

    @property
    def element_bytes(self) -> int:
        """Bytes of one element of a row."""
        return array(TYPE_CODES[self.input.datatype]).itemsize


def read_signature(written: Mapping[str, Any]) -> Signature:
    """Return the signature that was written as JSON."""
    tensors = {name: Tensor(**written[name] | {"shape": tuple(written[name]["shape"])}) for name in ("input", "output")}
    return Signature(**tensors, labels=tuple(written["labels"]), limits=written["limits"])
