"""Structured pruning: units that add nothing leave no trace, and no unit is removed that something else knows."""

import numpy as np
import pytest
from onnx import helper
from reference_agent.errors import StartError
from reference_agent.variants.chains import chains
from reference_agent.variants.graph import Graph
from reference_agent.variants.pruning import best, pruned, rounded
from variant_graphs import FLOAT, GELU, answer, feed_forward, gelu, model, pictures, rows_of, shapes

GENERATOR = np.random.default_rng(7)
SIXTEEN = {"A": GENERATOR.normal(size=(8, 16)), "B": GENERATOR.normal(size=(16, 8)), "bias": GENERATOR.normal(size=16)}


@pytest.fixture
def generator() -> np.random.Generator:
    """The same numbers in every test, whichever others run."""
    return np.random.default_rng(7)


@pytest.mark.parametrize(
    ("units", "keep", "left"),
    [(64, 0.75, 48), (64, 1.0, 64), (100, 0.75, 72), (64, 0.01, 8), (8, 0.1, 8), (5, 0.5, 5), (768, 0.5, 384)],
)
def test_what_is_left_is_a_multiple_of_eight(units: int, keep: float, left: int):
    assert rounded(units, keep) == left


def test_units_without_weight_leave_no_trace(generator: np.random.Generator):
    dead = [0, 1, 2, 13, 14, 31, 32, 40, 41, 42, 50, 51, 60, 61, 62, 63]
    base = feed_forward(generator, hidden=64, dead=dead)
    change = pruned(base, 0.75)
    assert {name: shape for name, shape in shapes(change.model).items() if "pruned" in name} == {
        "A_pruned": (16, 48),
        "a_pruned": (48,),
        "B_pruned": (48, 16),
    }
    row = generator.normal(size=(2, 3, 16)).astype(np.float32)
    assert answer(change.model, x=row) == pytest.approx(answer(base, x=row), abs=1e-6)
    assert change.nodes == 3
    assert shapes(base)["A"] == (16, 64), "the model before is not touched"


@pytest.mark.parametrize("normalised", [False, True])
def test_channels_without_weight_leave_no_trace(normalised: bool, generator: np.random.Generator):
    base = pictures(generator, channels=24, normalised=normalised)
    graph = Graph(base)
    dead = [0, 3, 7, 8, 12, 20, 21, 23]
    for name in ("K", "k") if not normalised else ("gamma", "beta"):
        values = graph.array(name).copy()
        values[dead] = 0.0
        graph.weights[name].raw_data = values.tobytes()
    changed = pruned(base, 0.667).model
    assert shapes(changed)["K_pruned"] == (16, 3, 3, 3)
    assert shapes(changed)["L_pruned"] == (16, 16, 3, 3)
    if normalised:
        assert shapes(changed)["variance_pruned"] == (16,)
    picture = generator.normal(size=(2, 3, 16, 16)).astype(np.float32)
    assert answer(changed, x=picture) == pytest.approx(answer(base, x=picture), abs=1e-4)


def test_the_units_with_the_smallest_product_of_norms_go():
    weights = {"A": np.ones((4, 24)), "B": np.ones((24, 4))}
    weights["A"][:, ::3] *= 10.0  # strong on the way in, weak on the way out
    weights["B"][::3] *= 0.01
    nodes = [
        helper.make_node("MatMul", ["x", "A"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "B"], ["y"]),
    ]
    changed = pruned(model(nodes, weights, rows_of(4)), 0.67).model
    assert Graph(changed).array("A_pruned").max() == 1.0


@pytest.mark.parametrize("turned", [0, 1])
def test_a_chain_of_three_gemms_loses_units_twice(turned: int, generator: np.random.Generator):
    weights = {name: generator.normal(size=(32, 32)) for name in "ABC"} | {"a": generator.normal(size=32)}
    weights["A"][:, :16] = weights["a"][:16] = weights["B"][16:] = 0.0  # the first half of the units, then the second
    weights["B"][:, 24:] = weights["C"][24:] = 0.0
    weights["B"][:16] = 0.0
    weights["B"][16:, :24] = generator.normal(size=(16, 24))
    stored = {name: values.T if turned and values.ndim == 2 else values for name, values in weights.items()}
    nodes = [
        helper.make_node("Gemm", ["x", "A", "a"], ["h"], transB=turned),
        helper.make_node("Tanh", ["h"], ["t"]),
        helper.make_node("Gemm", ["t", "B"], ["i"], transB=turned),
        helper.make_node("Relu", ["i"], ["r"]),
        helper.make_node("Gemm", ["r", "C"], ["y"], transB=turned),
    ]
    base = model(nodes, stored, {"x": (FLOAT, ["batch", 32])})
    row = generator.normal(size=(5, 32)).astype(np.float32)
    half = pruned(base, 0.75).model
    assert answer(half, x=row) == pytest.approx(answer(base, x=row), abs=1e-4)
    assert shapes(half) == {
        "A_pruned": (24, 32) if turned else (32, 24),
        "a_pruned": (24,),
        "B_pruned_pruned": (24, 24),
        "C_pruned": (32, 24) if turned else (24, 32),
    }


def between(*nodes, **weights):
    """x A -> `nodes` from h to g -> B."""
    ends = (helper.make_node("MatMul", ["x", "A"], ["h"]), helper.make_node("MatMul", ["g", "B"], ["y"]))
    return model([ends[0], *nodes, ends[1]], SIXTEEN | GELU | weights, {"x": (FLOAT, ["batch", "length", 8])})


