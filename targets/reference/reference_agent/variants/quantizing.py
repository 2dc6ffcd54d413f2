"""Quantization without data, by ONNX Runtime's own tools: int8 with scales found while serving, int4 of the weights."""

import importlib.util
import platform
import tempfile
from collections import Counter
from pathlib import Path

import onnx
from onnx import ModelProto, NodeProto

from reference_agent.errors import StartError
from reference_agent.variants.borrowing import borrowed
from reference_agent.variants.change import Change, copied
from reference_agent.variants.graph import Graph, real, standard, whole

PRODUCTS = ("MatMul", "Gemm")

LEAST = 0.1
"""Of the weights that a model multiplies with: where fewer are quantized, the variant is hardly another model."""

BLOCK = 32
"""Weights of int4 that share a scale."""

COMPUTED_IN = 4
"""MatMulNBits multiplies in int8 at this accuracy level; 0 would be fp32."""

PACKAGE = "onnx_ir"
"""What ONNX Runtime's int4 tool imports beyond its own dependencies."""

CPU_FACTS = Path("/proc/cpuinfo")


def dynamic(model: ModelProto) -> Change:
    """Write the products with constant weights in int8: weights per channel, activations scaled as they come.

    Only products of matrices: ConvInteger made a network of convolutions five times slower (measured).
    """
    if reason := pointless(model):
        raise StartError(reason)
    with tempfile.TemporaryDirectory(prefix="int8-") as scratch, borrowed("the quantization to int8_dynamic"):
        from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]

        target = Path(scratch) / "model.onnx"
        quantize_dynamic(
            copied(model),
            target,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            reduce_range=overflows(),
            nodes_to_exclude=[node.name for node in _others(model)],
        )
        changed = onnx.load(target)
    nodes = sum(node.op_type == "MatMulInteger" for node in changed.graph.node)
    return Change(model=changed, nodes=nodes, left=_left(model, "are slower in this way than in fp32") + narrowed())


def four_bits(model: ModelProto) -> Change:
    """Store the weights of products of matrices in int4, one scale and one zero point for each block of 32."""
    if reason := pointless(model) or int4_lacks():
        raise StartError(reason)
    with borrowed("the quantization to int4"):
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer  # type: ignore[import-untyped]
        from onnxruntime.quantization.onnx_model import ONNXModel  # type: ignore[import-untyped]

        products = ONNXModel(copied(model))
        products.replace_gemm_with_matmul()
        quantizer = MatMulNBitsQuantizer(products.model, bits=4, block_size=BLOCK, accuracy_level=COMPUTED_IN)
        quantizer.process()
        changed: ModelProto = quantizer.model.model
    nodes = sum(node.op_type == "MatMulNBits" for node in changed.graph.node)
    return Change(model=changed, nodes=nodes, left=_left(model, "have no int4 kernel"))


def products(graph: Graph) -> list[NodeProto]:
    """The products with one constant matrix: MatMul, and what of Gemm ONNX Runtime's tools write as MatMul and Add."""
    return [
        node
        for node in graph.proto.node
        if standard(node, *PRODUCTS)
        and graph.array(node.input[1], rank=2) is not None
        and (whole(node, "transA", 0), real(node, "alpha", 1.0), real(node, "beta", 1.0)) == (0, 1.0, 1.0)
    ]


def pointless(model: ModelProto) -> str | None:
    """Why int8_dynamic and int4, which change products of matrices only, are not worth it; None where they are."""
    graph, sizes = Graph(model), Counter[str]()
    for kind, nodes in (
        ("product", products(graph)),
        ("convolution", [node for node in model.graph.node if standard(node, "Conv")]),
    ):
        weights = (graph.array(node.input[1]) for node in nodes)
        sizes[kind] = sum(weight.size for weight in weights if weight is not None)
    if not sizes["product"]:
        return "holds no MatMul or Gemm with constant weights, so there is nothing to quantize" + (
            "; its Conv need int8_static" if sizes["convolution"] else ""
        )
    if (share := sizes["product"] / sizes.total()) < LEAST:
        return f"only {share:.0%} of its weights are in MatMul or Gemm, the others in Conv, which need int8_static"
    return None


def int4_lacks() -> str | None:
    """Why int4 cannot be made on this machine; None where it can."""
    return None if importlib.util.find_spec(PACKAGE) else f"int4 needs the package {PACKAGE}; pip install {PACKAGE}"


def overflows() -> bool:
    """Whether sums of two int8 products overflow here: on x86 without VNNI, where weights must do with 7 bits."""
    if platform.machine() not in ("x86_64", "AMD64") or not CPU_FACTS.exists():
        return False
    return "vnni" not in CPU_FACTS.read_text(encoding="utf-8")


def narrowed() -> tuple[str, ...]:
    """What `overflows` led to."""
    return ("this processor has no VNNI, so weights have 7 bits of 8",) if overflows() else ()


def _others(model: ModelProto) -> list[NodeProto]:
    """The products that stay as they are."""
    known = {node.name for node in products(Graph(model))}
    return [node for node in model.graph.node if standard(node, *PRODUCTS) and node.name not in known]


def _left(model: ModelProto, why_not_convolutions: str) -> tuple[str, ...]:
    """Which nodes that multiply stay in fp32, and why."""
    convolutions = sum(standard(node, "Conv", "ConvTranspose") for node in model.graph.node)
    reasons = (
        (len(_others(model)), "products without one constant matrix, such as those of two activations"),
        (convolutions, f"convolutions, which {why_not_convolutions}"),
    )
    return tuple(f"{reason}: {count}" for count, reason in reasons if count)
