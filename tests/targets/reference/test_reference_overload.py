"""More than can be served: whom the server turns away, how it says so, and what it does not compute for nothing."""

import json
import signal

import httpx
import pytest
from asking import ANSWER, DECIDE, HEAD, INFER, TEXT, Launch, freeze, listens, metric, occupy, send, tensor, thaw, wire
from conftest import Server, eventually


def ask(server: Server, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.client.post(DECIDE, json={"text": TEXT}, headers=named)


def test_a_request_of_many_rows_is_queued_whole_or_not_at_all(launch: Launch, threads):
    server = launch("--queue-capacity", "4", "--batching", "dynamic", "--max-batch-size", "4", "--length-buckets", "1")
    worker, first = occupy(server, threads)
    others = [send(server, threads, waiting) for waiting in (1, 2)]
    refused = server.client.post(INFER, json=tensor(rows=3))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"] == "the queue is full (4 requests wait); try again"
    assert metric(server, "agent_queue_depth") == 2
    fits = threads.submit(server.client.post, INFER, json=tensor(rows=2))
    eventually(lambda: metric(server, "agent_queue_depth") == 4)
    impossible = server.client.post(INFER, json=tensor(rows=5))
    assert (impossible.status_code, "retry-after" in impossible.headers) == (400, False)
    thaw(worker)
    assert [future.result().status_code for future in (first, *others, fits)] == [200] * 4


def test_a_tenant_that_floods_is_refused_while_another_is_served(launch: Launch, threads):
    server = launch("--queue-capacity", "8", "--tenant-share", "0.5")
    worker, first = occupy(server, threads)
    flood = [send(server, threads, waiting, X_Tenant="flood") for waiting in (1, 2, 3, 4)]
    refused = [ask(server, X_Tenant="flood") for _ in range(3)]
    for response in refused:
        assert (response.status_code, response.headers["retry-after"]) == (429, "1")
        assert response.json()["error"] == "this tenant has 4 of 4 waiting requests; send fewer"
        assert list(timing(response)) == ["total"]
    others = [
        send(server, threads, waiting=5, X_Tenant="other"),
        send(server, threads, waiting=6, X_Tenant="third"),
        send(server, threads, waiting=7),
    ]
    thaw(worker)
    assert [future.result().json()["decision"] for future in (first, *flood, *others)] == [ANSWER] * 8
    assert metric(server, 'agent_rejected_total{reason="tenant_full"}') == 3
    # Its places are free again.
    assert ask(server, X_Tenant="flood").status_code == 200


def timing(response: httpx.Response) -> list[str]:
    return [entry.split(";")[0] for entry in response.headers["server-timing"].split(", ")]


def test_what_comes_too_late_is_not_computed(launch: Launch, threads):
    server = launch("--batching", "dynamic", "--max-batch-size", "8", "--length-buckets", "1")
    worker, held = occupy(server, threads)
    late = [threads.submit(ask, server, X_Deadline_Ms="60") for _ in range(3)]
    for response in (future.result() for future in late):
        assert response.status_code == 504
        assert response.json()["error"] == "no answer within the 60 ms that were given; try again later"
        assert list(timing(response)) == ["total"]
    assert metric(server, "agent_queue_depth") == 0
    patient = send(server, threads, waiting=1, X_Deadline_Ms="60000")
    thaw(worker)
    assert (held.result().status_code, patient.result().json()["decision"]) == (200, ANSWER)
    assert metric(server, "agent_batch_size_count") == metric(server, "agent_batch_size_sum") == 2
    assert metric(server, 'agent_rejected_total{reason="deadline"}') == 3
    assert metric(server, 'agent_requests_total{code="504"}') == 3


def test_a_deadline_that_has_passed_already_is_not_even_queued(launch: Launch):
    server = launch()
    assert ask(server, X_Deadline_Ms="0.000001").status_code == 504
    assert metric(server, "agent_batch_size_count") == 0


def test_whose_deadline_counts(launch: Launch):
    """The header's before the body's before the server's."""
    server = launch("--request-timeout-ms", "90")
    worker = freeze(server)
    cases = [
        ({}, {}, "90 ms"),
        ({}, {"timeout": 70_000}, "70 ms"),
        ({}, {"timeout": 120_000.0}, "120 ms"),
        ({"X-Deadline-Ms": "80"}, {}, "80 ms"),
        ({"X-Deadline-Ms": "100.5"}, {"timeout": 9e9}, "100.5 ms"),
    ]
    for headers, parameters, allowed in cases:
        response = server.client.post(INFER, json=tensor(parameters=parameters), headers=headers)
        assert response.status_code == 504
        assert response.json()["error"] == f"no answer within the {allowed} that were given; try again later"
    thaw(worker)
    longer = server.client.post(INFER, json=tensor(parameters={"timeout": 2.5e7}))
    assert longer.status_code == 200


def test_a_timeout_of_tritonclient(launch: Launch):
    http = pytest.importorskip("tritonclient.http")
    numpy = pytest.importorskip("numpy")
    server = launch()
    client = http.InferenceServerClient(f"127.0.0.1:{server.port}", concurrency=2)
    ids = http.InferInput("input_ids", [1, 3], "INT64")
    ids.set_data_from_numpy(numpy.array([[5, 6, 7]], dtype=numpy.int64))
    worker = freeze(server)
    with pytest.raises(Exception, match="no answer within the 50 ms") as raised:
        client.infer("search", [ids], timeout=50_000)
    assert raised.value.status() == "504"
    thaw(worker)
    assert client.infer("search", [ids], timeout=25_000_000).as_numpy("logits").shape == (1, 24)
    client.close()


def test_who_had_begun_before_the_server_drains_is_answered(launch: Launch):
    server = launch()
    body = json.dumps({"text": TEXT}).encode()
    with wire(server) as connection:
        connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:5])
        assert server.decide(TEXT).status_code == 200  # by now the server has read the head
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: not listens(server))
        connection.send(body[5:])
        said = connection.said()
        assert (said.status, said.document["decision"]) == (200, ANSWER)
        assert connection.is_closed()
    assert server.stop() == (0, "")


def test_a_refusal_does_not_wait_for_those_that_wait(launch: Launch, threads):
    """A full queue is refused at once: the frozen worker answers nobody, yet all of these come back."""
    server = launch("--queue-capacity", "1")
    worker, held = occupy(server, threads)
    waiting = [held, send(server, threads, waiting=1)]
    assert {ask(server).status_code for _ in range(20)} == {503}
    assert not any(future.done() for future in waiting)
    thaw(worker)
    assert {future.result().status_code for future in waiting} == {200}
