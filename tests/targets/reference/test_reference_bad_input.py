"""What no sound client sends: lies about lengths, streams without end, nonsense in every field, silence."""

import gzip
import json
import resource
import select
import struct
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from asking import (
    ANSWER,
    DECIDE,
    HEAD,
    INFER,
    TEXT,
    Launch,
    Wire,
    busy_workers,
    freeze,
    resident,
    tensor,
    thaw,
    wire,
)
from conftest import Server, eventually
from hypothesis import given, settings
from hypothesis import strategies as st

READ_SECONDS = 1
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ASK = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
GROWTH = 48.0
"""MB that nothing in this file makes a server grow by."""


@pytest.fixture(scope="module")
def patient() -> Iterator[Server]:
    """One server that must outlive everything in this file."""
    server = Server("--read-timeout", str(READ_SECONDS), "--queue-capacity", "64")
    assert server.decide(TEXT).json()["decision"] == ANSWER
    before = resident(server.process.pid)
    yield server
    assert server.decide(TEXT).json()["decision"] == ANSWER
    assert resident(server.process.pid) - before < GROWTH
    assert server.stop() == (0, "")


def one_sentence(document: dict[str, str]) -> str:
    assert document.keys() == {"error"}
    assert "\n" not in document["error"]
    return document["error"]


# Lengths


@pytest.mark.parametrize(
    "line",
    [b"-5", b"abc", b"+5", b"1e3", b"5, 6", b"9" * 30, b"5\r\nContent-Length: 6", b"5\r\nTransfer-Encoding: chunked"],
)
def test_a_length_that_is_none(patient: Server, line):
    with wire(patient) as connection:
        connection.send(HEAD + b"Content-Length: " + line + b"\r\n\r\n{}")
        said = connection.said()
        assert (said.status, said.headers["connection"]) == (400, "close")
        assert "not a request in HTTP/1.1" in one_sentence(said.document)
        assert connection.is_closed()


def test_a_length_that_is_too_small_answers_nothing_twice(patient: Server):
    """What follows the announced bytes is the next request, and none."""
    with wire(patient) as connection:
        connection.send(HEAD + b'Content-Length: 2\r\n\r\n{"text": "book a train from paris to london"}')
        said = connection.said()
        assert said.status == 400
        one_sentence(said.document)


def test_a_length_above_the_limit_is_refused_before_the_body_comes(patient: Server):
    with wire(patient) as connection:
        connection.send(HEAD + b"Content-Length: 10000000\r\n\r\n")
        said = connection.said()
        assert (said.status, one_sentence(said.document)) == (413, "the body is larger than 1048576 bytes")


@pytest.mark.parametrize(
    "garbage",
    [
        b"HELLO\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/decide HTTP/1.1\r\nno colon here\r\n\r\n",
        CHUNKED + b"zz\r\n",
    ],
    ids=["word", "tls", "http2", "path", "version", "header", "chunk"],
)
def test_what_is_no_http(patient: Server, garbage):
    with wire(patient) as connection:
        connection.send(garbage)
        said = connection.said()
        assert said.status == 400
        assert said.headers["x-launch-nonce"], "a refusal comes from this launch too"
        one_sentence(said.document)
        assert connection.is_closed()


def test_a_compressed_body_is_not_unpacked(patient: Server):
    bomb = gzip.compress(b" " * (16 << 20))
    response = patient.client.post(DECIDE, content=bomb, headers={"Content-Encoding": "gzip"})
    assert (response.status_code, one_sentence(response.json())) == (
        415,
        "compressed bodies are not read; send it plain",
    )


# Without end


