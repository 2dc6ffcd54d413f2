"""Custom: any classifier with one tensor of rows in and one row of scores out, such as a model of the user's own."""

import binascii
import json
import math
from array import array
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from reference_agent.agents.agent import Agent, Example, Scores, likeliest, object_with
from reference_agent.agents.signature import TYPE_CODES, Interface, Signature, Tensor
from reference_agent.errors import RequestError, StartError

LONGEST = 512
"""Elements of the longest row where rows have any length and the metadata no `max_length`."""
MOST_BYTES = 3 * ((1 << 18) - 256)
"""Of a row whose base64, with JSON around it, is no larger than the largest body that the server reads."""
SHOWN = 8
"""Elements of a row that people want to read."""


class Custom(Agent):
    """Rows as the model takes them; scores of classes, with the names that its metadata give them, if any."""

    name = "custom"

    def signature(self, interface: Interface, metadata: Mapping[str, str]) -> Signature:
        """Take what the model says of itself, or say how to export it otherwise."""
        given, gives = _only(interface)
        _check_input(given, interface.batch)
        labels = _labels(metadata)
        classes = _classes(gives, labels)
        limits = {"max_length": _longest(metadata)} if None in given.shape else {}
        output = Tensor(name=gives.name, datatype=gives.datatype, shape=(classes,))
        return Signature(input=given, output=output, labels=labels, limits=limits)

    def example(self, signature: Signature) -> Example:
        """Return a row, or that it can be sent as bytes, and a decision."""
        numbers = array(TYPE_CODES[signature.input.datatype], self.sample(signature)).tolist()
        row: Any = numbers
        if len(numbers) > SHOWN or len(signature.input.shape) > 1:
            row = f"base64 of {signature.input.datatype} {_sizes(signature)}, or these numbers in nested lists"
        return {"input": row}, {"decision": _named(signature, 0), "confidence": 0.97}

    def read(self, document: Any, signature: Signature) -> bytes:
        """Return the numbers of the document's row, which come in nested lists or as base64 of their bytes."""
        (given,) = object_with(document, "input", example='{"input": [1, 2, ...]}')
        row = _unpacked(given, signature) if isinstance(given, str) else _listed(given, signature)
        if None in signature.input.shape and not 0 < len(row) <= signature.longest:
            raise RequestError(400, f'"input" must hold 1 to {signature.longest} numbers, not {len(row)}')
        self.check(row, signature)
        return row.tobytes()

    def check(self, row: "array[Any]", signature: Signature) -> None:
        """Refuse what is no number."""
        if row.typecode == TYPE_CODES["FP32"] and not math.isfinite(sum(row)):
            raise RequestError(400, f"{signature.input.name} holds numbers that are not finite in 32 bits")

    def decide(self, scores: Scores, _document: Any, signature: Signature) -> dict[str, Any]:
        """Name the class with the highest score, by its label or its number."""
        names = signature.labels or range(len(scores))
        if min(scores) >= 0.0 and math.isclose(sum(scores), 1.0, abs_tol=1e-3):  # probabilities already
            highest = max(scores)
            return {"decision": names[scores.index(highest)], "confidence": round(highest, 6)}
        return likeliest(scores, names)

    def sample(self, signature: Signature) -> bytes:
        """Return the longest row, not all the same, of numbers that every table has."""
        code = TYPE_CODES[signature.input.datatype]
        step = 0.5 if code == TYPE_CODES["FP32"] else 1
        return array(code, [place % 2 * step for place in range(signature.longest)]).tobytes()

    def scored(self, _elements: int, signature: Signature) -> int:
        """One score for each class."""
        (classes,) = signature.output.shape
        assert classes is not None, "a model whose classes are not counted is refused"
        return classes


def _only(interface: Interface) -> tuple[Tensor, Tensor]:
    """The one input and the one output."""
    if len(interface.inputs) != 1 or len(interface.outputs) != 1:
        raise StartError(
            f"{interface}, but the agent 'custom' serves models with one input and one output; "
            "export it with the row as its only input and the scores as its only output"
        )
    return interface.inputs[0], interface.outputs[0]


