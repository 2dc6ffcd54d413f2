"""Small ONNX models with known answers, and what they answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def model(
    nodes: Sequence[NodeProto],
    weights: Mapping[str, Any],
    inputs: Mapping[str, tuple[int, list[int | str]]],
    output: str = "y",
    opset: int = 17,
) -> ModelProto:
    """A model that does not say the shape of its output; real weights are stored in fp32."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(output, FLOAT, None)],
        [numpy_helper.from_array(single(values), name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def single(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def rows_of(width: int, *more: int | str) -> dict[str, tuple[int, list[int | str]]]:
    """One input of rows with that many numbers."""
    return {"x": (FLOAT, ["batch", *more, width])}


def answer(made: ModelProto, **feeds: np.ndarray) -> np.ndarray:
    """What a model makes of its inputs, computed as it is written."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


def operators(made: ModelProto) -> list[str]:
    return [node.op_type for node in made.graph.node]


def shapes(made: ModelProto) -> dict[str, tuple[int, ...]]:
    return {tensor.name: tuple(tensor.dims) for tensor in made.graph.initializer}


def thin(generator: np.random.Generator, rows: int, columns: int, rank: int) -> np.ndarray:
    """A matrix of exactly that rank."""
    return generator.normal(size=(rows, rank)) @ generator.normal(size=(rank, columns))


def gelu(source: str, result: str) -> list[NodeProto]:
    """Gelu as torch's tracing exporter writes it, with the constants root, one and half."""
    return [
        helper.make_node("Div", [source, "root"], [f"{result}_scaled"]),
        helper.make_node("Erf", [f"{result}_scaled"], [f"{result}_erf"]),
        helper.make_node("Add", [f"{result}_erf", "one"], [f"{result}_raised"]),
        helper.make_node("Mul", [source, f"{result}_raised"], [f"{result}_twice"]),
        helper.make_node("Mul", [f"{result}_twice", "half"], [result]),
    ]


GELU = {"root": np.float32(np.sqrt(2)), "one": np.float32(1), "half": np.float32(0.5)}


def feed_forward(
    generator: np.random.Generator, width: int = 16, hidden: int = 64, dead: Sequence[int] = ()
) -> ModelProto:
    """y = LayerNormalization(x + Gelu(x A + a) B + b), where the `dead` units neither come from nor go anywhere."""
    weights = {
        "A": generator.normal(size=(width, hidden)),
        "a": generator.normal(size=hidden),
        "B": generator.normal(size=(hidden, width)),
        "b": generator.normal(size=width),
    }
    for unit in dead:
        weights["A"][:, unit] = weights["a"][unit] = weights["B"][unit] = 0.0
    nodes = [
        helper.make_node("MatMul", ["x", "A"], ["wide"], "widen"),
        helper.make_node("Add", ["a", "wide"], ["h"]),
        *gelu("h", "g"),
        helper.make_node("MatMul", ["g", "B"], ["narrow"], "narrow"),
        helper.make_node("Add", ["narrow", "b"], ["n"]),
        helper.make_node("Add", ["x", "n"], ["sum"]),
        helper.make_node("LayerNormalization", ["sum", "scale", "shift"], ["y"]),
    ]
    norm = {"scale": np.ones(width), "shift": np.zeros(width)}
    return model(nodes, weights | norm | GELU, rows_of(width, "length"))


def pictures(generator: np.random.Generator, channels: int = 24, normalised: bool = True) -> ModelProto:
    """Two convolutions with (BatchNormalization,) Clip and MaxPool between, then the mean of each map and a Gemm."""
    weights = {
        "K": generator.normal(size=(channels, 3, 3, 3)),
        "k": generator.normal(size=channels),
        "L": generator.normal(size=(16, channels, 3, 3)),
        "H": generator.normal(size=(4, 16)),
        "zero": np.float32(0),
        "six": np.float32(6),
        "gamma": generator.uniform(0.5, 1.5, channels),
        "beta": generator.normal(size=channels),
        "mean": generator.normal(size=channels),
        "variance": generator.uniform(0.5, 1.5, channels),
    }
    norm = helper.make_node("BatchNormalization", ["c", "gamma", "beta", "mean", "variance"], ["n"])
    nodes = [
        helper.make_node("Conv", ["x", "K", "k"], ["c"], "first", pads=[1, 1, 1, 1]),
        *([norm] if normalised else []),
        helper.make_node("Clip", ["n" if normalised else "c", "zero", "six"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p", "L"], ["d"], "second", strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["d"], ["s"]),
        helper.make_node("GlobalAveragePool", ["s"], ["m"]),
        helper.make_node("Flatten", ["m"], ["f"]),
        helper.make_node("Gemm", ["f", "H"], ["y"], "head", transB=1),
    ]
    used = {name for node in nodes for name in node.input}
    kept = {name: values for name, values in weights.items() if name in used}
    return model(nodes, kept, {"x": (FLOAT, ["batch", 3, 16, 16])})
