"""Files that are read and written: one sentence for each bad one, and a good one whole or not at all."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import HOME, run_module
from onnx import ModelProto, helper
from onnx.external_data_helper import convert_model_to_external_data, set_external_data
from reference_agent.errors import StartError
from reference_agent.variants.build import build
from reference_agent.variants.change import copied
from reference_agent.variants.rows import inputs_of, read_rows
from reference_agent.variants.source import read
from reference_agent.variants.variant import Compression, Precision, Variant
from variant_graphs import FLOAT, answer, feed_forward, model, rows_of

SMALL = feed_forward(np.random.default_rng(7))
INT8 = Variant(precision=Precision.INT8_DYNAMIC)
FP32 = Variant(precision=Precision.FP32)
MODEL = HOME / "models" / "search.onnx"


@pytest.fixture
def generator() -> np.random.Generator:
    """The same numbers in every test, whichever others run."""
    return np.random.default_rng(7)


def saved(folder: Path, base: ModelProto | None = None) -> Path:
    path = folder / "small.onnx"
    onnx.save(base or SMALL, path)
    return path


def unknown() -> bytes:
    return model([helper.make_node("Guess", ["x"], ["y"])], {}, rows_of(4)).SerializeToString()


def future() -> bytes:
    base = copied(SMALL)
    base.ir_version = 99
    return base.SerializeToString()


def broken() -> bytes:
    return model([helper.make_node("MatMul", ["x"], ["y"])], {}, rows_of(4)).SerializeToString()


WHOLE = SMALL.SerializeToString()
BAD = {
    "empty": (b"", "holds no graph"),
    "junk": (b"\xff" * 100, "is no ONNX model or only a part of one"),
    "text": (b"precision: fp32\n" * 20, "is no ONNX model or only a part of one"),
    "half": (WHOLE[: len(WHOLE) // 2], "is no ONNX model or only a part of one"),
    "nearly whole": (WHOLE[:-1], "is no ONNX model or only a part of one"),
    "without operators' versions": (WHOLE[: WHOLE.rindex(b"B\x04\n\x00\x10\x11")], "the check of the model fails"),
    "an unknown operator": (unknown(), "No Op registered for Guess"),
    "a later format": (future(), "ir_version 99 is higher than the checker's"),
    "an operator without its weight": (broken(), "the check of the model fails"),
}


@pytest.mark.parametrize(("content", "sentence"), BAD.values(), ids=BAD)
def test_a_bad_model_is_one_sentence(content: bytes, sentence: str, tmp_path: Path):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(StartError) as caught:
        build(path, INT8, tmp_path / "out")
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["missing.onnx", "."])
def test_what_is_no_file_is_one_sentence(name: str, tmp_path: Path):
    with pytest.raises(StartError, match="cannot be read"):
        build(tmp_path / name, INT8, tmp_path / "out")


def test_any_piece_of_a_file_is_refused(tmp_path: Path, generator: np.random.Generator):
    path = tmp_path / "piece.onnx"
    for end in generator.integers(0, len(WHOLE), 40):
        path.write_bytes(WHOLE[:end])
        with pytest.raises(StartError):
            read(path)


def test_data_in_the_folder_are_read_and_hashed(tmp_path: Path, generator: np.random.Generator):
    base = copied(SMALL)
    inside = ModelProto.FromString(base.SerializeToString())
    convert_model_to_external_data(inside, location="weights.bin", size_threshold=64)
    path = saved(tmp_path, inside)
    source = read(path)
    assert not source.single_file
    assert source.size == path.stat().st_size + (tmp_path / "weights.bin").stat().st_size
    assert source.sha256 == hashlib.sha256(path.read_bytes() + (tmp_path / "weights.bin").read_bytes()).hexdigest()
    build(path, FP32, tmp_path / "out")
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["model.onnx"]
    row = generator.normal(size=(1, 2, 16)).astype(np.float32)
    assert (answer(onnx.load(tmp_path / "out" / "model.onnx"), x=row) == answer(base, x=row)).all()


def elsewhere(location: str) -> ModelProto:
    base = copied(SMALL)
    set_external_data(base.graph.initializer[0], location)
    base.graph.initializer[0].ClearField("raw_data")
    return base


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("/etc/hostname", "leads out of the model's folder"),
        ("../secret.bin", "leads out of the model's folder"),
        ("in/../../secret.bin", "leads out of the model's folder"),
        ("..\\secret.bin", "leads out of the model's folder"),
        ("", "leads out of the model's folder"),
        ("missing.bin", "is missing"),
        ("*/_ORT_MEM_ADDR_/*", "is missing"),
        ("link.bin", "is a link or no plain file"),
        ("linked/secret.bin", "is a link or no plain file"),
        ("in", "is a link or no plain file"),
        ("short.bin", "the check of the model fails"),
    ],
)
def test_data_elsewhere_are_refused_before_they_are_opened(location: str, sentence: str, tmp_path: Path):
    home = tmp_path / "home"
    (home / "in").mkdir(parents=True)
    (tmp_path / "secret.bin").write_bytes(bytes(10_000))
    (home / "link.bin").symlink_to(tmp_path / "secret.bin")
    (home / "linked").symlink_to(tmp_path)
    (home / "short.bin").write_bytes(bytes(3))
    path = home / "model.onnx"
    path.write_bytes(elsewhere(location).SerializeToString())
    with pytest.raises(StartError) as caught:
        read(path)
    assert sentence in str(caught.value)


def test_data_of_an_inner_graph_are_looked_at_too(tmp_path: Path):
    inner = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["z"])],
        "inner",
        [],
        [helper.make_tensor_value_info("z", FLOAT, [1])],
        [helper.make_tensor("w", FLOAT, [1], [0.0])],
    )
    inner.initializer[0].raw_data = bytes(4)
    set_external_data(inner.initializer[0], "../secret.bin")
    inner.initializer[0].ClearField("raw_data")
    node = helper.make_node("If", ["yes"], ["y"], then_branch=inner, else_branch=inner)
    path = tmp_path / "model.onnx"
    path.write_bytes(model([node], {"yes": np.array(True)}, rows_of(4)).SerializeToString())
    with pytest.raises(StartError, match="leads out of the model's folder"):
        read(path)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"z": np.zeros((2, 3, 16), np.float32)}, "holds rows of 'z', which is no input; the inputs are x"),
        ({"x": np.array(["a", "b"])}, "rows of 'x' are <U1, but the model takes float32"),
        ({"x": np.zeros((0, 3, 16), np.float32)}, "must hold as many rows for each input, at least one"),
        ({}, "it has none"),
        ({"x": np.array([None, 1], dtype=object)}, "is no .npz file of numbers"),
        ({"x": np.array(1.0, np.float32)}, "'x' is a single number; its first axis must be the rows"),
    ],
)
def test_bad_rows_are_one_sentence(arrays: dict, sentence: str, tmp_path: Path):
    np.savez(tmp_path / "rows.npz", **arrays)
    with pytest.raises(StartError) as caught:
        read_rows(tmp_path / "rows.npz", inputs_of(SMALL))
    assert sentence in str(caught.value)


def test_members_that_are_no_arrays_are_one_sentence(tmp_path: Path):
    lie = io.BytesIO()
    np.lib.format.write_array_header_1_0(lie, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 16)})
    for name, content in (("x.txt", b"words"), ("x.npy", b"words"), ("x.npy", lie.getvalue())):
        with zipfile.ZipFile(tmp_path / "rows.npz", "w") as archive:
            archive.writestr(name, content)
        with pytest.raises(StartError, match=r"rows\.npz: is no \.npz file of numbers"):
            read_rows(tmp_path / "rows.npz", inputs_of(SMALL))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"\x93NUMPY", b"junk"])
def test_a_bad_file_of_rows_is_one_sentence(content: bytes, tmp_path: Path):
    (tmp_path / "rows.npz").write_bytes(content)
    with pytest.raises(StartError, match=r"rows\.npz: is no \.npz file of numbers"):
        read_rows(tmp_path / "rows.npz", inputs_of(SMALL))
    np.save(tmp_path / "rows.npy", np.zeros(3))
    with pytest.raises(StartError, match=r"rows\.npy: is no \.npz file of numbers"):
        read_rows(tmp_path / "rows.npy", inputs_of(SMALL))


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((2, 16), r"rows of 'x' have the shape \(16,\), but the model takes \(any, 16\)"),
        ((2, 3, 20), r"rows of 'x' have the shape \(3, 20\), but the model takes \(any, 16\)"),
    ],
)
def test_rows_of_another_shape_are_refused(shape: tuple[int, ...], sentence: str, tmp_path: Path):
    np.savez(tmp_path / "rows.npz", x=np.zeros(shape, np.float32))
    with pytest.raises(StartError, match=sentence):
        build(saved(tmp_path), INT8, tmp_path / "out", rows=tmp_path / "rows.npz")


def test_metadata_are_kept_and_say_what_is_true(tmp_path: Path):
    base = copied(SMALL)
    helper.set_model_props(base, {"agent": "search", "labels": "[]", "precision": "wrong"})
    path = saved(tmp_path, base)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for variant, facts in (
        (FP32, {"precision": "fp32", "compression": "none"}),
        (INT8, {"precision": "int8_dynamic", "compression": "none"}),
        (
            Variant(precision=Precision.INT4, compression=Compression.PRUNED, keep=0.5),
            {"precision": "int4", "compression": "pruned", "keep": "0.5"},
        ),
        (
            Variant(precision=Precision.FP16, compression=Compression.LOW_RANK, energy=0.3),
            {"precision": "fp16", "compression": "low_rank", "energy": "0.3"},
        ),
    ):
        built = build(path, variant, tmp_path / "out")
        found = {entry.key: entry.value for entry in read(built.path).model.metadata_props}
        assert found == {"agent": "search", "labels": "[]", "source_sha256": digest} | facts


def test_a_variant_is_complete_or_absent(tmp_path: Path):
    path, out = saved(tmp_path), tmp_path / "out"
    with pytest.raises(StartError, match="no bf16 kernels"):
        build(path, Variant(precision=Precision.BF16), out)
    assert not [*out.iterdir()]
    built = build(path, INT8, out)
    with pytest.raises(StartError, match="none of its 2 weights"):
        build(path, Variant(precision=Precision.FP32, compression=Compression.LOW_RANK, energy=1.0), out)
    assert [entry.name for entry in out.iterdir()] == ["model.onnx"]
    assert hashlib.sha256((out / "model.onnx").read_bytes()).hexdigest() == built.sha256


def test_a_model_that_answers_nothing_finite_is_refused(tmp_path: Path):
    path = saved(
        tmp_path,
        model(
            [helper.make_node("Log", ["x"], ["l"]), helper.make_node("Add", ["l", "c"], ["y"])],
            {"c": np.array([np.nan])},
            rows_of(4),
        ),
    )
    with pytest.raises(StartError, match=r"does not answer any row tried .*give --calibration"):
        build(path, FP32, tmp_path / "out")


def test_the_program_prints_one_line(tmp_path: Path):
    done = run_module(
        "reference_agent.variants.build", "--model", str(saved(tmp_path)), "--precision", "int4", "--out", str(tmp_path)
    )
    assert (done.returncode, done.stderr) == (0, "")
    built = json.loads(done.stdout)
    assert built["sha256"] == hashlib.sha256((tmp_path / "model.onnx").read_bytes()).hexdigest()
    assert (built["precision"], built["compression"], built["nodes"]) == ("int4", "none", 2)
    assert built["bytes_after"] < built["bytes_before"]


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--precision", "bf16"], "no bf16 kernels"),
        (["--precision", "int8"], "invalid choice"),
        (["--precision", "fp32", "--compression", "pruned", "--keep", "0"], "not a number between 0.01 and 1"),
        (["--precision", "int8_static", "--calibration", "missing.npz"], "missing.npz: is missing"),
    ],
)
def test_the_program_ends_with_one_sentence(flags: list[str], sentence: str, tmp_path: Path):
    done = run_module("reference_agent.variants.build", "--model", str(saved(tmp_path)), "--out", str(tmp_path), *flags)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
