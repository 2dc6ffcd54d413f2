"""Which precision a model has, by what is in it."""

import math
from collections import Counter

from onnx import ModelProto, TensorProto

from reference_agent.errors import StartError
from reference_agent.inference.precision import Precision, quantized
from reference_agent.variants.graph import all_nodes

FOUR_BITS = frozenset({TensorProto.INT4, TensorProto.UINT4})


def found(model: ModelProto) -> Precision:
    """The precision that the operators and the constants of `model` show; StartError for one that has no name here."""
    if widths := _widths(model) - {4}:
        raise StartError(
            f"its MatMulNBits hold weights of {', '.join(map(str, sorted(widths)))} bits, and weights alone are known "
            "here in 4 bits only; give the model as it was before"
        )
    kinds = {node.op_type for node in all_nodes(model.graph)}
    numbers: Counter[int] = Counter()
    for tensor in model.graph.initializer:
        numbers[tensor.data_type] += math.prod(tensor.dims)
    if FOUR_BITS.intersection(numbers):
        return Precision.INT4
    if whole := quantized(kinds):
        return whole
    for narrow, precision in ((TensorProto.FLOAT16, Precision.FP16), (TensorProto.BFLOAT16, Precision.BF16)):
        if numbers[narrow] > numbers[TensorProto.FLOAT]:
            return precision
    return Precision.FP32


def _widths(model: ModelProto) -> set[int]:
    """How many bits a weight has where only the weights are quantized."""
    products = [node for node in all_nodes(model.graph) if node.op_type == "MatMulNBits"]
    return {attribute.i for node in products for attribute in node.attribute if attribute.name == "bits"}
