"""int8 with scales found beforehand: QDQ, activations U8 and weights S8 per channel, the range of the calibration rows.

Quantized are products and convolutions with constant weights, and what only passes on the result of a convolution.
Everything else stays in fp32, because quantizing all that can be ruined the bundled model (59 % of its answers were
kept): a mask adds -10000 to some scores of attention, and then one step of the scale is 39.
"""

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import onnx
from onnx import ModelProto, NodeProto
from onnx.version_converter import convert_version

from reference_agent.errors import StartError
from reference_agent.variants.borrowing import borrowed
from reference_agent.variants.change import Change, copied
from reference_agent.variants.graph import STANDARD, Graph, standard
from reference_agent.variants.quantizing import PRODUCTS, narrowed, overflows, products
from reference_agent.variants.rows import Input, Rows, Tensor, batches, inputs_of

BATCH = 16
"""Calibration rows that are computed together."""

PER_CHANNEL = 13
"""The first version of ONNX's operators in which a scale can be one for each channel."""

NOTHING = "holds no MatMul, Gemm or Conv with constant weights, so there is nothing to quantize"
PASSING = ("Add", "AveragePool", "Clip", "Concat", "Flatten", "GlobalAveragePool", "MaxPool", "Relu")
"""Operators with an int8 kernel that keep the range of the convolution before them."""


class Reader:
    """Batches in the shape that ONNX Runtime's calibration asks for."""

    def __init__(self, feeds: Sequence[dict[str, Tensor]]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> dict[str, Tensor] | None:
        """The next batch; None after the last."""
        return next(self._feeds, None)


def static(model: ModelProto, rows: Rows) -> Change:
    """Write the weights of `model` in int8, and scales of activations that fit `rows`."""
    inputs = inputs_of(model)
    if reason := uncalibrated(inputs, rows):
        raise StartError(reason)
    feeds = [*batches(inputs, rows, BATCH)]
    with tempfile.TemporaryDirectory(prefix="int8-") as scratch, borrowed("the quantization to int8_static"):
        prepared = _prepared(model, Path(scratch))
        chosen = quantizable(prepared)
        if not chosen:
            raise StartError(NOTHING)
        changed = _quantized(prepared, chosen, Reader(feeds), Path(scratch) / "model.onnx")
    return Change(model=changed, nodes=len(chosen), left=_left(prepared, chosen) + narrowed())


def uncalibrated(inputs: Sequence[Input], known: Collection[str]) -> str | None:
    """Why there are no rows to calibrate with; None where there are some for each input."""
    missing = [entry.name for entry in inputs if entry.name not in known]
    if not missing:
        return None
    return f"int8_static needs rows of {', '.join(missing)} to find its scales; give --calibration an .npz file"


def quantizable(model: ModelProto) -> list[NodeProto]:
    """The nodes that int8_static changes."""
    graph = Graph(model)
    plain = {node.output[0] for node in products(graph) if _plain_bias(graph, node)}
    chosen, narrow = [], set[str]()
    for node in model.graph.node:
        if standard(node, *PRODUCTS):
            take = node.output[0] in plain
        elif standard(node, "Conv"):
            take = graph.array(node.input[1]) is not None
        else:
            moving = [name for name in node.input if name and name not in graph.weights]
            take = standard(node, *PASSING) and bool(moving) and narrow.issuperset(moving)
        if take:
            chosen.append(node)
            # The result of a product stays in fp32: as exact as int8_dynamic, and faster than rounding it again.
            narrow.update(() if standard(node, *PRODUCTS) else node.output)
    return chosen


def _plain_bias(graph: Graph, node: NodeProto) -> bool:
    """Whether a product adds nothing, or one constant a column: ONNX Runtime's tools write any other bias wrongly."""
    return len(node.input) < 3 or not node.input[2] or graph.array(node.input[2], rank=1) is not None


def _prepared(model: ModelProto, scratch: Path) -> ModelProto:
    """A copy whose operators know scales per channel, and whose convolutions contain the normalisations after them."""
    prepared = copied(model)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    if min(versions.get(domain, PER_CHANNEL) for domain in STANDARD) < PER_CHANNEL:
        prepared = convert_version(prepared, PER_CHANNEL)
    if not any(standard(node, "BatchNormalization") for node in model.graph.node):
        return prepared
    from onnxruntime.quantization.shape_inference import quant_pre_process  # type: ignore[import-untyped]

    quant_pre_process(prepared, scratch / "folded.onnx", skip_symbolic_shape=True)
    return onnx.load(scratch / "folded.onnx")


def _quantized(model: ModelProto, chosen: Sequence[NodeProto], reader: Reader, target: Path) -> ModelProto:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static  # type: ignore[import-untyped]

    quantize_static(
        model,
        target,
        reader,
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=overflows(),
        op_types_to_quantize=sorted({node.op_type for node in chosen}),
        nodes_to_quantize=[node.name for node in chosen],
        extra_options={"OpTypesToExcludeOutputQuantization": list(PRODUCTS)},
    )
    return onnx.load(target)


def _left(model: ModelProto, chosen: Sequence[NodeProto]) -> tuple[str, ...]:
    names = {node.name for node in chosen}
    others = [node.op_type for node in model.graph.node if node.name not in names]
    products = sum(kind in PRODUCTS for kind in others)
    reasons = (
        (products, "products without one constant matrix, such as those of two activations"),
        (
            others.count("Conv") + others.count("ConvTranspose"),
            "convolutions without constant weights or without an int8 kernel",
        ),
    )
    return tuple(f"{reason}: {count}" for count, reason in reasons if count)
