"""Low rank: two factors where that is less work, exact where the weight is thin, bounded where it is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import helper
from reference_agent.errors import StartError
from reference_agent.variants.low_rank import factors, low_rank, rank
from variant_graphs import FLOAT, answer, model, operators, rows_of, shapes, thin

ROW = np.random.default_rng(7).normal(size=(5, 32)).astype(np.float32)


@pytest.fixture
def generator() -> np.random.Generator:
    """The same numbers in every test, whichever others run."""
    return np.random.default_rng(7)


def matmul(weight: np.ndarray):
    return model([helper.make_node("MatMul", ["x", "W"], ["y"], "only")], {"W": weight}, rows_of(len(weight)))


@pytest.mark.parametrize("energy", [0.999999, 1.0])
def test_a_weight_of_rank_two_becomes_exactly_two_factors(energy: float, generator: np.random.Generator):
    base = matmul(thin(generator, 32, 24, 2))
    change = low_rank(base, energy)
    assert operators(change.model) == ["MatMul", "MatMul"]
    assert shapes(change.model) == {"W_first": (32, 2), "W_second": (2, 24)}
    assert change.nodes == 1
    assert answer(change.model, x=ROW) == pytest.approx(answer(base, x=ROW), abs=1e-4)


@pytest.mark.parametrize("turned_in", [0, 1])
@pytest.mark.parametrize("turned_weight", [0, 1])
@pytest.mark.parametrize("biased", [False, True])
def test_a_gemm_keeps_its_meaning(turned_in: int, turned_weight: int, biased: bool, generator: np.random.Generator):
    weight = thin(generator, 32, 24, 3)
    inputs = ["x", "W", "b"] if biased else ["x", "W"]
    options = {"transA": turned_in, "transB": turned_weight, "alpha": 0.5, "beta": 2.0}
    base = model(
        [helper.make_node("Gemm", inputs, ["y"], "only", **options)],
        {"W": weight.T if turned_weight else weight} | ({"b": generator.normal(size=24)} if biased else {}),
        {"x": (FLOAT, ["a", "b"])},
    )
    row = ROW.T if turned_in else ROW
    changed = low_rank(base, 1.0).model
    assert sorted(size for shape in shapes(changed).values() if len(shape) == 2 for size in shape) == [3, 3, 24, 32]
    assert answer(changed, x=row) == pytest.approx(answer(base, x=row), abs=1e-3)


@pytest.mark.parametrize("options", [{}, {"strides": [2, 1], "pads": [1, 0, 2, 1]}, {"dilations": [2, 2]}])
def test_a_convolution_becomes_a_thin_one_and_one_of_single_points(options: dict, generator: np.random.Generator):
    kernel = thin(generator, 24, 16 * 9, 3).reshape(24, 16, 3, 3)
    base = model(
        [helper.make_node("Conv", ["x", "K", "b"], ["y"], "only", **options)],
        {"K": kernel, "b": generator.normal(size=24)},
        {"x": (FLOAT, ["batch", 16, 9, 9])},
    )
    changed = low_rank(base, 1.0).model
    assert operators(changed) == ["Conv", "Conv"]
    assert shapes(changed) == {"b": (24,), "K_first": (3, 16, 3, 3), "K_second": (24, 3, 1, 1)}
    picture = generator.normal(size=(2, 16, 9, 9)).astype(np.float32)
    assert answer(changed, x=picture) == pytest.approx(answer(base, x=picture), abs=1e-3)


def test_keeping_all_of_a_full_weight_is_refused(generator: np.random.Generator):
    with pytest.raises(StartError, match="none of its 1 weights is cheaper as two that keep 1 of its energy"):
        low_rank(matmul(generator.normal(size=(32, 24))), 1.0)


@pytest.mark.parametrize("groups", [2, 4])
def test_what_holds_no_such_weight_is_refused(groups: int, generator: np.random.Generator):
    grouped = model(
        [helper.make_node("Conv", ["x", "K"], ["y"], group=groups)],
        {"K": generator.normal(size=(8, 8 // groups, 3, 3))},
        {"x": (FLOAT, ["batch", 8, 9, 9])},
    )
    with pytest.raises(StartError, match="holds no MatMul, Gemm or Conv"):
        low_rank(grouped, 0.5)


def test_only_the_weights_that_gain_are_split(generator: np.random.Generator):
    weights = {"thin": thin(generator, 32, 32, 4), "full": np.eye(32)}
    nodes = [helper.make_node("MatMul", ["x", "thin"], ["h"]), helper.make_node("MatMul", ["h", "full"], ["y"])]
    base = model(nodes, weights, rows_of(32))
    change = low_rank(base, 0.95)
    assert (change.nodes, change.left) == (1, ("1 of 2 weights would not become cheaper",))
    assert shapes(change.model) == {"full": (32, 32), "thin_first": (32, 4), "thin_second": (4, 32)}
    assert shapes(base) == {"thin": (32, 32), "full": (32, 32)}, "the model before is not touched"


def test_a_weight_of_two_nodes_is_split_once(generator: np.random.Generator):
    nodes = [helper.make_node("MatMul", ["x", "W"], ["h"]), helper.make_node("MatMul", ["h", "W"], ["y"])]
    changed = low_rank(model(nodes, {"W": thin(generator, 32, 32, 4)}, rows_of(32)), 1.0).model
    assert shapes(changed) == {"W_first": (32, 4), "W_second": (4, 32)}
    assert operators(changed) == ["MatMul"] * 4


def test_a_name_that_is_taken_stays_with_its_owner(generator: np.random.Generator):
    nodes = [helper.make_node("MatMul", ["x", "W"], ["h"]), helper.make_node("Add", ["h", "W_first"], ["y"])]
    base = model(nodes, {"W": thin(generator, 32, 32, 4), "W_first": generator.normal(size=32)}, rows_of(32))
    changed = low_rank(base, 1.0).model
    assert shapes(changed) == {"W_first": (32,), "W_first_": (32, 4), "W_second": (4, 32)}
    assert answer(changed, x=ROW) == pytest.approx(answer(base, x=ROW), abs=1e-3)


def test_a_weight_that_others_read_too_stays(generator: np.random.Generator):
    nodes = [helper.make_node("MatMul", ["x", "W"], ["h"]), helper.make_node("Add", ["h", "W"], ["y"])]
    changed = low_rank(model(nodes, {"W": thin(generator, 32, 32, 4)}, {"x": (FLOAT, [32, 32])}), 1.0).model
    assert set(shapes(changed)) == {"W", "W_first", "W_second"}


@pytest.mark.parametrize(
    ("values", "energy", "expected"),
    [
        ([4, 2, 1], 0.7, 3),  # one value holds 16 of 21; eight at a time, but no more than there are
        ([1.0] * 32, 0.5, 16),  # all are equal
        ([1.0] * 32, 0.51, 24),  # 17 are needed: the next multiple of 8
        ([1.0] * 9 + [0.0] * 23, 1.0, 9),  # what is zero is never kept
        ([0.0] * 4, 0.5, 1),  # a weight of zeros
    ],
)
def test_the_rank_is_the_smallest_that_keeps_the_energy(values: list[float], energy: float, expected: int):
    assert rank(np.array(values, np.float32), energy, 32) == expected


sizes = st.integers(2, 40)
weights = st.tuples(sizes, sizes).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=st.floats(-100, 100, width=32))
)


@settings(deadline=None, max_examples=60)
@given(weight=weights, energy=st.floats(0.01, 1.0))
def test_the_error_is_no_more_than_the_values_that_were_dropped(weight: np.ndarray, energy: float):
    split = factors(weight, energy)
    if split is None:
        return
    first, second = split
    kept = first.shape[1]
    assert kept * sum(weight.shape) < weight.size, "it saves work"
    values = np.linalg.svd(weight.astype(np.float64), compute_uv=False)
    dropped, rounding = np.sqrt(np.square(values[kept:]).sum()), 1e-5 * (1 + values.sum())
    error = np.linalg.norm(weight.astype(np.float64) - first.astype(np.float64) @ second)
    assert error <= dropped + rounding
    assert error**2 <= (1 - energy) * np.square(values).sum() + rounding * (1 + values.sum())
