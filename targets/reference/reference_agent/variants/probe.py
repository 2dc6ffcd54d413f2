"""Trying a model: one row goes in, and what comes out is compared with what the model before made of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from onnx import ModelProto

from reference_agent.errors import StartError
from reference_agent.inference.resources import Resources
from reference_agent.inference.session import Session, open_session
from reference_agent.variants.borrowing import first_line
from reference_agent.variants.graph import Graph, standard
from reference_agent.variants.rows import Input, Rows, Tensor, batches, inputs_of

LENGTHS = (16, 64, 224)
"""Tried for sizes that the model leaves free: some tokens, or the sides of a picture."""

SEED = 20261
Feeds = dict[str, Tensor]


def tried(model: ModelProto, rows: Rows, path: Path) -> tuple[Feeds, list[Tensor]]:
    """A row that the model answers with finite numbers, and the answer: of `rows` where there are any, else drawn."""
    session, failures = opened(model.SerializeToString(), path), []
    for feeds in _feeds(model, rows):
        try:
            return feeds, answers(session, feeds)
        except Exception as error:  # whatever the graph does with a row that it does not like
            failures.append(first_line(error))
    raise StartError(f"does not answer any row tried ({failures[0]}); give --calibration rows that it can take")


def compared(content: bytes, feeds: Feeds, answer: Sequence[Tensor], path: Path) -> float:
    """Load and run a variant, and return how far it is from that answer of its source."""
    try:
        found = answers(opened(content, path), feeds)
    except Exception as error:  # whatever the graph does, or does not let ONNX Runtime do
        raise StartError(f"its variant does not answer as the model does: {first_line(error)}") from None
    return difference(answer, found)


def opened(content: bytes, path: Path) -> Session:
    """A session on the CPU with one thread; StartError when ONNX Runtime cannot load the model."""
    session, _ = open_session(content, path, Resources())
    return session


def answers(session: Session, feeds: Feeds) -> list[Tensor]:
    """What a model makes of `feeds`; ValueError when that is no finite numbers."""
    found = [np.asarray(tensor) for tensor in session.run(None, feeds)]
    for output, tensor in zip(session.get_outputs(), found, strict=True):
        if tensor.dtype.kind not in "biuf":
            raise ValueError(f"{output.name} are no numbers")
        if not np.isfinite(tensor).all():
            raise ValueError(f"{output.name} has values that are not finite")
    return found


def difference(before: Sequence[Tensor], after: Sequence[Tensor]) -> float:
    """The largest difference of two answers; StartError when their shapes or types are not the same."""
    kinds = [[(tensor.shape, tensor.dtype.name) for tensor in answer] for answer in (before, after)]
    if kinds[0] != kinds[1]:
        raise StartError(f"its variant answers with {kinds[1]}, but the model with {kinds[0]}")
    pairs = zip(before, after, strict=True)
    return max(float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max(initial=0)) for a, b in pairs)


def _feeds(model: ModelProto, rows: Rows) -> Iterator[Feeds]:
    inputs = inputs_of(model)
    given = [entry for entry in inputs if entry.name in rows]
    first = next(batches(given, {entry.name: rows[entry.name][:1] for entry in given}, 1)) if given else {}
    if len(given) == len(inputs):
        yield first
        return
    graph, generator = Graph(model), np.random.default_rng(SEED)
    for length in LENGTHS:
        for zeros in (False, True):
            drawn = {entry.name: _drawn(entry, graph, length, None if zeros else generator) for entry in inputs}
            yield drawn | first


def _drawn(entry: Input, graph: Graph, length: int, generator: np.random.Generator | None) -> Tensor:
    """Numbers for one input: places in the table that it is looked up in, or of the usual sizes of its type."""
    if entry.shape is None:
        raise StartError(f"does not say the shape of its input {entry.name!r}; give --calibration rows")
    sizes = [size or (length if axis else 1) for axis, size in enumerate(entry.shape)]
    if generator is None:
        return np.zeros(sizes, entry.dtype)
    if entry.dtype.kind == "f":
        return generator.standard_normal(sizes).astype(entry.dtype)
    if entry.dtype.kind == "b" or entry.dtype.kind not in "iu":
        return np.ones(sizes, entry.dtype)
    tables = [
        graph.weights[use.node.input[0]].dims[0]
        for use in graph.uses[entry.name]
        if standard(use.node, "Gather") and use.index == 1 and use.node.input[0] in graph.weights
    ]
    high = min(tables, default=256 if entry.dtype.itemsize == 1 else 2)
    return generator.integers(min(1, high - 1), high, sizes).astype(entry.dtype)
