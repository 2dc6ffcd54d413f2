"""The three agents: what they read, what they refuse, and that they decide as well as their cards say."""

import base64
import json
import zlib
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from asking import Launch
from conftest import HOME, Server, run_module
from reference_agent.agents import BUNDLED, bundled_model
from reference_agent.errors import RequestError
from reference_agent.inference.model import Model
from reference_agent.inference.resources import Resources

PICTURE = bytes(96 * 96 * 3)
SOME = 250
"""Requests that are enough to see a wrong reading."""


def requests(agent: str) -> list[dict[str, Any]]:
    text = (HOME / "data" / f"{agent}_validation.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw)).decode()


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    return {name: Model.load(agent, bundled_model(name), Resources()) for name, agent in BUNDLED.items()}


@pytest.fixture(scope="module", params=sorted(BUNDLED))
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Server]]:
    server = Server("--agent", request.param, "--batching", "dynamic", "--max-batch-size", "4")
    yield request.param, server
    assert server.stop() == (0, "")


def test_documents_are_decided_as_well_as_the_report_says(served: tuple[str, Server]) -> None:
    agent, server = served
    rows = requests(agent)[:SOME]
    answers = [server.client.post("/v1/decide", json=row["request"]).json() for row in rows]
    share = np.mean([answer["decision"] == row["answer"] for answer, row in zip(answers, rows, strict=True)])
    claimed = json.loads((HOME / "models" / f"{agent}.json").read_text())["accuracy"]["validation"]
    margin = 4 * (claimed["accuracy"] * (1 - claimed["accuracy"]) / SOME) ** 0.5
    assert abs(share - claimed["accuracy"]) < margin
    assert {answer["agent"] for answer in answers} == {agent}


def test_tensors_get_the_scores_that_documents_are_decided_by(served: tuple[str, Server]) -> None:
    name, server = served
    document = requests(name)[0]["request"]
    agent, description = BUNDLED[name], server.client.get(f"/v2/models/{name}").json()
    model = Model.load(agent, bundled_model(name), Resources())
    signature = model.description.signature
    raw = agent.read(document, signature)
    (given,), (gives,) = description["inputs"], description["outputs"]
    elements = np.frombuffer(raw, {"INT64": np.int64, "UINT8": np.uint8}[given["datatype"]])
    shape = [1, *(len(elements) if size == -1 else size for size in given["shape"][1:])]
    tensor = {"name": given["name"], "datatype": given["datatype"], "shape": shape}
    answer = server.client.post(
        f"/v2/models/{name}/infer", json={"inputs": [tensor | {"data": elements.reshape(shape).tolist()}]}
    ).json()
    (output,) = answer["outputs"]
    assert output["name"] == gives["name"]
    assert output["shape"] == [1, agent.scored(len(elements), signature)]
    assert output["data"] == pytest.approx(model.run([raw])[0].tolist(), abs=1e-3)
    decided = server.client.post("/v1/decide", json=document).json()
    assert decided["decision"] == agent.decide(output["data"], document, signature)["decision"]


