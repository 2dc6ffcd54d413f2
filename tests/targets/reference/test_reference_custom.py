"""The agent for any classifier: what it reads and decides, and the user's rows in three parts."""

import base64
import json
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from asking import Launch
from conftest import run_module
from onnx import helper
from reference_agent.agents.custom import MOST_BYTES, Custom
from reference_agent.agents.signature import TYPE_CODES, Interface, Signature, Tensor
from reference_agent.errors import RequestError, StartError
from reference_agent.evaluation.data import Evaluation, read_evaluation
from reference_agent.evaluation.parts import Parts, parts_of, written
from reference_agent.http.body import BODY_LIMIT
from variant_graphs import INT64, model, rows_of

CUSTOM = Custom()
CLASSES = 3


def signature(*shape: int | None, datatype: str = "FP32", labels: tuple[str, ...] = ()) -> Signature:
    return Signature(
        input=Tensor(name="x", datatype=datatype, shape=shape),
        output=Tensor(name="y", datatype="FP32", shape=(CLASSES,)),
        labels=labels,
        limits={"max_length": 4} if None in shape else {},
    )


def packed(*numbers: float, code: str = "f") -> str:
    return base64.b64encode(array(code, numbers).tobytes()).decode()


@pytest.mark.parametrize(
    ("known", "given", "row"),
    [
        (signature(3), [1, 2.5, -3], [1.0, 2.5, -3.0]),
        (signature(3), packed(1, 2.5, -3), [1.0, 2.5, -3.0]),
        (signature(2, 2), [[1, 2], [3, 4]], [1.0, 2.0, 3.0, 4.0]),
        (signature(2, 1, 2), [[[1, 2]], [[3, 4]]], [1.0, 2.0, 3.0, 4.0]),
        (signature(None, datatype="INT64"), [7, -8], [7, -8]),
        (signature(None, datatype="INT32"), packed(7, -8, code="i"), [7, -8]),
        (signature(2, datatype="UINT8"), [0, 255], [0, 255]),
    ],
)
def test_a_row_in_lists_or_bytes(known: Signature, given: Any, row: list[float]) -> None:
    raw = CUSTOM.read({"input": given}, known)
    assert array(TYPE_CODES[known.input.datatype], raw).tolist() == row


@pytest.mark.parametrize(
    ("known", "document", "says"),
    [
        (signature(3), [1, 2, 3], 'the body must be a JSON object like {"input": [1, 2, ...]}'),
        (signature(3), {"inputs": [1, 2, 3]}, '{"input": [1, 2, ...]}'),
        (signature(3), {"input": [1, 2]}, '"input" must be FP32 numbers in lists of 3'),
        (signature(3), {"input": [1, 2, "3"]}, "FP32 numbers"),
        (signature(3), {"input": [1, 2, True]}, "FP32 numbers"),
        (signature(3), {"input": [1, 2, None]}, "FP32 numbers"),
        (signature(3), {"input": [1, 2, 1e39]}, "x holds numbers that are not finite in 32 bits"),
        (signature(3), {"input": packed(1, 2, np.nan)}, "not finite"),
        (signature(3), {"input": packed(1, 2)}, "must be the base64 of 3 FP32, lowest bytes first"),
        (signature(3), {"input": "AAA"}, "base64 of 3 FP32"),
        (signature(3), {"input": "AAAA"}, "base64 of 3 FP32"),
        (signature(3), {"input": "äh"}, "base64 of 3 FP32"),
        (signature(2, 2), {"input": [1, 2, 3, 4]}, "in lists of 2 x 2"),
        (signature(2, 2), {"input": [[1, 2], [3]]}, "in lists of 2 x 2"),
        (signature(2, datatype="UINT8"), {"input": [0, 256]}, "UINT8 numbers"),
        (signature(2, datatype="INT64"), {"input": [0, 1.0]}, "INT64 numbers"),
        (signature(2, datatype="INT64"), {"input": [0, 1 << 70]}, "INT64 numbers"),
        (signature(None), {"input": []}, '"input" must hold 1 to 4 numbers, not 0'),
        (signature(None), {"input": [1, 2, 3, 4, 5]}, '"input" must hold 1 to 4 numbers, not 5'),
        (signature(None), {"input": packed(1, 2, 3, 4, 5)}, '"input" must hold 1 to 4 numbers, not 5'),
        (signature(None), {"input": 7}, "FP32 numbers in lists of 1 to 4"),
    ],
)
def test_a_document_that_cannot_be_read(known: Signature, document: Any, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        CUSTOM.read(document, known)
    assert refused.value.status == 400
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("scores", "labels", "decision", "confidence"),
    [
        ([0.0, 2.0, 1.0], (), 1, 0.665241),
        ([0.0, 2.0, 1.0], ("a", "b", "c"), "b", 0.665241),
        ([0.25, 0.125, 0.625], (), 2, 0.625),
        ([0.75, 0.125, 0.625], (), 0, 0.413606),
        ([-0.5, 0.5, 1.0], (), 2, 0.546549),
    ],
)
def test_the_highest_score_decides(
    scores: list[float], labels: tuple[str, ...], decision: Any, confidence: float
) -> None:
    """Its share is by softmax, unless the scores are shares already."""
    known = signature(2, labels=labels)
    assert CUSTOM.decide(array("f", scores), {}, known) == {"decision": decision, "confidence": confidence}


