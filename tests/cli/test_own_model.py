"""A model and data of one's own: what does not fit is one sentence before a study begins, what fits is measured."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

from tests.cli.program import tuner
from tuner.errors import InvalidMeasurementError, UsageError
from tuner.study.quality import Basis
from tuner.study.trial import Measurement, load_outcome
from tuner.target import spec

pytestmark = pytest.mark.usefixtures("own_cache")

FLOAT = TensorProto.FLOAT
WIDTH, CLASSES, ROWS = 8, 3, 150
DRAWN = np.random.RandomState(3)
WIDE = DRAWN.normal(size=(WIDTH, 32)).astype(np.float32)
NARROW = DRAWN.normal(size=(32, CLASSES)).astype(np.float32)
POINTS = DRAWN.normal(size=(ROWS, WIDTH)).astype(np.float32)
NUMBERS = (np.maximum(POINTS @ WIDE, 0) @ NARROW).argmax(axis=1)


def classifier(
    shape: tuple[int | str, ...] | None = ("batch", WIDTH),
    kind: int = FLOAT,
    *,
    operator: str = "Relu",
    narrow: np.ndarray = NARROW,
    more_inputs: tuple[str, ...] = (),
    more_outputs: tuple[str, ...] = (),
    metadata: dict[str, str] | None = None,
) -> ModelProto:
    """A network of two layers that decides as NUMBERS does on POINTS."""
    cast = [] if kind == FLOAT else [helper.make_node("Cast", ["x"], ["real"], to=FLOAT)]
    nodes = [
        *cast,
        helper.make_node("MatMul", ["real" if cast else "x", "wide"], ["hidden"]),
        helper.make_node(operator, ["hidden", *more_inputs], ["kept"]),
        helper.make_node("MatMul", ["kept", "narrow"], ["scores"]),
        *(helper.make_node("Identity", ["kept"], [name]) for name in more_outputs),
    ]
    graph = helper.make_graph(
        nodes,
        "classifier",
        [
            helper.make_tensor_value_info("x", kind, shape),
            *(helper.make_tensor_value_info(name, FLOAT, ["batch", 32]) for name in more_inputs),
        ],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in ("scores", *more_outputs)],
        [numpy_helper.from_array(WIDE, "wide"), numpy_helper.from_array(narrow, "narrow")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    return model


def outside(location: str) -> ModelProto:
    """The classifier with its weights in another file."""
    model = classifier()
    convert_model_to_external_data(model, location=location, size_threshold=0, convert_attribute=False)
    return model


def strange() -> ModelProto:
    """A classifier with an operator that nobody knows."""
    model = classifier()
    model.graph.node[1].domain = "my.own"
    model.opset_import.append(helper.make_opsetid("my.own", 1))
    return model


def exported(folder: Path, model: ModelProto | bytes) -> None:
    content = model if isinstance(model, bytes) else model.SerializeToString()
    (folder / "my.onnx").write_bytes(content)


def refusal(folder: Path, *arguments: str) -> str:
    """Run a search that must refuse, and return its sentence."""
    before = sorted(folder.iterdir())
    result = tuner("search", "--dry-run", *arguments, cwd=folder)
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert result.stdout == ""
    assert sorted(folder.iterdir()) == before
    return result.stderr


SOUND = classifier()


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (b"", "holds no graph; give --model a complete ONNX file"),
        (b"\xff" * 100, "is no ONNX model or only a part of one; give --model a complete ONNX file"),
        (SOUND.SerializeToString()[:-200], "is no ONNX model or only a part of one"),
        (outside("../weights.bin"), "lie in '../weights.bin', which leads out of the model's folder"),
        (outside("weights.bin"), "lie in 'weights.bin', which is missing"),
        (classifier((1, WIDTH)), "x has the fixed batch size 1; export it with a free first axis"),
        (classifier(("batch", "height", WIDTH)), "only rows of a single axis may have any length"),
        (classifier(None), "does not say that x has rows"),
        (classifier(kind=TensorProto.DOUBLE), "takes x as tensor(double), but what is served is INT64, INT32"),
        (
            classifier(operator="Add", more_inputs=("bias",)),
            "takes x FP32 [batch, 8], bias FP32 [batch, 32] and returns scores",
        ),
        (classifier(more_outputs=("hidden2",)), "export it with the row as its only input and the scores as its only"),
        (classifier(narrow=NARROW[:, :1]), "returns one score a row"),
        (classifier(("batch", 4, WIDTH)), "a classifier returns FP32 scores [batch, classes]"),
        (classifier(metadata={"labels": '["one"]'}), "its metadata name 1 labels, but it returns 3 scores"),
        (classifier(metadata={"labels": "one"}), "labels that are no JSON list of names"),
        (classifier(metadata={"agent": "search"}), "but the agent 'search' needs input_ids"),
        (strange(), "my.own"),
    ],
)
def test_a_model_that_cannot_be_served(tmp_path: Path, model: ModelProto | bytes, sentence: str) -> None:
    np.savez(tmp_path / "eval.npz", x=POINTS, labels=NUMBERS)
    exported(tmp_path, model)
    assert sentence in refusal(tmp_path, "--model", "my.onnx", "--data", "eval.npz")


def changed(row: int, number: float) -> np.ndarray:
    points = POINTS.copy()
    points[row, 0] = number
    return points


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({}, "holds nothing, but rows are looked for in 'x'"),
        ({"labels": NUMBERS}, "holds nothing, but rows are looked for in 'x'"),
        ({"rows": POINTS, "more": POINTS}, "holds more, rows, but rows are looked for in 'x', the model's input"),
        ({"x": POINTS[:0]}, "holds no rows"),
        ({"x": POINTS[:49]}, "holds 49 rows, but at least 50 are needed"),
        ({"x": np.float32(1)}, "'x' is a single number; its first axis must be the rows"),
        ({"x": POINTS[:, :7]}, "row 0 has the shape [7], but the model takes x FP32 [batch, 8]"),
        ({"x": POINTS.astype(str)}, "its rows are <U32, but the model takes FP32"),
        ({"x": POINTS > 0}, "its rows are bool, but the model takes FP32"),
        ({"x": changed(7, np.nan)}, "row 7 holds NaN or infinity"),
        ({"x": changed(9, 1.0).astype(np.float64) * 1e39}, "row 0 holds NaN or infinity"),
        ({"x": POINTS.astype(object)}, "is no .npz file of numbers (Object arrays cannot be loaded"),
        ({"x": POINTS, "labels": NUMBERS[:-1]}, "'labels' has the shape [149], but there are 150 rows"),
        ({"x": POINTS, "labels": NUMBERS[:, None]}, "'labels' has the shape [150, 1]"),
        ({"x": POINTS, "labels": NUMBERS + 1}, ", but the model's classes are 0 to 2"),
        ({"x": POINTS, "labels": NUMBERS - 1}, "'labels' has -1 for row"),
        ({"x": POINTS, "labels": NUMBERS.astype(float)}, "'labels' are float64; give the number of its class"),
        ({"x": POINTS, "labels": NUMBERS.astype(str)}, "'labels' are names, but the model's metadata name no labels"),
        ({"x": POINTS, "labels": NUMBERS.astype(object)}, "is no .npz file of numbers (Object arrays cannot be loaded"),
    ],
)
def test_data_that_do_not_fit(tmp_path: Path, arrays: dict[str, Any], sentence: str) -> None:
    exported(tmp_path, SOUND)
    np.savez(tmp_path / "eval.npz", **arrays)
    with pytest.raises(UsageError, match=re.escape(sentence)) as refused:
        spec.load("reference", {"model": str(tmp_path / "my.onnx"), "data": str(tmp_path / "eval.npz")})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "my.onnx"], "--data is missing"),
        (["--model", "my.onnx", "--data", "none.npz"], "--data: there is no file none.npz"),
        (["--model", "my.onnx", "--data", "short.npz"], "short.npz: holds 49 rows, but at least 50 are needed"),
        (["--model", "my.onnx", "--data", "junk.npz"], "junk.npz: is no .npz file of numbers"),
        (["--model", "none.onnx"], "--model: there is no file none.onnx"),
        (["--agent", "custom"], "--agent custom comes without a model; give --model an ONNX file"),
        (["--agent", "drive", "--data", "junk.npz"], "the agent 'drive' is measured on its own requests"),
        (["--data", "junk.npz"], "the agent 'search' is measured on its own requests"),
        (["--agent", "search", "--model", "my.onnx"], "a classifier of your own is served with --agent custom"),
    ],
)
def test_flags_that_do_not_go_together(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    exported(tmp_path, SOUND)
    (tmp_path / "junk.npz").write_bytes(b"junk")
    np.savez(tmp_path / "short.npz", x=POINTS[:49])
    assert sentence in refusal(tmp_path, *arguments)


def external(folder: Path) -> None:
    """The weights in a file beside the model."""
    onnx.save(SOUND, folder / "my.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (folder / "weights.bin").stat().st_size > 1000


def named(folder: Path) -> None:
    """Names for the classes, in the model and in the data, and another name for the rows."""
    exported(folder, classifier(metadata={"labels": '["red", "green", "blue"]'}))
    labels = np.array(["red", "green", "blue"])[NUMBERS]
    np.savez(folder / "eval.npz", points=POINTS.astype(np.float64), labels=labels)


def unsaid(folder: Path) -> None:
    """A width that the model does not say, and only the data know."""
    exported(folder, classifier(("batch", "width")))


def undisturbed(folder: Path, *arguments: str) -> str:
    """Measure, once more where other programs spoilt it, and return what was said beside the result."""
    for _ in range(5):
        result = tuner("measure", *arguments, "--users", "2", "--measure-at-most", "500ms", cwd=folder)
        if result.returncode != InvalidMeasurementError.exit_code:
            break
    assert result.returncode == 0, result.stderr
    return result.stderr


@pytest.mark.parametrize("written", [external, named, unsaid], ids=lambda function: function.__name__)
def test_a_model_of_ones_own_is_measured(tmp_path: Path, written: Callable[[Path], None]) -> None:
    np.savez(tmp_path / "eval.npz", x=POINTS, labels=NUMBERS)
    written(tmp_path)
    said = undisturbed(tmp_path, "--model", "my.onnx", "--data", "eval.npz", "--set", "precision=int8_static")
    assert "eval.npz: 150 rows with labels: 30 to calibrate with, 60 to choose by, 60 for the final test" in said
    found = max((tmp_path / "reports").glob("*/measurement.json"))
    measurement = load_outcome(found.read_text())
    assert isinstance(measurement, Measurement)
    assert measurement.quality is not None
    assert (measurement.quality.basis, measurement.quality.total) == (Basis.ACCURACY, 60)
    assert measurement.quality.share > 0.9
    assert measurement.effective["precision"] == "int8_static"
