"""fp16: weights and activations in half, by ONNX Runtime's own converter; inputs and outputs stay as they are."""

import numpy as np
from onnx import ModelProto, TensorProto

from reference_agent.errors import StartError
from reference_agent.variants.borrowing import borrowed
from reference_agent.variants.change import Change, copied
from reference_agent.variants.graph import Graph, all_nodes, standard

WEIGHING = ("Conv", "ConvTranspose", "Gather", "Gemm", "LayerNormalization", "MatMul")
"""Operators whose constants are weights."""

LARGEST = float(np.finfo(np.float16).max)
"""65504; the converter cuts off without a word what is larger."""


def halved(model: ModelProto) -> Change:
    """Convert `model` to fp16 wherever ONNX Runtime can compute in it."""
    if reason := unfit(model):
        raise StartError(reason)
    with borrowed("the conversion to fp16"):
        from onnxruntime.quantization.onnx_model import ONNXModel  # type: ignore[import-untyped]
        from onnxruntime.transformers.float16 import convert_float_to_float16  # type: ignore[import-untyped]

        half = ONNXModel(convert_float_to_float16(copied(model), keep_io_types=True))
        half.topological_sort()
    changed: ModelProto = half.model
    halves = {tensor.name for tensor in changed.graph.initializer if tensor.data_type == TensorProto.FLOAT16}
    return Change(model=changed, nodes=sum(not halves.isdisjoint(node.input) for node in all_nodes(changed.graph)))


def unfit(model: ModelProto) -> str | None:
    """Why `model` cannot be stored in fp16; None when it can. A mask's -1e9 is no weight and still masks."""
    graph = Graph(model)
    if not any(tensor.data_type == TensorProto.FLOAT for tensor in graph.weights.values()):
        return "holds no fp32 constants, so there is nothing to store in fp16"
    names = {name for node in graph.proto.node if standard(node, *WEIGHING) for name in node.input}
    for name in sorted(names):
        values = graph.array(name)
        if values is not None and (largest := np.abs(values).max(initial=0)) > LARGEST:
            return f"its weight {name!r} reaches {largest:.3g}, and fp16 ends at {LARGEST:g}"
    return None