def test_the_largest_row_fits_into_a_request() -> None:
    assert len(json.dumps({"input": base64.b64encode(bytes(MOST_BYTES)).decode()})) <= BODY_LIMIT


def test_a_length_that_the_metadata_state() -> None:
    face = Interface(
        inputs=(Tensor(name="x", datatype="INT64", shape=(None,)),),
        outputs=(Tensor(name="y", datatype="FP32", shape=(2,)),),
        batch=None,
    )
    assert CUSTOM.signature(face, {"max_length": "9"}).longest == 9
    for wrong in ("0", "-1", "many"):
        with pytest.raises(StartError, match="which is no count"):
            CUSTOM.signature(face, {"max_length": wrong})


@pytest.mark.parametrize(
    ("rows", "size", "counts"),
    [(50, 4, (10, 20, 20)), (100, 4, (20, 40, 40)), (10_000, 4, (256, 2000, 2000)), (60, 1 << 23, (12, 16, 16))],
)
def test_no_row_is_in_two_parts(rows: int, size: int, counts: tuple[int, int, int]) -> None:
    """As many as there are, as can be asked before every trial, and as fit into the memory of what asks."""
    evaluation = Evaluation(rows=[np.broadcast_to(np.uint8(0), size)] * rows, answers=None)
    parts = parts_of(evaluation)
    assert (len(parts.calibration), len(parts.selection), len(parts.test)) == counts
    together = [*parts.calibration, *parts.selection, *parts.test]
    assert len(set(together)) == len(together)
    assert set(together) <= set(range(rows))
    assert together != sorted(together), "data are often sorted by their labels"
    assert parts_of(evaluation) == parts


def test_requests_are_written_once_for_the_same_data(tmp_path: Path) -> None:
    known, data, cache = (
        signature(None, datatype="INT64", labels=("a", "b", "c")),
        tmp_path / "e.npz",
        tmp_path / "cache",
    )
    rows = {f"x/{number:03}": np.arange(1 + number % 4) for number in range(60)}
    np.savez(data, **rows, labels=np.arange(60) % 3)
    evaluation = read_evaluation(data, known, 4)
    assert evaluation.longest == 4
    parts = Parts(calibration=[2, 1], selection=[5], test=[7, 3])
    folder = written(evaluation, parts, known, data, cache)
    assert (folder / "selection.jsonl").read_text() == '{"request": {"input": [0, 1]}, "answer": "c"}\n'
    lines = [json.loads(line) for line in (folder / "test.jsonl").read_text().splitlines()]
    assert lines == [
        {"request": {"input": [0, 1, 2, 3]}, "answer": "b"},
        {"request": {"input": [0, 1, 2, 3]}, "answer": "a"},
    ]
    with np.load(folder / "calibration.npz") as stored:
        assert {name: row.tolist() for name, row in stored.items()} == {"x/00001": [0, 1], "x/00002": [0, 1, 2]}
    before = (folder / "test.jsonl").stat().st_mtime_ns
    assert written(evaluation, parts, known, data, cache) == folder
    assert (folder / "test.jsonl").stat().st_mtime_ns == before
    np.savez(data, **rows)
    assert written(evaluation, parts, known, data, cache) != folder
    assert len([path for path in cache.iterdir() if path.name.isalnum()]) == len(list(cache.iterdir())) == 2


def test_a_row_of_more_than_the_model_reads(tmp_path: Path) -> None:
    np.savez(tmp_path / "e.npz", x=np.zeros((60, 5), np.int64))
    with pytest.raises(StartError, match="has a row of 5 numbers, but the model's max_length is 4"):
        read_evaluation(tmp_path / "e.npz", signature(None, datatype="INT64"), 4)


def test_numbers_that_the_datatype_has_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "e.npz", x=np.full((60, 2), 256))
    with pytest.raises(StartError, match="row 0 holds numbers outside UINT8"):
        read_evaluation(tmp_path / "e.npz", signature(2, datatype="UINT8"), None)


def test_a_row_too_large_for_a_request(tmp_path: Path) -> None:
    np.savez(tmp_path / "e.npz", x=np.zeros((1, 512, 512, 3), np.uint8))
    with pytest.raises(StartError, match="a row has 786432 bytes, but one request holds at most 785664"):
        read_evaluation(tmp_path / "e.npz", signature(512, 512, 3, datatype="UINT8"), None)