@pytest.mark.parametrize(
    ("start", "piece", "status"),
    [
        (CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n", 413),
        (HEAD, b"x: " + b"y" * 1000 + b"\r\n", 431),
        (HEAD + b"x: ", b"y" * 1000, 431),
        (b"GET /", b"y" * 1000, 431),
        (CHUNKED + b"2\r\n{}\r\n0\r\n", b"x: " + b"y" * 1000 + b"\r\n", 431),
        (CHUNKED + b"2;", b"y" * 1000, 431),
    ],
    ids=["body", "headers", "header", "path", "trailers", "chunk extension"],
)
def test_what_has_no_end_is_cut_off(patient: Server, start, piece, status):
    before = resident(patient.process.pid)
    with wire(patient) as connection:
        connection.send(start)
        connection.pour(piece)
        said = connection.said()
    assert said.status == status
    assert "larger than" in one_sentence(said.document)
    assert resident(patient.process.pid) - before < GROWTH / 2
    assert patient.decide(TEXT).status_code == 200


def test_a_body_in_chunks_of_one_byte_is_read(server: Server):
    """What chunks cost is no head: this body's framing is larger than a head may be, and comes in many pieces."""
    body = json.dumps({"text": TEXT}).encode() + b" " * 60_000
    with wire(server) as connection:
        connection.send(CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        said = connection.said()
    assert (said.status, said.document["decision"]) == (200, ANSWER)


# Slow


def test_who_sends_too_slowly_is_told_so_while_others_are_served(patient: Server):
    starts = [
        b"POST /v1/de",
        HEAD,
        HEAD + b"Content-Length: 100\r\n\r\n",
        HEAD + b"Content-Length: 100\r\n\r\n" + json.dumps({"text": TEXT}).encode(),
        CHUNKED + b"5\r\nab",
    ]
    slow = [Wire(patient) for _ in starts]
    for connection, start in zip(slow, starts, strict=True):
        connection.send(start)
    assert patient.decide(TEXT).json()["decision"] == ANSWER
    for connection in slow:
        said = connection.said()
        assert (said.status, said.headers["connection"]) == (408, "close")
        assert one_sentence(said.document) == f"the request did not come whole within {READ_SECONDS} s"
        assert connection.is_closed()
        connection.socket.close()


@pytest.mark.parametrize(
    ("second", "status"),
    [
        pytest.param(b"POST /v1/de", 408, id="slow head"),
        pytest.param(HEAD + b"Content-Length: 100\r\n\r\n", 408, id="slow body"),
        pytest.param(b"no HTTP\r\n\r\n", 400, id="no HTTP"),
    ],
)
def test_a_refusal_waits_for_the_answer_to_the_request_before(patient: Server, second, status):
    worker = freeze(patient)
    try:
        with wire(patient) as connection:
            body = json.dumps({"text": TEXT}).encode()
            connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            eventually(lambda: busy_workers(patient) == 1)
            connection.send(second)
            assert not select.select([connection.socket], [], [], 2 * READ_SECONDS)[0]
            thaw(worker)
            assert connection.statuses() == [200, status]
    finally:
        thaw(worker)


@pytest.mark.parametrize("start", [HEAD + b"x: ", HEAD + b"Content-Length: 10000\r\n\r\n"], ids=["head", "body"])
def test_who_drips_is_not_waited_for(patient: Server, start):
    with wire(patient) as connection:
        connection.send(start)
        connection.pour(b"y", pause=0.05)
        assert connection.said().status == 408


@pytest.mark.parametrize("line", [b"POST /v1/decide", b"POST /v1/jobs"])
def test_who_hangs_up_in_the_middle_is_no_mistake_of_the_server(patient: Server, line):
    """Nothing is written to its log: the server's end, below, is without a word."""
    with wire(patient) as connection:
        connection.send(line + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert patient.decide(TEXT).status_code == 200  # by now the server has read this much
    assert patient.decide(TEXT).status_code == 200


def test_a_connection_that_sends_only_empty_lines_is_closed(launch: Launch):
    """They stop uvicorn's own clock, and begin no request."""
    quick = "import reference_agent.server as s, reference_agent.__main__ as m; s.KEEP_ALIVE_SECONDS = 0.3; m.main()"
    server = launch(program=("-c", quick))
    with wire(server) as fresh, wire(server) as used:
        used.send(ASK)
        assert used.said().status == 200
        used.send(b"\r\n")
        fresh.send(b"\r\n")
        assert used.is_closed()
        assert fresh.is_closed()


# Many


def test_a_thousand_idle_connections_cost_little_and_hinder_nobody(launch: Launch):
    """The server raises its own limit of open files: without that most of them would be reset."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server = launch()
        resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
        before = resident(server.process.pid)
        idle = [Wire(server) for _ in range(1000)]
        # Connections are taken in the order they came: all of them are by now.
        assert server.decide(TEXT).json()["decision"] == ANSWER
        assert resident(server.process.pid) - before < 64
        for connection in (idle[0], idle[-1]):
            connection.send(ASK)
            assert connection.said().status == 200
        for connection in idle:
            connection.socket.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_one_connection_too_many(launch: Launch):
    server = launch("--max-connections", "2")
    with wire(server) as first, wire(server) as second:
        for connection in (first, second):
            connection.send(ASK)
            assert connection.said().status == 200
        with wire(server) as third:
            said = third.said()
            assert (said.status, said.headers["connection"]) == (503, "close")
            assert one_sentence(said.document) == "2 connections are open; try again"
            assert third.is_closed()
        first.send(ASK)
        assert first.said().status == 200


def test_long_words_are_not_kept(patient: Server):
    before = resident(patient.process.pid)
    for number in range(64):
        assert patient.decide(f"{number}" + "x" * 1_000_000).status_code == 200
    assert resident(patient.process.pid) - before < GROWTH / 2


# Nonsense


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": ' * 50_000,
        b'{"text": ' + b"[" * 1000 + b"]" * 1000 + b"}",
        b'{"text": "x", "more": ' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"inputs": [' + b"[" * 1000 + b"]" * 1000 + b"]}",
        b'{"id": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}",
    ],
)
@pytest.mark.parametrize("path", [DECIDE, INFER])
def test_deep_json(patient: Server, path, body):
    response = patient.client.post(path, content=body)
    assert response.status_code == 400
    one_sentence(response.json())


def test_of_keys_that_come_twice_the_last_one_counts(patient: Server):
    response = patient.client.post(DECIDE, content=f'{{"text": "delete it", "text": "{TEXT}"}}')
    assert response.json()["decision"] == ANSWER
    good = json.dumps(tensor()["inputs"][0])
    assert patient.client.post(INFER, content=f'{{"inputs": 7, "inputs": [{good}]}}').status_code == 200
    assert patient.client.post(INFER, content=f'{{"inputs": [{good}], "inputs": 7}}').status_code == 400


@pytest.mark.parametrize(
    "shape",
    [
        [1 << 40, 1],
        [1, 1 << 62],
        [1 << 70, 1],
        [1 << 32, 1 << 32],
        [-1, -3],
        [3, -1],
        [1e300, 1],
        [1, 3.0],
        [[1], 3],
        {},
    ],
)
def test_huge_and_negative_shapes(patient: Server, shape):
    document = tensor()
    document["inputs"][0]["shape"] = shape
    response = patient.client.post(INFER, json=document)
    assert response.status_code == 400
    one_sentence(response.json())


@pytest.mark.parametrize("size", [23, 25, 0, -24, 24.5, "24", True, [24], {}, 1 << 70])
def test_binary_sizes_that_lie(patient: Server, size):
    head = tensor()
    del head["inputs"][0]["data"]
    head["inputs"][0]["parameters"] = {"binary_data_size": size}
    start = json.dumps(head).encode()
    body = start + struct.pack("<3q", 5, 6, 7)
    response = patient.client.post(INFER, content=body, headers={"Inference-Header-Content-Length": str(len(start))})
    assert response.status_code == 400
    assert "input_ids announces" in one_sentence(response.json())


@pytest.mark.parametrize("raw", [b"", b"x", b"x" * 23, b"\xff" * 24, b"\x00" * 24, b"\x05" * 16, b"\x05" * 32])
def test_raw_bytes_that_do_not_fit(patient: Server, raw):
    head = tensor()
    del head["inputs"][0]["data"]
    head["inputs"][0]["parameters"] = {"binary_data_size": len(raw)}
    start = json.dumps(head).encode()
    headers = {"Inference-Header-Content-Length": str(len(start))}
    response = patient.client.post(INFER, content=start + raw, headers=headers)
    assert response.status_code == 400
    one_sentence(response.json())


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "1.0", "0x10", "", "99999", "0"])
def test_a_wrong_length_of_the_json(patient: Server, length):
    headers = {"Inference-Header-Content-Length": length}
    response = patient.client.post(INFER, json=tensor(), headers=headers)
    assert response.status_code == 400
    one_sentence(response.json())


@pytest.mark.parametrize("outputs", [5, True, "logits", {"name": "logits"}, [5], [{}], [{"name": "scores"}]])
def test_outputs_that_are_none(patient: Server, outputs):
    response = patient.client.post(INFER, json=tensor(outputs=outputs))
    assert response.status_code == 400
    assert "output" in one_sentence(response.json())


@pytest.mark.parametrize("timeout", [0, -1, True, "5", [], {}])
def test_a_timeout_that_is_none(patient: Server, timeout):
    response = patient.client.post(INFER, json=tensor(parameters={"timeout": timeout}))
    assert response.status_code == 400
    assert '"timeout" must be a number of microseconds' in one_sentence(response.json())


@pytest.mark.parametrize(
    "deadline", ["", "soon", "0", "-5", "nan", "inf", "-inf", "1e999", "0x10", "5 ms", "5,5", "1_000"]
)
def test_a_deadline_that_is_none(patient: Server, deadline):
    response = patient.client.post(DECIDE, json={"text": TEXT}, headers={"X-Deadline-Ms": deadline})
    assert response.status_code == 400
    assert "X-Deadline-Ms must be a number of milliseconds" in one_sentence(response.json())


@pytest.mark.parametrize(("tenant", "status"), [("t" * 65, 400), ("t" * 60_000, 400), ("t" * 64, 200), ("é ü", 200)])
def test_the_name_of_a_tenant(patient: Server, tenant, status):
    response = patient.client.post(DECIDE, json={"text": TEXT}, headers={"X-Tenant": tenant.encode("latin-1")})
    assert response.status_code == status
    if status == 400:
        assert one_sentence(response.json()) == "X-Tenant is longer than 64 bytes"


# Anything at all

SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner))


def either(*good: object) -> st.SearchStrategy[object]:
    """Mostly something that fits, sometimes anything."""
    return st.one_of(*(st.just(value) for value in good), *(st.just(value) for value in good), JSON)


TENSORS = st.fixed_dictionaries(
    {"name": either("input_ids"), "datatype": either("INT64"), "shape": either([1, 3], [3, 1])},
    optional={
        "data": either([5, 6, 7], [[5], [6], [7]], [5, 6, 1 << 63]),
        "parameters": either({}, {"binary_data_size": 24}, {"binary_data_size": 0}),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {"inputs": st.lists(TENSORS, min_size=1, max_size=2) | either([])},
    optional={
        "id": either("mine"),
        "outputs": either([{"name": "logits"}], [{"name": "logits", "parameters": {"binary_data": True}}], []),
        "parameters": either({}, {"timeout": 5}, {"binary_data_output": 1}),
    },
)
SIZES = (
    st.none() | st.binary(max_size=4) | st.integers(0, 400).map(lambda size: str(size).encode()) | st.just(b"9" * 5000)
)


@settings(max_examples=400, derandomize=True, deadline=None, database=None)
@given(document=DOCUMENTS | JSON, raw=st.just(b"") | st.just(b"\x05" + b"\0" * 7) | st.binary(max_size=30), size=SIZES)
def test_any_request_is_read_or_refused(document, raw, size):
    start = json.dumps(document).encode()
    refused_or_read(start + raw, size)
    refused_or_read(start + raw, b"%d" % len(start))


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(body=st.binary(max_size=60), size=SIZES)
def test_any_bytes_are_read_or_refused(body, size):
    refused_or_read(body, size)


def refused_or_read(body: bytes, size: bytes | None) -> None:
    from reference_agent.agents import AGENTS
    from reference_agent.errors import RequestError
    from reference_agent.http import oip

    try:
        inference = oip.parse(body, size, AGENTS["search"], description(), most_rows=8)
    except RequestError as error:
        refusal = error
    else:
        refusal = None
    if refusal is not None:
        assert refusal.status == 400
        assert orjson.dumps({"error": str(refusal)})
        return
    assert 1 <= len(inference.rows) <= 8
    assert {len(row) for row in inference.rows} <= {8, 24}
    assert inference.timeout is None or inference.timeout > 0


def description():
    from reference_agent.agents import AGENTS
    from reference_agent.agents.signature import Signature
    from reference_agent.inference.description import Description
    from reference_agent.inference.precision import Precision

    agent = AGENTS["search"]
    return Description(
        agent="search",
        signature=Signature(
            input=agent.input,
            output=agent.output,
            labels=("one", "two"),
            limits={"vocabulary": 4096, "max_length": 64},
        ),
        precision=Precision.FP32,
        compression="none",
        model_sha256="0" * 64,
        execution_provider="CPUExecutionProvider",
        nodes_on_provider=1.0,
        intra_op_threads=1,
        onnxruntime=Path(__file__).stem,
        runtime="onnxruntime",
    )
