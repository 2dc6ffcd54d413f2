"""What a variant is made of, what is refused as no variant, and that the offers say the same."""

import importlib.util
import platform
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import HOME
from onnx import ModelProto, helper, numpy_helper
from reference_agent.errors import StartError
from reference_agent.variants import quantizing
from reference_agent.variants.build import build
from reference_agent.variants.change import Change, contents
from reference_agent.variants.making import made
from reference_agent.variants.offers import Offer, offers
from reference_agent.variants.precision import found
from reference_agent.variants.rows import Input, batches
from reference_agent.variants.static import quantizable
from reference_agent.variants.tidied import tidied
from reference_agent.variants.variant import Compression, Precision, Variant
from variant_graphs import FLOAT, INT64, answer, feed_forward, model, operators, pictures, rows_of, shapes

GENERATOR = np.random.default_rng(7)
OPENVINO = "OpenVINOExecutionProvider"
ROWS = {"x": [GENERATOR.normal(size=(3, 16)).astype(np.float32) for _ in range(20)]}
PICTURES = {"x": [GENERATOR.normal(size=(3, 16, 16)).astype(np.float32) for _ in range(20)]}

TEXT = feed_forward(GENERATOR)
MAPS = pictures(GENERATOR)
TABLE = model([helper.make_node("Gather", ["T", "x"], ["y"])], {"T": np.eye(32)}, {"x": (INT64, ["batch"])})


@pytest.fixture
def generator() -> np.random.Generator:
    """The same numbers in every test, whichever others run."""
    return np.random.default_rng(7)


def variant(precision: str, compression: str = "none", **parameters: float) -> Variant:
    return Variant(precision=Precision(precision), compression=Compression(compression), **parameters)


@pytest.mark.parametrize(
    ("base", "rows", "precision", "new", "nodes"),
    [
        (TEXT, {}, "int8_dynamic", {"MatMulInteger", "DynamicQuantizeLinear", "Cast"}, 2),
        (TEXT, ROWS, "int8_static", {"QuantizeLinear", "DequantizeLinear"}, 2),
        (TEXT, {}, "int4", {"MatMulNBits"}, 2),
        (TEXT, {}, "fp16", {"Cast"}, 8),
        (MAPS, PICTURES, "int8_static", {"QuantizeLinear", "DequantizeLinear"}, 8),
        (MAPS, {}, "fp16", {"Cast"}, 5),
    ],
)
def test_each_precision_has_its_operators_and_nearly_the_same_answers(base, rows, precision, new, nodes):
    change = made(base, variant(precision), rows)
    assert set(operators(change.model)) - set(operators(base)) == new
    assert change.nodes == nodes
    assert found(change.model) == precision
    row = np.stack((rows or (ROWS if base is TEXT else PICTURES))["x"][:2])
    before, after = answer(base, x=row), answer(change.model, x=row)
    assert np.abs(after - before).max() < {"fp16": 0.02, "int4": 1.0}.get(precision, 0.2) * before.std()


def test_weights_alone_in_other_than_4_bits_go_by_no_false_name():
    changed = made(TEXT, variant("int4"), {}).model
    for node in changed.graph.node:
        for attribute in node.attribute:
            if (node.op_type, attribute.name) == ("MatMulNBits", "bits"):
                attribute.i = 8
    with pytest.raises(StartError, match="weights of 8 bits"):
        found(changed)


def test_a_variant_is_compressed_first():
    change = made(TEXT, variant("int8_dynamic", "pruned", keep=0.5))
    stored = {tuple(sorted(shape)) for shape in shapes(change.model).values() if len(shape) == 2}
    assert stored == {(16, 32)}
    assert change.nodes == 3 + 2


def test_products_of_two_activations_stay_and_that_is_said(generator: np.random.Generator):
    nodes = [helper.make_node("MatMul", ["x", "W"], ["h"]), helper.make_node("MatMul", ["h", "x"], ["y"])]
    base = model(nodes, {"W": generator.normal(size=(3, 3))}, {"x": (FLOAT, ["batch", 3, 3])})
    rows = {"x": [generator.normal(size=(3, 3)).astype(np.float32)]}
    for precision in ("int8_dynamic", "int8_static", "int4"):
        change = made(base, variant(precision), rows)
        assert change.nodes == 1
        assert change.left[0] == "products without one constant matrix, such as those of two activations: 1"


def test_a_weight_of_more_than_one_matrix_stays(generator: np.random.Generator):
    """ONNX Runtime would write it in int8 and then fail to compute it."""
    nodes = [helper.make_node("MatMul", ["x", "W"], ["h"]), helper.make_node("MatMul", ["h", "V"], ["y"])]
    weights = {"W": generator.normal(size=(2, 8, 8)), "V": generator.normal(size=(8, 8))}
    base = model(nodes, weights, {"x": (FLOAT, [2, "batch", 8])})
    row = generator.normal(size=(2, 3, 8)).astype(np.float32)
    for precision in ("int8_dynamic", "int8_static", "int4"):
        change = made(base, variant(precision), {"x": [*row]})
        assert change.nodes == 1
        assert answer(change.model, x=row).shape == (2, 3, 8)


@pytest.mark.parametrize("precision", ["fp16", "int8_dynamic", "int8_static", "int4"])
def test_constants_are_found_however_they_are_written(precision: str, generator: np.random.Generator):
    """As a Constant, as the Transpose or Identity of a weight, and as an input of the old kind."""
    weight = generator.normal(size=(32, 32)).astype(np.float32)
    nodes = [
        helper.make_node("Constant", [], ["A"], value=numpy_helper.from_array(weight)),
        helper.make_node("Transpose", ["W"], ["B"]),
        helper.make_node("Identity", ["B"], ["C"]),
        helper.make_node("MatMul", ["x", "A"], ["h"]),
        helper.make_node("MatMul", ["h", "B"], ["i"]),
        helper.make_node("MatMul", ["i", "C"], ["y"]),
    ]
    base = model(nodes, {"W": weight}, rows_of(32))
    base.graph.input.append(helper.make_tensor_value_info("W", FLOAT, [32, 32]))
    tidy = tidied(base)
    assert operators(tidy) == ["MatMul"] * 3
    assert set(shapes(tidy)) == {"A", "B"}
    row = generator.normal(size=(4, 32)).astype(np.float32)
    assert answer(tidy, x=row) == pytest.approx(answer(base, x=row), abs=1e-3)
    change = made(base, variant(precision), {"x": [*row]})
    assert answer(change.model, x=row).shape == (4, 32)
    assert precision == "fp16" or change.nodes == 3


def test_local_functions_are_written_out(generator: np.random.Generator):
    function = helper.make_function(
        "own",
        "Twice",
        ["a", "b"],
        ["c"],
        [helper.make_node("MatMul", ["a", "b"], ["h"]), helper.make_node("MatMul", ["h", "b"], ["c"])],
        [helper.make_opsetid("", 17)],
    )
    base = model(
        [helper.make_node("Twice", ["x", "W"], ["y"], domain="own")],
        {"W": generator.normal(size=(32, 32))},
        rows_of(32),
    )
    base.functions.append(function)
    base.opset_import.append(helper.make_opsetid("own", 1))
    assert made(base, variant("int8_dynamic")).nodes == 2


@pytest.mark.parametrize(
    ("base", "precision", "compression", "sentence"),
    [
        (TABLE, "int8_dynamic", "none", "holds no MatMul or Gemm with constant weights"),
        (TABLE, "int8_static", "none", "int8_static needs rows of x"),
        (TABLE, "int4", "none", "holds no MatMul or Gemm with constant weights"),
        (TABLE, "fp32", "low_rank", "holds no MatMul, Gemm or Conv with constant weights large enough"),
        (TABLE, "fp32", "pruned", "holds no chain"),
        (MAPS, "int8_dynamic", "none", "only 2% of its weights are in MatMul or Gemm"),
        (MAPS, "int4", "pruned", "of its weights are in MatMul or Gemm"),
        (TEXT, "int8_static", "none", "int8_static needs rows of x to find its scales; give --calibration"),
        (TEXT, "bf16", "none", f"CPUExecutionProvider has no bf16 kernels .*; {OPENVINO} has"),
    ],
)
def test_what_would_change_nothing_or_cannot_be_made_is_refused(base, precision, compression, sentence):
    with pytest.raises(StartError, match=sentence):
        made(base, variant(precision, compression))


def test_nothing_to_calibrate_is_refused_before_it_is_calibrated():
    with pytest.raises(StartError, match="holds no MatMul, Gemm or Conv"):
        made(TABLE, variant("int8_static"), {"x": [np.array(1)]})


def test_bf16_is_fp32_for_a_provider_that_has_it():
    change = made(TEXT, variant("bf16"), provider=OPENVINO)
    assert contents(change.model) == contents(tidied(TEXT))


@pytest.mark.parametrize("precision", ["fp16", "int8_dynamic", "int8_static", "int4"])
def test_what_is_quantized_becomes_nothing_else(precision: str):
    base = made(TEXT, variant(precision), ROWS).model
    assert contents(made(base, variant(precision)).model) == contents(base)
    for other in (variant("fp32"), variant(precision, "pruned"), variant("int8_dynamic", "low_rank")):
        with pytest.raises(StartError, match=f"is {precision} already"):
            made(base, other, ROWS)


def test_fp16_refuses_weights_that_it_cannot_hold_but_not_masks(generator: np.random.Generator):
    nodes = [helper.make_node("MatMul", ["x", "W"], ["h"]), helper.make_node("Add", ["h", "mask"], ["y"])]
    weights = {"W": generator.normal(size=(8, 8)), "mask": np.full(8, -1e9)}
    assert made(model(nodes, weights, rows_of(8)), variant("fp16")).nodes == 2
    weights["W"][3, 3] = 1e6
    with pytest.raises(StartError, match=r"its weight 'W' reaches 1e\+06, and fp16 ends at 65504"):
        made(model(nodes, weights, rows_of(8)), variant("fp16"))


def two_inputs() -> ModelProto:
    """Pooled words and a number of another kind, as recommenders have them; the batch is fixed at 4."""
    nodes = [
        helper.make_node("Gather", ["T", "words"], ["w"]),
        helper.make_node("ReduceMean", ["w"], ["m"], axes=[1], keepdims=0),
        helper.make_node("Concat", ["m", "price"], ["c"], axis=1),
        helper.make_node("Gemm", ["c", "A"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "B"], ["y"]),
    ]
    generator = np.random.default_rng(7)
    weights = {name: generator.normal(size=size) for name, size in (("T", (50, 7)), ("A", (8, 64)), ("B", (64, 2)))}
    return model(nodes, weights, {"words": (INT64, [4, "length"]), "price": (FLOAT, [4, 1])})


def rows_of_two(count: int) -> dict[str, list[np.ndarray]]:
    """Rows of different lengths."""
    generator = np.random.default_rng(7)
    return {
        "words": [generator.integers(0, 50, 1 + number % 5) for number in range(count)],
        "price": [generator.normal(size=1).astype(np.float32) for _ in range(count)],
    }


@pytest.mark.parametrize("precision", ["fp16", "int8_dynamic", "int8_static", "int4"])
def test_several_inputs_a_fixed_batch_and_rows_of_any_length(precision: str, tmp_path: Path):
    onnx.save(two_inputs(), tmp_path / "two.onnx")
    rows = {f"words/{number}": row for number, row in enumerate(rows_of_two(10)["words"])}
    np.savez(tmp_path / "rows.npz", price=np.stack(rows_of_two(10)["price"]), **rows)
    built = build(tmp_path / "two.onnx", variant(precision), tmp_path, rows=tmp_path / "rows.npz")
    assert built.largest_difference < 5.0
    if precision != "int8_static":
        assert build(tmp_path / "two.onnx", variant(precision), tmp_path).nodes == built.nodes