def words() -> onnx.ModelProto:
    """Scores for rows of word numbers of any length, of which 0 counts for nothing: the sum of what each word says."""
    table = np.random.RandomState(5).normal(size=(40, CLASSES)).astype(np.float32)
    table[0] = 0.0
    nodes = [
        helper.make_node("Gather", ["table", "x"], ["said"]),
        helper.make_node("ReduceSum", ["said", "axis"], ["y"], keepdims=0),
    ]
    made = model(nodes, {"table": table, "axis": np.array([1])}, {"x": (INT64, ["batch", "length"])})
    helper.set_model_props(made, {"labels": '["a", "b", "c"]'})
    return made


def test_a_model_of_any_length_is_served(tmp_path: Path, launch: Launch) -> None:
    """From a file without a word about precision or length to answers, batched or not, as documents or as tensors."""
    onnx.save(words(), tmp_path / "words.onnx")
    flags = ["--agent", "custom", "--model", str(tmp_path / "words.onnx"), "--precision", "fp32", "--longest", "6"]
    done = run_module("reference_agent.variants.build", *flags, "--out", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    server = launch(
        "--agent", "custom", "--model", str(tmp_path / "model.onnx"), "--batching", "dynamic", "--max-batch-size", "4"
    )
    shown = server.client.get("/v1/config").json()
    assert (shown["agent"], shown["precision"]) == ("custom", "fp32")
    metadata = server.client.get("/v2/models/custom").json()
    assert metadata["inputs"] == [{"name": "x", "datatype": "INT64", "shape": [-1, -1]}]
    assert metadata["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}]
    for row in ([3, 9, 3], [8], [1, 2, 3, 4, 5, 39]):
        tensor = {"name": "x", "datatype": "INT64", "shape": [1, len(row)], "data": row}
        answer = server.client.post("/v2/models/custom/infer", json={"inputs": [tensor]}).json()
        scores = answer["outputs"][0]["data"]
        decided = server.client.post("/v1/decide", json={"input": row}).json()
        assert decided["decision"] == "abc"[int(np.argmax(scores))]
        assert server.client.post("/v1/decide", json={"input": packed(*row, code="q")}).json() == decided
    refused = server.client.post("/v1/decide", json={"input": [1] * 7})
    assert (refused.status_code, refused.json()["error"]) == (400, '"input" must hold 1 to 6 numbers, not 7')


def test_what_variants_are_made_of_is_told_by_a_hash(tmp_path: Path) -> None:
    """Of the model, also of what lies in other files, and of the rows to calibrate with: all are in the cache's key."""
    rows = np.random.RandomState(1).normal(size=(60, 4)).astype(np.float32)

    def hashed(weights: np.ndarray, rows: np.ndarray) -> str:
        made = model([helper.make_node("MatMul", ["x", "weights"], ["y"])], {"weights": weights}, rows_of(4))
        (tmp_path / "m.bin").unlink(missing_ok=True)  # onnx would write behind what is there
        onnx.save(made, tmp_path / "m.onnx", save_as_external_data=True, location="m.bin", size_threshold=0)
        np.savez(tmp_path / "e.npz", x=rows)
        flags = ["--agent", "auto", "--model", str(tmp_path / "m.onnx"), "--data", str(tmp_path / "e.npz")]
        done = run_module("reference_agent.variants.facts", *flags, "--cache", str(tmp_path / "cache"))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["made_of"]

    known = hashed(np.eye(4, CLASSES), rows)
    assert hashed(np.eye(4, CLASSES), rows) == known
    assert hashed(np.eye(4, CLASSES, 1), rows) != known
    assert hashed(np.eye(4, CLASSES), rows + 1) != known


def test_the_example_of_the_documentation_is_answered(tmp_path: Path, launch: Launch) -> None:
    nodes = [helper.make_node("MatMul", ["x", "weights"], ["y"])]
    made = model(nodes, {"weights": np.eye(4, CLASSES)}, rows_of(4))
    helper.set_model_props(made, {"precision": "fp32"})
    onnx.save(made, tmp_path / "model.onnx")
    server = launch("--agent", "custom", "--model", str(tmp_path / "model.onnx"))
    paths = server.client.get("/openapi.json").json()["paths"]

    def example(path: str) -> Any:
        return paths[path]["post"]["requestBody"]["content"]["application/json"]["example"]

    assert example("/v1/decide") == {"input": [0.0, 0.5, 0.0, 0.5]}
    answer = server.client.post("/v1/decide", json=example("/v1/decide")).json()
    assert (answer["agent"], answer["decision"]) == ("custom", 1)
    assert server.client.post("/v2/models/custom/infer", json=example("/v2/models/{model}/infer")).status_code == 200
    assert "base64 of" not in server.client.get("/docs").text