node = helper.make_node
KEPT_LANES = {
    "nothing": [node("Identity", ["h"], ["g"])],
    "gelu": gelu("h", "g"),
    "bias": [node("Add", ["h", "bias"], ["b"]), node("Sigmoid", ["b"], ["s"]), node("Mul", ["b", "s"], ["g"])],
    "dropout": [node("Dropout", ["h"], ["g"])],
    "clip without a lower end": [node("Clip", ["h", "", "one"], ["g"])],
}
LOST_LANES = {
    "a residual sum": [node("MatMul", ["x", "A"], ["other"]), node("Add", ["h", "other"], ["g"])],
    "a gate": [
        node("MatMul", ["x", "A"], ["gate"]),
        node("Sigmoid", ["gate"], ["open"]),
        node("Mul", ["h", "open"], ["g"]),
    ],
    "a norm": [node("LayerNormalization", ["h", "bias"], ["g"])],
    "a softmax": [node("Softmax", ["h"], ["g"])],
    "a transposition": [
        node("Transpose", ["h"], ["t"], perm=[1, 0, 2]),
        node("Transpose", ["t"], ["g"], perm=[1, 0, 2]),
    ],
    "a mask": [node("Dropout", ["h"], ["g", "mask"])],
}


@pytest.mark.parametrize("nodes", KEPT_LANES.values(), ids=KEPT_LANES)
def test_elementwise_nodes_of_any_kind_make_a_chain(nodes: list, generator: np.random.Generator):
    base = between(*nodes)
    assert [chain.units for chain in chains(Graph(base))] == [16]
    changed = pruned(base, 0.5).model
    row = generator.normal(size=(2, 3, 8)).astype(np.float32)
    assert answer(changed, x=row).shape == answer(base, x=row).shape


@pytest.mark.parametrize("nodes", LOST_LANES.values(), ids=LOST_LANES)
def test_nothing_is_pruned_across_what_is_not_elementwise(nodes: list):
    with pytest.raises(StartError, match="holds no chain"):
        pruned(between(*nodes), 0.5)


def test_hidden_units_that_are_also_an_answer_stay():
    base = between(helper.make_node("Relu", ["h"], ["g"]))
    base.graph.output.append(helper.make_tensor_value_info("g", FLOAT, None))
    with pytest.raises(StartError, match="holds no chain"):
        pruned(base, 0.5)


def test_hidden_units_that_an_inner_graph_reads_stay():
    branches = {
        name: helper.make_graph(
            [helper.make_node(kind, ["h"], [f"{name}_g"])],
            name,
            [],
            [helper.make_tensor_value_info(f"{name}_g", FLOAT, None)],
        )
        for name, kind in (("then_branch", "Relu"), ("else_branch", "Tanh"))
    }
    relu, choice = helper.make_node("Relu", ["h"], ["g"]), helper.make_node("If", ["yes"], ["side"], **branches)
    assert [*chains(Graph(between(relu)))]
    base = between(relu, choice, yes=np.array(True))
    base.graph.output.append(helper.make_tensor_value_info("side", FLOAT, None))
    with pytest.raises(StartError, match="holds no chain"):
        pruned(base, 0.5)


def test_a_gemm_that_turns_its_input_does_not_sum_over_units():
    nodes = [helper.make_node("MatMul", ["x", "A"], ["h"]), helper.make_node("Gemm", ["h", "B"], ["y"], transA=1)]
    weights = {"A": SIXTEEN["A"], "B": SIXTEEN["B"]}
    with pytest.raises(StartError, match="holds no chain"):
        pruned(model(nodes, weights, {"x": (FLOAT, [16, 8])}), 0.5)


def test_the_best_units_keep_their_order():
    assert best(np.array([3.0, 1.0, 2.0, 3.0, 0.0]), 3).tolist() == [0, 2, 3]


def test_a_residual_sum_of_pictures_is_not_crossed(generator: np.random.Generator):
    weights = {"K": generator.normal(size=(16, 16, 3, 3)), "L": generator.normal(size=(16, 16, 3, 3))}
    nodes = [
        node("Conv", ["x", "K"], ["c"], pads=[1] * 4),
        node("Add", ["c", "x"], ["s"]),
        node("Conv", ["s", "L"], ["y"], pads=[1] * 4),
    ]
    with pytest.raises(StartError, match="holds no chain"):
        pruned(model(nodes, weights, {"x": (FLOAT, ["batch", 16, 8, 8])}), 0.5)


def test_keeping_all_is_refused(generator: np.random.Generator):
    with pytest.raises(StartError, match="at most 64 hidden units lose no 8 of them at 1; keep less"):
        pruned(feed_forward(generator), 1.0)


def test_a_matmul_over_pictures_does_not_read_their_channels(generator: np.random.Generator):
    """Its axis of inputs is the last one, the channels are the second."""
    nodes = [node("Conv", ["x", "K"], ["c"], pads=[1] * 4), node("MatMul", ["c", "W"], ["y"])]
    weights = {"K": generator.normal(size=(16, 3, 3, 3)), "W": generator.normal(size=(16, 8))}
    with pytest.raises(StartError, match="holds no chain"):
        pruned(model(nodes, weights, {"x": (FLOAT, ["batch", 3, 16, 16])}), 0.5)