def test_requests_of_any_length_share_a_batch(models: dict[str, Model]) -> None:
    model, agent = models["recommend"], BUNDLED["recommend"]
    signature = model.description.signature
    documents = [row["request"] for row in requests("recommend")[:8]]
    rows = [agent.read(document, signature) for document in documents]
    together = model.run(rows)
    for row, scores in zip(rows, together, strict=True):
        own = agent.scored(len(row) // 8, signature)
        assert scores[:own] == pytest.approx(model.run([row])[0], abs=1e-4)
        assert max(scores[own:], default=-1e9) < min(scores[:own]), "padding is never recommended"


@pytest.mark.parametrize(
    ("agent", "document", "says"),
    [
        ("drive", {}, '{"image"'),
        ("drive", [], '{"image"'),
        ("drive", {"image": 7}, "must be a string, not int"),
        ("drive", {"image": "no base64!"}, "is not base64 of zlib"),
        ("drive", {"image": base64.b64encode(b"no zlib").decode()}, "is not base64 of zlib"),
        ("drive", {"image": packed(PICTURE)[:20]}, "96 x 96 x 3"),
        ("drive", {"image": packed(PICTURE[1:])}, "27648 bytes"),
        ("drive", {"image": packed(PICTURE + b"1")}, "27648 bytes"),
        ("drive", {"image": packed(bytes(1 << 26))}, "27648 bytes"),
        ("recommend", {"user": 1, "hour": 2}, '"candidates": ['),
        ("recommend", {"user": 1, "hour": 2, "candidates": []}, "a list of 1 to 500 items"),
        ("recommend", {"user": 1, "hour": 2, "candidates": [1] * 501}, "a list of 1 to 500 items"),
        ("recommend", {"user": 1, "hour": 24, "candidates": [1]}, '"hour" must be from 0 to 23'),
        ("recommend", {"user": -1, "hour": 2, "candidates": [1]}, '"user" must be from 0 to 2999'),
        ("recommend", {"user": 1, "hour": 2, "candidates": [6000]}, '"candidates" must be from 0 to 5999'),
        ("recommend", {"user": 1, "hour": 2, "candidates": [True]}, "must be whole numbers"),
        ("recommend", {"user": 1.0, "hour": 2, "candidates": [1]}, "must be whole numbers"),
        ("recommend", {"user": 1 << 70, "hour": 2, "candidates": [1]}, '"user" must be from 0'),
    ],
)
def test_a_document_that_cannot_be_read(models: dict[str, Model], agent: str, document: Any, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        BUNDLED[agent].read(document, models[agent].description.signature)
    assert refused.value.status == 400
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([1, 1], "without an item"),
        ([1, 1, 0, 0], "without an item"),
        ([0, 1, 5], "a user outside 1 to 3000"),
        ([1, 25, 5], "an hour outside 1 to 24"),
        ([1, 1, 5, -1], "no known item"),
        ([1, 1, 6001], "no known item"),
    ],
)
def test_a_row_that_is_no_request(models: dict[str, Model], row: list[int], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        BUNDLED["recommend"].check(array("q", row), models["recommend"].description.signature)


def test_tensors_of_pictures_that_are_none(launch: Launch) -> None:
    server = launch("--agent", "drive")
    for shape, data, says in (
        ([1, 96, 96], [0] * 9216, "[rows, 96, 96, 3]"),
        ([1, 96, 96, 4], [0], "[rows, 96, 96, 3]"),
        ([1, 96, 96, 3], [0], "its shape needs 27648"),
        ([1, 96, 96, 3], [256] * 27648, "whole numbers of 8 bits"),
        ([1, 96, 96, 3], [[[[[0]]]]], "whole numbers of 8 bits"),
    ):
        tensor = {"name": "image", "datatype": "UINT8", "shape": shape, "data": data}
        answer = server.client.post("/v2/models/drive/infer", json={"inputs": [tensor]})
        assert answer.status_code == 400
        assert says in answer.json()["error"]


@pytest.mark.parametrize(("agent", "precision"), [("drive", "int8_static"), ("recommend", "int8_dynamic")])
def test_a_variant_is_served_under_its_true_name(agent: str, precision: str, tmp_path, launch: Launch) -> None:
    done = run_module(
        "reference_agent.variants.build", "--agent", agent, "--precision", precision, "--out", str(tmp_path)
    )
    assert (done.returncode, done.stderr) == (0, "")
    server = launch("--agent", agent, "--model", str(tmp_path / "model.onnx"))
    shown = server.client.get("/v1/config").json()
    assert (shown["agent"], shown["precision"], shown["compression"]) == (agent, precision, "none")
    row = requests(agent)[0]
    assert server.client.post("/v1/decide", json=row["request"]).status_code == 200
