"""A server that cannot run as asked says so in one sentence and does not run."""

import socket
from pathlib import Path

import onnx
import pytest
from conftest import HOME, run_module
from onnx import TensorProto, helper

MODEL = HOME / "models" / "search.onnx"


Shape = tuple[str | int, ...]


def misfit(path: Path, *, name: str = "input_ids", kind: int = TensorProto.INT64, shape: Shape = ("b", "l")) -> Path:
    """Write a valid model that is not quite a search agent; it holds no MatMul."""
    nodes = [
        helper.make_node("Cast", [name], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["wide", "axis"], ["total"], keepdims=1),
        helper.make_node("Mul", ["total", "weights"], ["logits"]),
    ]
    initial = [
        helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
        helper.make_tensor("weights", TensorProto.FLOAT, [1, 2], [1.0, 2.0]),
    ]
    graph = helper.make_graph(
        nodes,
        "misfit",
        [helper.make_tensor_value_info(name, kind, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 2])],
        initial,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(
        model,
        {"agent": "search", "labels": '["one", "two"]', "vocabulary": "50", "max_length": "9", "precision": "fp32"},
    )
    onnx.save(model, path)
    return path


def relabelled(path: Path, **metadata: str | None) -> Path:
    """Write the bundled model with other metadata; None removes an entry."""
    model = onnx.load(MODEL)
    entries = {entry.key: entry.value for entry in model.metadata_props} | metadata
    del model.metadata_props[:]
    helper.set_model_props(model, {key: value for key, value in entries.items() if value is not None})
    onnx.save(model, path)
    return path


def refusal(*flags: str, module: str = "reference_agent") -> str:
    """Run a program that must refuse, and return its sentence."""
    done = run_module(module, *(("--port", "0") if module == "reference_agent" else ()), *flags)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--workers", "0"], "--workers: 0 is not between 1 and 256"),
        (["--workers", "two"], "'two' is not a whole number"),
        (["--batching", "dynamic", "--max-batch-size", "1.5"], "not a whole number"),
        (["--batch-timeout-ms", "-1"], "not a number between 0 and 60000"),
        (["--batch-timeout-ms", "nan"], "not a number between"),
        (["--port", "70000"], "not between 0 and 65535"),
        (["--agent", "chess"], "invalid choice: 'chess'"),
        (["--batching", "dynamic", "--max-batch-size", "64", "--queue-capacity", "8"], "a full batch could never form"),
        (["--fast"], "unrecognized arguments: --fast"),
        (["--host", "256.0.0.1"], "cannot listen on 256.0.0.1"),
        (["--execution-provider", "NonsenseExecutionProvider"], "NonsenseExecutionProvider is not in onnxruntime "),
        (["--execution-provider", "AzureExecutionProvider"], "fell back"),
        (["--model", "/nowhere/model.onnx"], "/nowhere/model.onnx: cannot be read (No such file or directory)"),
    ],
)
def test_a_flag_that_cannot_be_obeyed(flags, says):
    assert says in refusal(*flags)


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "Address already in use" in refusal("--port", str(taken.getsockname()[1]))


@pytest.mark.parametrize("module", ["reference_agent", "reference_agent.variants.facts"])
def test_a_file_that_is_no_model(tmp_path: Path, module):
    path = tmp_path / "model.onnx"
    for content in (b"", b"junk", MODEL.read_bytes()[:100_000]):
        path.write_bytes(content)
        sentence = refusal("--model", str(path), module=module)
        assert f" {path}: " in sentence
        assert "; give --model a complete ONNX file\n" in sentence


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "ids"}, "takes ids INT64 [batch, any] and returns"),
        ({"kind": TensorProto.INT32}, "takes input_ids INT32 [batch, any]"),
        ({"shape": ("b", "l", 1)}, "takes input_ids INT64 [batch, any, 1]"),
        ({"shape": (1, "l")}, "has the fixed size 1"),
    ],
)
def test_a_model_whose_tensors_do_not_fit(tmp_path: Path, changes, says):
    path = misfit(tmp_path / "model.onnx", **changes)
    assert says in refusal("--model", str(path), module="reference_agent.variants.facts")


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"agent": "chess"}, "is a model of the agent 'chess'"),
        ({"agent": None}, "lack a sound agent"),
        ({"labels": "[1"}, "lack a sound agent, labels"),
        ({"vocabulary": "many"}, "lack a sound agent, labels, vocabulary"),
        ({"precision": "int4"}, "say precision 'int4' but its operators are floating point"),
        ({"precision": None}, "say precision None but"),
        ({"labels": '["one"]'}, "do not belong together"),
    ],
)
def test_metadata_that_lie(tmp_path: Path, metadata, says):
    path = relabelled(tmp_path / "model.onnx", **metadata)
    assert says in refusal("--model", str(path))


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_model_that_loads_but_cannot_compute(tmp_path: Path, isolation):
    """Its table has fewer entries than its vocabulary."""
    model = onnx.load(misfit(tmp_path / "model.onnx"))
    model.graph.initializer.append(helper.make_tensor("table", TensorProto.INT64, [1], [7]))
    model.graph.node.insert(0, helper.make_node("Gather", ["table", "input_ids"], ["found"]))
    model.graph.node[1].input[0] = "found"
    onnx.save(model, tmp_path / "model.onnx")
    says = refusal("--model", str(tmp_path / "model.onnx"), "--isolation", isolation)
    assert "the model cannot compute 1 x 16 numbers: " in says


def test_a_model_of_your_own_is_served(tmp_path: Path, launch):
    server = launch("--model", str(misfit(tmp_path / "model.onnx")))
    answer = server.decide("any words")
    assert (answer.status_code, answer.json()["decision"]) == (200, "two")


def test_quantizing_nothing_is_refused(tmp_path: Path):
    path = misfit(tmp_path / "model.onnx")
    flags = ["--model", str(path), "--precision", "int8_dynamic", "--out", str(tmp_path / "out")]
    assert "nothing to quantize" in refusal(*flags, module="reference_agent.variants.build")
    assert list((tmp_path / "out").iterdir()) == []
