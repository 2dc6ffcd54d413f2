"""One shape for the same thing: constants as initializers, names for nodes, no functions; nothing computed changes."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, inliner, numpy_helper

from reference_agent.variants.change import copied
from reference_agent.variants.graph import Graph, attributes, standard

FIRST_FREE = 4
"""The first version of ONNX's format in which an initializer need not be an input too."""

_NUMBERS = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}


def tidied(model: ModelProto) -> ModelProto:
    """A copy in which every constant is an initializer, every node has a name of its own, and no function is called.

    Exporters write a weight as an initializer, as a Constant, or as the Identity or Transpose of either.
    """
    tidy: ModelProto = inliner.inline_local_functions(model) if model.functions else copied(model)
    _free_inputs(tidy)
    _gather_constants(tidy)
    _name_nodes(tidy)
    return tidy


def _free_inputs(model: ModelProto) -> None:
    """Take initializers off the list of inputs: nobody sends weights with a request."""
    weights = {tensor.name for tensor in model.graph.initializer}
    kept = [value for value in model.graph.input if value.name not in weights]
    if len(kept) < len(model.graph.input):
        del model.graph.input[:]
        model.graph.input.extend(kept)
        model.ir_version = max(model.ir_version, FIRST_FREE)


def _gather_constants(model: ModelProto) -> None:
    graph, kept = Graph(model), []
    same: dict[str, str] = {}
    for node in model.graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
        made = None if graph.fixed.intersection(node.output) else _made(node, graph)
        if made is None:
            kept.append(node)
        elif isinstance(made, str):
            same[node.output[0]] = made
        else:
            model.graph.initializer.append(numpy_helper.from_array(made, node.output[0]))
            graph.weights[node.output[0]] = model.graph.initializer[-1]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    graph.drop_unread()


def _made(node: NodeProto, graph: Graph) -> NDArray[np.generic] | str | None:
    """What a node always makes: values, or the name of the constant that it passes on; None if that depends."""
    if standard(node, "Constant"):
        return _constant(node)
    source = graph.weights.get(node.input[0]) if standard(node, "Identity", "Transpose") else None
    if source is None:
        return None
    if node.op_type == "Identity":
        return source.name
    turned = attributes(node).get("perm")
    return numpy_helper.to_array(source).transpose(turned.ints if turned else None)


def _constant(node: NodeProto) -> NDArray[np.generic] | None:
    attribute = node.attribute[0]
    value = helper.get_attribute_value(attribute)
    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    return np.array(value, _NUMBERS[attribute.name]) if attribute.name in _NUMBERS else None


def _name_nodes(model: ModelProto) -> None:
    """Name the nodes that have no name or one that others have too: the quantizers choose nodes by name."""
    names = Counter(node.name for node in model.graph.node)
    for number, node in enumerate(model.graph.node):
        if not node.name or names[node.name] > 1:
            node.name = f"{node.op_type}_{number}_of_{len(model.graph.node)}"
