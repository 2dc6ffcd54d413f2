"""A model's main graph as an index: who makes a tensor, who reads it, and which are constant."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

Array = NDArray[np.float32]
STANDARD = ("", "ai.onnx")
"""The names of the domain of ONNX's own operators."""


@dataclass(frozen=True, slots=True)
class Use:
    """A node that reads a tensor, and as which of its inputs."""

    node: NodeProto
    index: int


class Graph:
    """An index over the main graph of a model; edits go through it and keep the index's constants true."""

    def __init__(self, model: ModelProto) -> None:
        self.proto = model.graph
        self.weights: dict[str, TensorProto] = {tensor.name: tensor for tensor in self.proto.initializer}
        self.uses: dict[str, list[Use]] = defaultdict(list)
        self.fixed: set[str] = {value.name for value in self.proto.output}
        """Tensors that someone outside of the main graph reads: its outputs, and what inner graphs capture."""
        for node in self.proto.node:
            for index, name in enumerate(node.input):
                self.uses[name].append(Use(node, index))
            for inner in graphs_of(node):
                self.fixed |= _read_by(inner)

    def array(self, name: str, rank: int | None = None) -> Array | None:
        """The constant fp32 tensor called `name`, of that rank if one is given; None when it is anything else."""
        tensor = self.weights.get(name)
        if tensor is None or tensor.data_type != TensorProto.FLOAT or rank not in (None, len(tensor.dims)):
            return None
        found: Array = numpy_helper.to_array(tensor)
        return found

    def add(self, name: str, values: Array) -> str:
        """Add a constant, or find the equal one of that name, and return its name."""
        stored = np.ascontiguousarray(values, dtype=np.float32)
        while (known := self.weights.get(name)) is not None:
            if np.array_equal(numpy_helper.to_array(known), stored):
                return name
            name += "_"
        self.proto.initializer.append(numpy_helper.from_array(stored, name))
        self.weights[name] = self.proto.initializer[-1]
        return name

    def replace(self, replacements: Mapping[str, Sequence[NodeProto]]) -> None:
        """Put other nodes in the places of those whose first outputs are named, and drop what nobody reads then."""
        nodes = [new for node in self.proto.node for new in replacements.get(_key(node), (node,))]
        del self.proto.node[:]
        self.proto.node.extend(nodes)
        self.drop_unread()

    def drop_unread(self) -> None:
        """Remove constants that nobody reads."""
        read = self.fixed | {name for node in self.proto.node for name in node.input}
        kept = [tensor for tensor in self.proto.initializer if tensor.name in read]
        del self.proto.initializer[:]
        self.proto.initializer.extend(kept)


def attributes(node: NodeProto) -> dict[str, AttributeProto]:
    """The attributes of a node by name."""
    return {attribute.name: attribute for attribute in node.attribute}


def whole(node: NodeProto, name: str, default: int) -> int:
    """A node's attribute that is a whole number."""
    attribute = attributes(node).get(name)
    return default if attribute is None else attribute.i


def real(node: NodeProto, name: str, default: float) -> float:
    """A node's attribute that is a real number."""
    attribute = attributes(node).get(name)
    return default if attribute is None else attribute.f


def standard(node: NodeProto, *kinds: str) -> bool:
    """Whether a node is one of these operators of ONNX itself."""
    return node.op_type in kinds and node.domain in STANDARD


def graphs_of(node: NodeProto) -> list[GraphProto]:
    """The graphs inside a node: the branches of an If, the body of a Loop."""
    single = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return single + [graph for attribute in node.attribute for graph in attribute.graphs]


def all_graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph and those inside its nodes."""
    yield graph
    for node in graph.node:
        for inner in graphs_of(node):
            yield from all_graphs(inner)


def all_nodes(graph: GraphProto) -> Iterator[NodeProto]:
    """The nodes of a graph and of those inside it."""
    return (node for inner in all_graphs(graph) for node in inner.node)


def _key(node: NodeProto) -> str:
    return next(iter(node.output), "")


def _read_by(graph: GraphProto) -> set[str]:
    return {name for node in all_nodes(graph) for name in node.input} | {value.name for value in graph.output}
