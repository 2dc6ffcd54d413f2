"""The two models that servers are compared with, the requests they get, and what they must answer."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

REPOSITORY = Path(__file__).resolve().parents[2]
ENCODER = REPOSITORY / "targets" / "reference" / "models" / "search.onnx"
"""The bundled model: 2.4 million parameters, 9.7 MB, about 3 ms a row of 64 tokens."""
INPUT, OUTPUT = "input_ids", "logits"
LENGTHS = {ENCODER: 64}
"""Tokens of a request where they are not 32: the longest that the encoder reads. One length, so that nobody pads."""
ROWS = 64
"""Different requests; a server that keeps answers would have to keep all of them."""

_WORDS, _LABELS = 3072, 24
_WIDTH, _WIDER, _BLOCKS = 96, 384, 2
_RESERVED = 2

Numbers = npt.NDArray[np.float32]
Tokens = npt.NDArray[np.int64]


def requests(model: Path) -> Tokens:
    """Return the requests for a model, one a row; the same in every run."""
    return np.random.default_rng(20261).integers(_RESERVED, _WORDS, (ROWS, LENGTHS.get(model, 32)))


@cache
def answers(model: Path) -> Numbers:
    """Return what the model answers to each request when it is alone in its batch."""
    session = open_session(model)
    alone: list[Numbers] = [session.run([OUTPUT], {INPUT: row[None, :]})[0] for row in requests(model)]
    return np.concatenate(alone)


def agree(answer: object, expected: Numbers) -> bool:
    """Tell whether an answer is right: the same decision, scores apart by no more than a batch's order of sums."""
    scores = np.asarray(answer, dtype=np.float32)
    same = scores.shape == expected.shape and np.allclose(scores, expected, rtol=1e-3, atol=1e-3)
    return same and int(scores.argmax()) == int(expected.argmax())


def open_session(model: Path) -> ort.InferenceSession:
    """Open a model as every server here does: one thread, which cannot spin, on the CPU."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def write_small(folder: Path) -> Path:
    """Write a model of about 0.1 ms a row: words, two blocks that widen and narrow, the mean, a head."""
    return _write(folder / "small.onnx", _nodes(), _weights(), 64)


def _write(path: Path, nodes: Sequence[onnx.NodeProto], weights: Sequence[onnx.TensorProto], longest: int) -> Path:
    """Write a model of tokens, with the facts that our server reads."""
    words = helper.make_tensor_value_info(INPUT, TensorProto.INT64, ["batch", "length"])
    scores = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", _LABELS])
    graph = helper.make_graph(nodes, path.stem, [words], [scores], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    facts = {"agent": "search", "precision": "fp32", "vocabulary": str(_WORDS), "max_length": str(longest)}
    labels = [f"label {number}" for number in range(_LABELS)]
    helper.set_model_props(model, facts | {"labels": json.dumps(labels)})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def write_by_length(folder: Path, longest: int) -> Path:
    """Write a model that takes about 0.15 ms a token: every token goes through two wide layers."""
    width = 1024
    names = ("words", "first", "second", "head")
    shapes = ((_WORDS, width // 16), (width // 16, width), (width, width), (width, _LABELS))
    generator = np.random.default_rng(7)
    weights = [
        numpy_helper.from_array((generator.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32), name)
        for name, shape in zip(names, shapes, strict=True)
    ]
    node = helper.make_node
    nodes = [
        node("Gather", ["words", INPUT], ["kept"]),
        node("MatMul", ["kept", "first"], ["wide"]),
        node("Relu", ["wide"], ["bent"]),
        node("MatMul", ["bent", "second"], ["wider"]),
        node("Relu", ["wider"], ["again"]),
        node("ReduceMean", ["again"], ["mean"], axes=[1], keepdims=0),
        node("MatMul", ["mean", "head"], [OUTPUT]),
    ]
    return _write(folder / "by-length.onnx", nodes, weights, longest)


def _nodes() -> list[onnx.NodeProto]:
    node = helper.make_node
    nodes = [node("Gather", ["words", INPUT], ["kept_0"])]
    for block in range(_BLOCKS):
        nodes += [
            node("MatMul", [f"kept_{block}", f"widen_{block}"], [f"wide_{block}"]),
            node("Relu", [f"wide_{block}"], [f"bent_{block}"]),
            node("MatMul", [f"bent_{block}", f"narrow_{block}"], [f"added_{block}"]),
            node("Add", [f"kept_{block}", f"added_{block}"], [f"kept_{block + 1}"]),
        ]
    mean = node("ReduceMean", [f"kept_{_BLOCKS}"], ["mean"], axes=[1], keepdims=0)
    return [*nodes, mean, node("MatMul", ["mean", "head"], [OUTPUT])]


def _weights() -> list[onnx.TensorProto]:
    shapes = {"words": (_WORDS, _WIDTH), "head": (_WIDTH, _LABELS)}
    for block in range(_BLOCKS):
        shapes |= {f"widen_{block}": (_WIDTH, _WIDER), f"narrow_{block}": (_WIDER, _WIDTH)}
    generator = np.random.default_rng(7)
    scaled = {name: generator.standard_normal(shape) / np.sqrt(shape[0]) for name, shape in shapes.items()}
    scaled["words"] *= np.sqrt(_WORDS)  # looked up, not multiplied: of the size that the blocks expect
    return [numpy_helper.from_array(weight.astype(np.float32), name) for name, weight in scaled.items()]