def test_only_what_a_model_fixes_is_padded():
    inputs = [
        Input(name="words", dtype=np.dtype(np.int64), shape=(None, None)),
        Input(name="place", dtype=np.dtype(np.float32), shape=(None, 3)),
    ]
    rows = {
        "words": [np.array([1, 2]), np.array([3]), np.array([4, 5]), np.array([6, 7])],
        "place": [np.ones(3, np.float32), np.ones(2, np.float32), np.ones(3, np.float32), np.ones(3, np.float32)],
    }
    found = [{name: tensor.tolist() for name, tensor in batch.items()} for batch in batches(inputs, rows, 2)]
    assert found == [
        {"words": [[1, 2], [4, 5]], "place": [[1, 1, 1], [1, 1, 1]]},
        {"words": [[6, 7]], "place": [[1, 1, 1]]},
        {"words": [[3]], "place": [[1, 1, 0]]},
    ]
    fixed = [replace(inputs[0], shape=(4, None)), inputs[1]]
    assert [len(batch["words"]) for batch in batches(fixed, rows, 2)] == [4, 4]


def test_calibration_needs_rows_of_every_input():
    with pytest.raises(StartError, match="needs rows of price to find"):
        made(two_inputs(), variant("int8_static"), {"words": rows_of_two(3)["words"]})


@pytest.mark.parametrize("opset", [11, 13, 21])
def test_older_and_newer_operators(opset: int, generator: np.random.Generator):
    nodes = [
        helper.make_node("Gemm", ["x", "A", "a"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "B"], ["y"]),
    ]
    weights = {
        "A": generator.normal(size=(32, 64)),
        "a": generator.normal(size=64),
        "B": generator.normal(size=(64, 8)),
    }
    base = model(nodes, weights, {"x": (FLOAT, ["batch", 32])}, opset=opset)
    row = generator.normal(size=(4, 32)).astype(np.float32)
    for precision in ("fp16", "int8_dynamic", "int8_static", "int4"):
        change = made(base, variant(precision), {"x": [*row]})
        wanted = answer(base, x=row)
        assert np.linalg.norm(answer(change.model, x=row) - wanted) < 0.2 * np.linalg.norm(wanted)


def test_int4_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(StartError, match="int4 needs the package onnx_ir; pip install onnx_ir"):
        made(TEXT, variant("int4"))
    assert all(offer.reason for offer in offers(TEXT) if offer.precision is Precision.INT4)


