"""What a client sees: answers, headers, both protocols, refusals."""

import json
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from conftest import HOME, NONCE, Server, run_module

DECIDE, INFER = "/v1/decide", "/v2/models/search/infer"


def tensor(**changes: object) -> bytes:
    """A small inference request, with some of its tensor's fields changed."""
    good = {"name": "input_ids", "datatype": "INT64", "shape": [1, 3], "data": [5, 6, 7]}
    return json.dumps({"inputs": [good | changes]}).encode()


def test_known_answers(server: Server, examples):
    """Fifty requests, eight at a time: everybody gets the own answer, and most are right."""
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(server.decide, [text for text, _ in examples[:50]]))
    decisions = [response.json()["decision"] for response in together]
    alone = [server.decide(text).json()["decision"] for text, _ in examples[:50]]
    assert decisions == alone
    assert sum(found == intent for found, (_, intent) in zip(decisions, examples, strict=False)) >= 40
    assert max(int(response.headers["x-batch-size"]) for response in together) > 1


def test_an_answer_says_where_its_time_went(server: Server):
    response = server.decide("book a train from paris to london")
    answer, sha256 = response.json(), server.client.get("/v1/config").json()["model_sha256"]
    assert answer.keys() == {"agent", "decision", "confidence", "model_version"}
    assert answer["decision"] == "book_paris_to_london"
    assert 0.5 < answer["confidence"] <= 1.0
    assert sha256.startswith(answer["model_version"])
    timing = dict(part.split(";dur=") for part in response.headers["server-timing"].split(", "))
    assert float(timing["queue"]) + float(timing["compute"]) <= float(timing["total"]) < 5000
    assert float(timing["compute"]) > 0
    assert response.headers["x-batch-size"] == "1"


@pytest.mark.parametrize("path", ["/v2/health/live", DECIDE, "/v1/config", "/nowhere", "/metrics"])
def test_every_answer_carries_the_nonce_of_the_launch(server: Server, path):
    assert server.client.get(path).headers["x-launch-nonce"] == NONCE


def test_what_is_longer_than_the_model_reads_is_cut_off(server: Server):
    start = "move the thread from the inbox to the archive " * 8
    longer = server.decide(start + "no wait the other way round")
    assert longer.json() == server.decide(start).json()


def test_effective_settings(server: Server):
    config = server.client.get("/v1/config").json()
    expected = {
        "agent": "search",
        "max_batch_size": 8,
        "batch_timeout_ms": 20.0,
        "workers": 1,
        "intra_op_threads": 1,
        "execution_provider": "CPUExecutionProvider",
        "nodes_on_provider": 1.0,
        "precision": "fp32",
        "queue_capacity": 256,
    }
    assert config | expected == config
    assert config["model_sha256"] == json.loads((HOME / "models" / "search.json").read_text())["model"]["sha256"]


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        (DECIDE, b"", 400, "not JSON"),
        (DECIDE, b"{", 400, "not JSON"),
        (DECIDE, b"\xff\xfe", 400, "not JSON"),
        (DECIDE, b"[" * 100_000, 400, "depth limit"),
        (DECIDE, b"[1]", 400, "JSON object"),
        (DECIDE, b"{}", 400, '"text"'),
        (DECIDE, b'{"text": 7}', 400, "must be a string"),
        (DECIDE, b'{"text": null}', 400, "must be a string"),
        (DECIDE, b'{"text": ""}', 400, "no word"),
        (DECIDE, b'{"text": "  "}', 400, "no word"),
        (DECIDE, b'{"text": "' + b"x" * (1 << 20) + b'"}', 413, "larger than"),
        ("/v1/nothing", b"{}", 404, "not found"),
        ("/v2/health/ready", b"{}", 405, "not allowed"),
        ("/v2/models/other/infer", tensor(), 404, "unknown model other"),
        ("/v2/models/search/versions/9/infer", tensor(), 404, "version 9"),
        (INFER, b"nonsense", 400, "not JSON"),
        (INFER, b"[]", 400, "JSON object"),
        (INFER, b"{}", 400, '"inputs"'),
        (INFER, b'{"inputs": []}', 400, '"inputs"'),
        (INFER, b'{"inputs": [3]}', 400, '"inputs"'),
        (INFER, tensor(name="tokens"), 400, "unknown input 'tokens'"),
        (INFER, tensor(datatype="FP32"), 400, "INT64"),
        (INFER, tensor(shape=[3]), 400, "shape"),
        (INFER, tensor(shape=[1, "3"]), 400, "shape"),
        (INFER, tensor(shape=[1, True]), 400, "shape"),
        (INFER, tensor(shape=[0, 3]), 400, "shape"),
        (INFER, tensor(shape=[1, -3]), 400, "shape"),
        (INFER, tensor(shape=[1, 65], data=[2] * 65), 400, "at most 64"),
        (INFER, tensor(shape=[300, 1], data=[2] * 300), 400, "at most 256"),
        (INFER, tensor(shape=[2, 3]), 400, "holds 3 numbers, its shape needs 6"),
        (INFER, tensor(data=[5, 6]), 400, "holds 2 numbers"),
        (INFER, tensor(data="567"), 400, "whole numbers"),
        (INFER, tensor(data=[5, 6, 7.5]), 400, "whole numbers"),
        (INFER, tensor(data=[5, 6, "7"]), 400, "whole numbers"),
        (INFER, tensor(data=[5, 6, True]), 400, "whole numbers"),
        (INFER, tensor(data=[5, 6, 1 << 70]), 400, "whole numbers"),
        (INFER, tensor(data=[5, 6, -1]), 400, "outside 0 to"),
        (INFER, tensor(data=[5, 6, 100000]), 400, "outside 0 to"),
        (INFER, tensor(data=[0, 0, 0]), 400, "nothing but padding"),
        (INFER, tensor(parameters=[]), 400, '"parameters"'),
        (INFER, tensor(parameters={"binary_data_size": 24}), 400, "announces 24 bytes"),
    ],
)
def test_a_bad_request_gets_one_sentence(server: Server, path, body, status, says):
    response = server.client.post(path, content=body)
    assert response.status_code == status
    assert response.json().keys() == {"error"}
    assert says in response.json()["error"]
    assert "Traceback" not in response.text


@pytest.mark.parametrize("length", ["-1", "x", "99999"])
def test_a_wrong_length_of_the_json_part_is_refused(server: Server, length):
    headers = {"Inference-Header-Content-Length": length}
    assert server.client.post(INFER, content=tensor(), headers=headers).status_code == 400


def test_a_body_without_end_is_cut_off(server: Server):
    def chunks():
        for _ in range(40):
            yield b" " * 65536

    with pytest.raises((httpx.HTTPStatusError, httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError)):
        server.client.post(DECIDE, content=chunks()).raise_for_status()
    assert server.decide("book a train from paris to london").status_code == 200


def test_rows_of_one_request_are_computed_together(server: Server):
    body = tensor(shape=[3, 2], data=[[5, 6], [7, 8], [9, 0]])
    response = server.client.post("/v2/models/search/infer", content=body)
    output = response.json()["outputs"][0]
    assert (output["name"], output["datatype"], output["shape"]) == ("logits", "FP32", [3, 24])
    assert response.headers["x-batch-size"] == "3"
    alone = server.client.post(INFER, content=tensor(shape=[1, 2], data=[7, 8])).json()["outputs"][0]["data"]
    assert output["data"][24:48] == pytest.approx(alone, abs=1e-4)


def test_binary_tensors_without_a_client_library(server: Server):
    raw = struct.pack("<3q", 5, 6, 7)
    head = json.dumps(
        {
            "id": "mine",
            "inputs": [
                {"name": "input_ids", "datatype": "INT64", "shape": [1, 3], "parameters": {"binary_data_size": 24}}
            ],
            "outputs": [{"name": "logits", "parameters": {"binary_data": True}}],
        }
    ).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    response = server.client.post(INFER, content=head + raw, headers=headers)
    split = int(response.headers["inference-header-content-length"])
    assert json.loads(response.content[:split])["id"] == "mine"
    plain = server.client.post(INFER, content=tensor()).json()["outputs"][0]["data"]
    assert struct.unpack("<24f", response.content[split:]) == pytest.approx(plain)


@pytest.mark.parametrize("binary", [True, False])
def test_tritonclient_works_unchanged(server: Server, binary):
    http = pytest.importorskip("tritonclient.http")
    numpy = pytest.importorskip("numpy")
    client = http.InferenceServerClient(f"127.0.0.1:{server.port}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("search")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    assert client.get_model_metadata("search")["outputs"][0]["shape"] == [-1, 24]
    ids = http.InferInput("input_ids", [2, 3], "INT64")
    ids.set_data_from_numpy(numpy.array([[5, 6, 7], [8, 9, 0]], dtype=numpy.int64), binary_data=binary)
    wanted = http.InferRequestedOutput("logits", binary_data=binary)
    for outputs in (None, [wanted]):
        scores = client.infer("search", [ids], outputs=outputs, request_id="7").as_numpy("logits")
        assert scores.shape == (2, 24)
        assert scores.dtype == numpy.float32
    client.close()


def test_metrics(server: Server):
    server.decide("book a train from paris to london")
    server.client.post(DECIDE, content=b"{")
    text = server.client.get("/metrics").text
    for line in ('agent_requests_total{code="200"}', 'agent_requests_total{code="400"}', "agent_batch_size_count"):
        assert f"\n{line} " in text
    assert "\nagent_queue_depth 0.0\n" in text
    assert "\nagent_workers 1.0\n" in text
    assert "\nagent_worker_restarts_total 0.0\n" in text


def operations(server: Server) -> list[tuple[str, str, dict[str, Any]]]:
    document = server.client.get("/openapi.json").json()
    return [(path, method, entry) for path, methods in document["paths"].items() for method, entry in methods.items()]


def test_openapi_describes_what_is_there(server: Server):
    """The document is sound, and every path of it is served with that method."""
    document = server.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["info"].keys() >= {"title", "version"}
    paths = [(path, method) for path, method, _ in operations(server)]
    assert {(DECIDE, "post"), ("/v1/config", "put"), ("/v2/models/{model}/infer", "post")} <= set(paths)
    for path, method, operation in operations(server):
        assert path.startswith("/")
        assert operation["summary"]
        parameters = operation["parameters"]
        assert all(
            entry.keys() == {"name", "in", "schema", "description"} or entry["in"] == "path" for entry in parameters
        )
        in_path = [entry["name"] for entry in parameters if entry["in"] == "path"]
        assert sorted(in_path) == sorted(re.findall(r"{(\w+)}", path))
        assert all(entry["required"] for entry in parameters if entry["in"] == "path")
        assert len({(entry["name"], entry["in"]) for entry in parameters}) == len(parameters)
        assert operation["responses"]
        for status, response in operation["responses"].items():
            assert 200 <= int(status) < 600
            assert response["description"]
        for content in contents(operation):
            assert content.keys() == {"application/json"}
            assert "example" in content["application/json"]
        filled = path.replace("{model}", "search").replace("{id}", "none")
        answer = server.client.request(method, filled, content=b"{")
        assert answer.status_code != 405
        assert answer.text != json.dumps({"error": f"{method.upper()} {filled}: not found"}, separators=(",", ":"))


def contents(operation: dict[str, Any]) -> list[dict[str, Any]]:
    holders = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [holder["content"] for holder in holders if "content" in holder]


def test_the_examples_of_openapi_are_answered(server: Server):
    for path, method, operation in operations(server):
        if path in (DECIDE, "/v2/models/{model}/infer"):
            example = operation["requestBody"]["content"]["application/json"]["example"]
            answer = server.client.request(method, path.replace("{model}", "search"), json=example)
            shown = operation["responses"]["200"]["content"]["application/json"]["example"]
            assert answer.status_code == 200
            assert answer.json().keys() >= shown.keys()


class Page(HTMLParser):
    """What a page says, and what it makes a browser do."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_for_people_names_every_path_and_loads_nothing(server: Server):
    answer = server.client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page()
    page.feed(answer.text)
    for path, method, operation in operations(server):
        assert f"{method.upper()} {path}" in page.text
        assert operation["summary"] in page.text
    assert {"html", "title", "style", "section"} <= {tag for tag, _ in page.tags}
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "embed", "base"}
    assert {attributes["href"] for tag, attributes in page.tags if tag == "a"} == {"/openapi.json"}
    assert not any("src" in attributes or "style" in attributes for _, attributes in page.tags)
    assert "@import" not in answer.text
    assert "url(" not in answer.text


def test_facts_are_what_works_here():
    done = run_module("reference_agent.variants.facts", "--model", "")
    facts = json.loads(done.stdout)
    assert "CPUExecutionProvider" in facts["providers"]
    assert "AzureExecutionProvider" not in facts["providers"], "it is listed, but everything falls back to the CPU"
    assert facts["precisions"] == ["fp32", "fp16", "int8_dynamic", "int8_static", "int4"]
    assert len(facts["model_sha256"]) == 64
