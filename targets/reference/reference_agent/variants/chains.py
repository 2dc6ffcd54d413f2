"""Chains: a weight makes hidden units, each unit is worked on by itself, and other weights read all of them.

    MatMul or Gemm -> elementwise -> MatMul or Gemm...      units are the last axis
    Conv -> elementwise, pooling -> Conv...                 units are axis 1, the channels

Elementwise stands for any number of nodes in any order, so an activation that is exported as a piece of graph (Gelu as
Div, Erf, Add, Mul, Mul) needs no pattern of its own. Where a unit meets anything else (a residual sum, a normalisation
over units, a reshape, an output of the model) there is no chain.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from onnx import NodeProto

from reference_agent.variants.graph import Graph, Use, standard, whole

ACTIVATIONS = frozenset(
    {"Celu", "Clip", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "PRelu", "Relu", "Selu"}
    | {"Sigmoid", "Softplus", "Softsign", "Tanh", "ThresholdedRelu"}
)
ARITHMETIC = frozenset(
    {"Abs", "Add", "Cast", "Div", "Dropout", "Exp", "Identity", "Log", "Max", "Min", "Mul", "Neg", "Pow"}
    | {"Reciprocal", "Sqrt", "Sub"}
)
MICROSOFT = frozenset({"BiasGelu", "FastGelu", "Gelu", "QuickGelu"})
POOLING = frozenset({"AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LpPool", "MaxPool"})


@dataclass(frozen=True, slots=True)
class Cut:
    """A constant input of a node that has one entry for each unit."""

    node: NodeProto
    index: int
    axis: int
    """Where the units are, from the end: negative."""

    @property
    def name(self) -> str:
        """The constant's name."""
        return str(self.node.input[self.index])


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Hidden units and every constant that knows them."""

    units: int
    maker: Cut
    """The weight that makes the units."""
    between: tuple[Cut, ...]
    readers: tuple[Cut, ...]
    """The weights that read them."""
    tensors: frozenset[str]
    """What flows between them."""


def chains(graph: Graph) -> Iterator[Chain]:
    """Every chain of a graph, in the order of its nodes; two have no constant's axis in common."""
    for node in graph.proto.node:
        maker = _maker(graph, node)
        if maker is not None and (found := _follow(graph, maker)) is not None:
            yield found


def length(graph: Graph, cut: Cut) -> int:
    """How many units a constant has entries for."""
    return int(graph.weights[cut.name].dims[cut.axis])


def _maker(graph: Graph, node: NodeProto) -> Cut | None:
    """The weight of a node and its axis of outputs."""
    if standard(node, "MatMul") and graph.array(node.input[1], rank=2) is not None:
        return Cut(node, 1, -1)
    if standard(node, "Gemm") and graph.array(node.input[1], rank=2) is not None:
        return Cut(node, 1, -2 if whole(node, "transB", 0) else -1)
    return _kernel(graph, node, 0)


def _kernel(graph: Graph, node: NodeProto, axis: int) -> Cut | None:
    """The weight of a plain convolution: axis 0 are its outputs, axis 1 its inputs."""
    if not standard(node, "Conv") or whole(node, "group", 1) != 1:
        return None
    kernel = graph.array(node.input[1])
    return None if kernel is None else Cut(node, 1, axis - kernel.ndim)


def _reader(graph: Graph, use: Use, images: bool) -> Cut | None:
    """The weight that sums over all units, and its axis of inputs."""
    node = use.node
    if use.index != 0:
        return None
    if images:
        return _kernel(graph, node, 1)
    if standard(node, "MatMul") and graph.array(node.input[1], rank=2) is not None:
        return Cut(node, 1, -2)
    if standard(node, "Gemm") and not whole(node, "transA", 0) and graph.array(node.input[1], rank=2) is not None:
        return Cut(node, 1, -1 if whole(node, "transB", 0) else -2)
    return None


def _follow(graph: Graph, maker: Cut) -> Chain | None:
    """Walk from the units to all that reads them; None where a unit leaves its lane."""
    images = maker.node.op_type == "Conv"
    lane = maker.axis + 1 if images else -1  # the channels of a picture of rank r are at 1 - r
    units, first = length(graph, maker), maker.node.output[0]
    tensors, inner, readers = {first}, {}, []
    waiting = [first]
    while waiting:
        tensor = waiting.pop()
        if tensor in graph.fixed:
            return None
        for use in graph.uses[tensor]:
            if (reader := _reader(graph, use, images)) is not None:
                readers.append(reader)
            elif not _keeps_lanes(use, maker.node):
                return None
            elif (result := use.node.output[0]) not in tensors:
                tensors.add(result)
                inner[result] = use.node
                waiting.append(result)
    between = _between(graph, [maker.node, *inner.values()], tensors, units, lane)
    if between is None or not readers:
        return None
    return Chain(units=units, maker=maker, between=tuple(between), readers=tuple(readers), tensors=frozenset(tensors))


def _keeps_lanes(use: Use, maker: NodeProto) -> bool:
    """Whether a node that reads units works on each by itself."""
    node = use.node
    if sum(map(bool, node.output)) != 1:
        return False
    if standard(node, "BatchNormalization"):  # over axis 1: the last one behind a Gemm, whose result has two
        return use.index == 0 and maker.op_type in ("Conv", "Gemm")
    if standard(node, *POOLING):
        return maker.op_type == "Conv"
    return standard(node, *ACTIVATIONS, *ARITHMETIC) or (node.domain == "com.microsoft" and node.op_type in MICROSOFT)


def _between(graph: Graph, nodes: list[NodeProto], tensors: set[str], units: int, lane: int) -> list[Cut] | None:
    """The constants on the way that have an entry for each unit; None when something else comes in."""
    found = []
    for node in nodes:
        axis = -1 if standard(node, "Conv", "BatchNormalization") else lane
        for index, name in enumerate(node.input):
            # What goes into the weight that makes the units, and that weight, are no part of the way.
            if not name or name in tensors or (node is nodes[0] and index < 2):
                continue
            if name not in graph.weights:
                return None
            dims = graph.weights[name].dims
            if len(dims) < -axis or dims[axis] == 1:
                continue
            if dims[axis] != units or graph.array(name) is None:
                return None
            found.append(Cut(node, index, axis))
    return found