@pytest.mark.parametrize("precision", ["int8_dynamic", "int8_static"])
@pytest.mark.parametrize(
    ("flags", "most"), [("avx2 avx512f", 64), ("avx512f avx512_vnni", 127), ("avx2 avx_vnni", 127)]
)
def test_without_vnni_weights_have_seven_bits(
    precision: str, flags: str, most: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    monkeypatch.setattr(quantizing, "CPU_FACTS", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    change = made(TEXT, variant(precision), ROWS)
    quantized = [numpy_helper.to_array(tensor) for tensor in change.model.graph.initializer if tensor.data_type == 3]
    assert max(np.abs(values.astype(int)).max() for values in quantized) == most
    assert any("no VNNI" in sentence for sentence in change.left) == (most == 64)


def keyed(found: tuple[Offer, ...]) -> dict[tuple[str, str], Offer]:
    return {(offer.precision, offer.compression): offer for offer in found}


NARROW = feed_forward(np.random.default_rng(7), hidden=8)
HALF = made(TEXT, variant("fp16")).model


@pytest.mark.parametrize(
    ("base", "rows"),
    [
        (TEXT, ROWS),
        (TEXT, {}),
        (MAPS, PICTURES),
        (TABLE, {}),
        (two_inputs(), rows_of_two(8)),
        (HALF, ROWS),
        (NARROW, ROWS),
    ],
    ids=["text", "text without rows", "pictures", "table", "two inputs", "half", "narrow"],
)
def test_what_is_offered_can_be_made_and_nothing_else(base: ModelProto, rows: dict):
    for offer in offers(base, calibrated=rows):
        wanted = Variant(precision=offer.precision, compression=offer.compression, energy=0.05, keep=0.5)
        if not offer.reason:
            assert offer.providers == ("CPUExecutionProvider",)
            made(base, wanted, rows)
            continue
        assert offer.providers == ()
        with pytest.raises(StartError):
            made(base, wanted, rows)


def test_the_bundled_model_has_every_variant_but_bf16():
    base = onnx.load(HOME / "models" / "search.onnx")
    began = time.perf_counter()
    found = keyed(offers(base, calibrated={"input_ids"}))
    assert time.perf_counter() - began < 2.0
    assert {precision for (precision, _), offer in found.items() if offer.reason} == {"bf16"}
    with_bf16 = keyed(offers(base, ("CPUExecutionProvider", OPENVINO), {"input_ids"}))
    assert with_bf16["bf16", "none"].providers == (OPENVINO,)
    assert with_bf16["fp32", "none"].providers == ("CPUExecutionProvider", OPENVINO)
    assert len(found) == len(Precision) * len(Compression)


def test_contents_tell_models_apart():
    def constant(values: np.ndarray) -> ModelProto:
        return model([helper.make_node("MatMul", ["x", "W"], ["y"])], {"W": values}, rows_of(4))

    zeros = contents(constant(np.zeros((4, 4))))
    assert zeros == contents(constant(np.zeros((4, 4)))) == contents(tidied(constant(np.zeros((4, 4)))))
    others = [np.ones((4, 4)), np.zeros((2, 8)), np.zeros((4, 4), np.int32)]
    assert all(zeros != contents(constant(values)) for values in others)


def test_a_step_that_changes_nothing_is_refused():
    before = Change(model=TEXT, nodes=0)
    with pytest.raises(StartError, match="the variant would be no other model"):
        Change(model=tidied(TEXT), nodes=3).after(before)


def test_static_int8_leaves_the_results_of_products_in_fp32():
    static = made(TEXT, variant("int8_static"), ROWS).model
    results = {node.output[0] for node in static.graph.node if node.op_type == "MatMul"}
    assert len(results) == 2
    assert not any(node.op_type == "QuantizeLinear" and node.input[0] in results for node in static.graph.node)


@pytest.mark.parametrize(
    ("attributes", "bias", "changed"),
    [
        ({}, (8,), 1),
        ({"transB": 1}, (8,), 1),
        ({}, None, 1),
        ({"beta": 2.0}, (8,), 0),
        ({"alpha": 0.5}, (8,), 0),
        ({"transA": 1}, (8,), 0),
        ({}, (1, 8), 0),
        ({}, (8, 8), 0),
        ({}, (), 0),
    ],
)
def test_a_gemm_that_the_tools_would_write_wrongly_is_left_as_it_is(
    generator: np.random.Generator, attributes: dict[str, float], bias: tuple[int, ...] | None, changed: int
):
    weights = {"w": generator.normal(size=(8, 8))} | ({} if bias is None else {"b": generator.normal(size=bias)})
    gemm = helper.make_node("Gemm", ["x", *weights], ["y"], **attributes)
    assert len(quantizable(model([gemm], weights, {"x": (FLOAT, ["batch", 8])}))) == changed


def test_what_an_earlier_build_took_out_is_history(tmp_path: Path):
    path = build(HOME / "models" / "search.onnx", variant("fp32", "pruned", keep=0.5), tmp_path / "once").path
    again = build(path, variant("fp32"), tmp_path / "twice").path
    said = {entry.key: entry.value for entry in onnx.load(again).metadata_props}
    assert (said["compression"], said["source_compression"]) == ("none", "pruned")
