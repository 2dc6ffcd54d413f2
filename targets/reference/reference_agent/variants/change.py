"""What a step made of a model, and whether that is anything."""

import hashlib
from collections import Counter
from dataclasses import dataclass

from onnx import ModelProto, numpy_helper

from reference_agent.errors import StartError
from reference_agent.variants.graph import all_graphs, all_nodes

Contents = tuple[Counter[tuple[str, str]], Counter[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A changed model."""

    model: ModelProto
    nodes: int
    """How many nodes of the model before are other ones now."""
    left: tuple[str, ...] = ()
    """What was left as it was, and why: one sentence each."""

    def after(self, before: "Change") -> "Change":
        """This change as one from the model before the change `before`; StartError when it changed nothing."""
        if contents(self.model) == contents(before.model):
            raise StartError("its operators and constants stay what they are, so the variant would be no other model")
        return Change(model=self.model, nodes=before.nodes + self.nodes, left=before.left + self.left)


def contents(model: ModelProto) -> Contents:
    """How often each operator occurs, and each constant by the hash of its values; equal when nothing was changed."""
    operators = Counter((node.domain, node.op_type) for node in all_nodes(model.graph))
    constants: Counter[str] = Counter()
    for tensor in (tensor for graph in all_graphs(model.graph) for tensor in graph.initializer):
        head = f"{tensor.data_type} {list(tensor.dims)} ".encode()
        constants[hashlib.sha256(head + numpy_helper.to_array(tensor).tobytes()).hexdigest()] += 1
    return operators, constants


def copied(model: ModelProto) -> ModelProto:
    """A model that can be changed without changing this one."""
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy
