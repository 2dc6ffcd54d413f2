"""The committed model is the one that its papers describe, and int8 costs what they say."""

import hashlib
import json
from itertools import islice
from pathlib import Path

import onnx
import pytest
from conftest import HOME, run_module

REPORT = json.loads((HOME / "models" / "search.json").read_text(encoding="utf-8"))
MODEL = HOME / "models" / "search.onnx"


def committed(split: str) -> list[str]:
    return (HOME / "data" / f"search_{split}.jsonl").read_text(encoding="utf-8").splitlines()


def test_the_data_can_be_drawn_again():
    from search_data import held_out, line, practice

    drawn = held_out()
    for split in ("validation", "test"):
        assert list(map(line, drawn[split])) == committed(split)
    assert {split: len(examples) for split, examples in drawn.items()} == REPORT["data"]["examples"]
    texts = {split: {example.text for example in examples} for split, examples in drawn.items()}
    trained = {example.text for example in islice(practice(), 20_000)}
    assert len(trained) == 20_000
    assert not trained & (texts["validation"] | texts["test"])
    assert not texts["validation"] & texts["test"]


def test_the_report_is_about_this_file():
    assert REPORT["model"]["sha256"] == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    card = (HOME / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert REPORT["model"]["sha256"] in card
    for entry in (*REPORT["accuracy"].values(), REPORT["int8_on_test"], *REPORT["baselines_on_test"].values()):
        assert f"{entry['accuracy']:.1%} (95 % interval {entry['low']:.1%} to {entry['high']:.1%}" in card


def test_words_alone_do_not_decide():
    """What makes the model worth serving, and its compression worth measuring."""
    words, model = REPORT["baselines_on_test"]["words"], REPORT["accuracy"]["test"]
    assert words["high"] < 0.70
    assert model["low"] > 0.90
    assert model["high"] < 0.98


def accuracy(path: Path, rows: list[str]) -> float:
    from reference_agent.agents import AGENTS
    from reference_agent.inference.model import Model
    from reference_agent.inference.resources import Resources

    model = Model.load(AGENTS["search"], path, Resources())
    right = 0
    for row in map(json.loads, rows):
        signature = model.description.signature
        tokens = AGENTS["search"].read(row["request"], signature)
        right += signature.labels[int(model.run([tokens])[0].argmax())] == row["answer"]
    return right / len(rows)


def test_the_accuracy_is_the_reported_one():
    claimed = REPORT["accuracy"]["validation"]
    assert claimed["low"] <= accuracy(MODEL, committed("validation")) <= claimed["high"]


def test_batches_and_padding_do_not_change_an_answer():
    from reference_agent.agents import AGENTS
    from reference_agent.inference.model import Model
    from reference_agent.inference.resources import Resources

    model = Model.load(AGENTS["search"], MODEL, Resources())
    texts = [json.loads(row)["request"]["text"] for row in committed("validation")[:32]]
    signature = model.description.signature
    rows = [AGENTS["search"].read({"text": text}, signature) for text in texts]
    together = model.run(rows)
    for row, scores in zip(rows, together, strict=True):
        assert model.run([row])[0] == pytest.approx(scores, abs=1e-3)


def test_a_row_of_nothing_but_padding_has_finite_scores():
    from reference_agent.agents import AGENTS
    from reference_agent.inference.model import Model
    from reference_agent.inference.resources import Resources

    model = Model.load(AGENTS["search"], MODEL, Resources())
    scores = model.run([bytes(8 * 5), bytes(8)])
    assert abs(scores).max() < 100.0


def build(folder: Path, precision: str, *more: str) -> Path:
    done = run_module("reference_agent.variants.build", "--precision", precision, "--out", str(folder), *more)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in folder.iterdir()] == ["model.onnx"]
    return folder / "model.onnx"


def test_fp32_is_a_copy(tmp_path: Path):
    assert build(tmp_path, "fp32").read_bytes() == MODEL.read_bytes()


def test_int8_is_built_served_and_reported(tmp_path: Path, launch):
    path = build(tmp_path, "int8_dynamic")
    assert path.stat().st_size < 0.55 * MODEL.stat().st_size
    operators = {node.op_type for node in onnx.load(path).graph.node}
    assert "MatMulInteger" in operators

    server = launch("--model", str(path))
    config = server.client.get("/v1/config").json()
    assert config["precision"] == "int8_dynamic"
    assert config["model_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    rows = committed("validation")[:400]
    right = 0
    for row in map(json.loads, rows):
        right += server.decide(row["request"]["text"]).json()["decision"] == row["answer"]
    assert right / len(rows) == pytest.approx(accuracy(MODEL, rows), abs=0.015)


def test_int8_cannot_be_quantized_again(tmp_path: Path):
    path = build(tmp_path / "once", "int8_dynamic")
    for precision, code in (("fp32", 2), ("int8_dynamic", 0)):
        flags = ["--model", str(path), "--precision", precision, "--out", str(tmp_path / precision)]
        done = run_module("reference_agent.variants.build", *flags)
        assert done.returncode == code, done.stderr
    assert json.loads(run_module("reference_agent.variants.facts", "--model", str(path)).stdout)["precisions"] == [
        "int8_dynamic"
    ]