def _check_input(given: Tensor, batch: int | None) -> None:
    if given.datatype not in TYPE_CODES:
        raise StartError(
            f"takes {given.name} as {given.datatype}, but what is served is {', '.join(TYPE_CODES)}; "
            "export it with one of these"
        )
    if batch is not None:
        raise StartError(
            f"{given.name} has the fixed batch size {batch}; export it with a free first axis, "
            "so that requests can be computed together"
        )
    if not given.shape:
        raise StartError(
            f"does not say that {given.name} has rows ([batch, size, ...]); export it with the shape of its input"
        )
    if None in given.shape and len(given.shape) > 1:
        raise StartError(
            f"takes {given}, but only rows of a single axis may have any length; export it with fixed sizes behind the "
            "batch"
        )


def _labels(metadata: Mapping[str, str]) -> tuple[str, ...]:
    if "labels" not in metadata:
        return ()
    try:
        named = json.loads(metadata["labels"])
    except ValueError:
        named = None
    if not isinstance(named, list):
        raise StartError("its metadata have labels that are no JSON list of names; remove or correct them")
    return tuple(map(str, named))


def _classes(gives: Tensor, labels: Sequence[str]) -> int:
    """How many scores a row gets."""
    if gives.datatype != "FP32" or len(gives.shape) != 1:
        raise StartError(
            f"returns {gives}, but a classifier returns FP32 scores [batch, classes]; export it with such an output"
        )
    (stated,) = gives.shape
    classes = stated or len(labels)
    if not classes:
        raise StartError(
            f"returns {gives} without saying how many scores; export it with that size fixed, or name the classes in "
            "its metadata as labels"
        )
    if labels and len(labels) != classes:
        raise StartError(f"its metadata name {len(labels)} labels, but it returns {classes} scores; correct the labels")
    if classes < 2:
        raise StartError(
            f"returns one score a row ({gives}), but a classifier has one for each of its classes, at least two"
        )
    return classes


def _longest(metadata: Mapping[str, str]) -> int:
    stated = metadata.get("max_length", str(LONGEST))
    if not stated.isdecimal() or not int(stated):
        raise StartError(f"its metadata have the max_length {stated!r}, which is no count; remove or correct it")
    return int(stated)


def _unpacked(text: str, signature: Signature) -> "array[Any]":
    """Read the bytes of a row, the lowest byte of each number first."""
    row = array(TYPE_CODES[signature.input.datatype])
    try:
        row.frombytes(b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        row = row[:0]
    if not row or (None not in signature.input.shape and len(row) != signature.longest):
        raise RequestError(
            400, f'"input" must be the base64 of {_sizes(signature)} {signature.input.datatype}, lowest bytes first'
        )
    return row


def _listed(given: Any, signature: Signature) -> "array[Any]":
    """Read numbers that are nested as the row is."""
    datatype = signature.input.datatype
    code = TYPE_CODES[datatype]
    kinds = (int, float) if datatype == "FP32" else (int,)
    try:
        values = _flat(given, signature.input.shape)
        if any(type(value) not in kinds for value in values):
            raise TypeError
        return array(code, values)
    except (TypeError, OverflowError):
        raise RequestError(400, f'"input" must be {datatype} numbers in lists of {_sizes(signature)}') from None


def _flat(given: Any, shape: Sequence[int | None]) -> list[Any]:
    """The numbers of nested lists; TypeError when they are not nested as `shape` is."""
    if not isinstance(given, list) or shape[0] not in (None, len(given)):
        raise TypeError
    return given if len(shape) == 1 else [value for part in given for value in _flat(part, shape[1:])]


def _sizes(signature: Signature) -> str:
    return " x ".join(f"1 to {signature.longest}" if size is None else str(size) for size in signature.input.shape)


def _named(signature: Signature, number: int) -> str | int:
    return signature.labels[number] if signature.labels else number
