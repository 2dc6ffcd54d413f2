"""Low rank: a weight W becomes two thinner ones, W ≈ A B, wherever their two products are less work than the one.

By Eckart and Young (1936) the best A B of rank r keeps the r largest singular values of W = U S Vᵀ, and its squared
error is the sum of the squares of the others. r is the smallest rank that keeps `energy` of Σ sᵢ².
A k × k convolution becomes one of k × k with r channels and one of 1 × 1 (Zhang et al., 2015, arXiv:1505.06798).
"""

from collections.abc import Sequence

import numpy as np
from onnx import ModelProto, NodeProto, helper

from reference_agent.errors import StartError
from reference_agent.variants.change import Change, copied
from reference_agent.variants.graph import Array, Graph, real, standard, whole

WORTH = 0.9
"""Most of a weight's work that its two factors may take: measured here, they cost about a twelfth more than that."""

WIDTH = 8
"""Ranks are rounded up to multiples of this, the numbers that a processor multiplies at once."""

UNSPLIT = "holds no MatMul, Gemm or Conv with constant weights large enough to be cheaper as two"

Factors = tuple[Array, Array]


def low_rank(model: ModelProto, energy: float) -> Change:
    """Split the weights of `model` that become cheaper by keeping `energy` of their squared singular values."""
    changed = copied(model)
    graph = Graph(changed)
    known: dict[tuple[str, bool], Factors | None] = {}
    replacements: dict[str, Sequence[NodeProto]] = {}
    seen = 0
    for node in changed.graph.node:
        weight = matrix(graph, node)
        if weight is None:
            continue
        seen += 1
        key = node.input[1], bool(whole(node, "transB", 0))
        if key not in known:
            known[key] = factors(weight, energy)
        if (split := known[key]) is not None:
            replacements[node.output[0]] = _split(graph, node, *split)
    if not replacements:
        raise StartError(_reason(seen, energy))
    graph.replace(replacements)
    left = seen - len(replacements)
    return Change(
        model=changed,
        nodes=len(replacements),
        left=(f"{left} of {seen} weights would not become cheaper",) if left else (),
    )


def matrix(graph: Graph, node: NodeProto) -> Array | None:
    """The constant weight of a node as [inputs, outputs]; None when it has none that can be split."""
    if standard(node, "MatMul"):
        return graph.array(node.input[1], rank=2)
    if standard(node, "Gemm"):
        weight = graph.array(node.input[1], rank=2)
        return weight.T if weight is not None and whole(node, "transB", 0) else weight
    if standard(node, "Conv") and whole(node, "group", 1) == 1:
        kernel = graph.array(node.input[1])
        return None if kernel is None else kernel.reshape(len(kernel), -1).T
    return None


def factors(weight: Array, energy: float) -> Factors | None:
    """The two factors of `weight`, each with the root of the singular values; None when they save too little."""
    left, values, right = np.linalg.svd(weight, full_matrices=False)
    kept = rank(values, energy, max(weight.shape))
    if not saves(weight, kept):
        return None
    root = np.sqrt(values[:kept])
    return left[:, :kept] * root, root[:, None] * right[:kept]


def saves(weight: Array, kept: int) -> bool:
    """Whether a weight of i × o entries is more work than factors of i × r and r × o: i o against r (i + o)."""
    return kept * sum(weight.shape) <= WORTH * weight.size


def rank(values: Array, energy: float, size: int) -> int:
    """How many singular values keep `energy` of the sum of squares; never those that are rounding errors."""
    squares = np.square(values, dtype=np.float64)
    real_ones = int((values > values.max(initial=0) * size * np.finfo(np.float32).eps).sum())
    share = np.cumsum(squares) / max(squares.sum(), np.finfo(np.float64).tiny)
    enough = int(np.searchsorted(share, energy)) + 1
    return max(1, min(-(-enough // WIDTH) * WIDTH, real_ones))


def _split(graph: Graph, node: NodeProto, first: Array, second: Array) -> list[NodeProto]:
    """The nodes that stand for one node whose weight is `first` @ `second`."""
    source, middle, result = node.input[0], f"{node.output[0]}_low_rank", node.output[0]
    if node.op_type == "Conv":
        kernel = graph.array(node.input[1])
        assert kernel is not None
        first = first.T.reshape(-1, *kernel.shape[1:])
        second = second.T.reshape(len(kernel), -1, *[1] * (kernel.ndim - 2))
    if node.op_type == "Gemm":
        first = first * real(node, "alpha", 1.0)
    thin = graph.add(f"{node.input[1]}_first", first)
    wide = graph.add(f"{node.input[1]}_second", second)
    bias, names = node.input[2:], (f"{node.name}_first", f"{node.name}_second")
    if node.op_type == "Conv":
        spread = helper.make_node("Conv", [source, thin], [middle], names[0])
        spread.attribute.extend(node.attribute)
        return [spread, helper.make_node("Conv", [middle, wide, *bias], [result], names[1])]
    turned: list[NodeProto] = []
    if whole(node, "transA", 0):
        source = f"{node.output[0]}_turned"
        turned.append(helper.make_node("Transpose", [node.input[0]], [source], f"{node.name}_turned", perm=[1, 0]))
    return [
        *turned,
        helper.make_node("MatMul", [source, thin], [middle], names[0]),
        helper.make_node("Gemm", [middle, wide, *bias], [result], names[1], beta=real(node, "beta", 1.0))
        if any(bias)
        else helper.make_node("MatMul", [middle, wide], [result], names[1]),
    ]


def _reason(seen: int, energy: float) -> str:
    if not seen:
        return UNSPLIT
    return f"none of its {seen} weights is cheaper as two that keep {energy:g} of its energy; keep less of it"
