"""Settings that change while the server runs, what they do at once, and what the metrics say of it."""

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest
from asking import (
    ANSWER,
    DECIDE,
    INFER,
    TEXT,
    Launch,
    freeze,
    metric,
    metrics,
    occupy,
    send,
    spent,
    tensor,
    thaw,
    words,
)
from conftest import Server, eventually

TOKEN = "token-of-this-test"
KNOBS = ("batching", "max_batch_size", "batch_timeout_ms", "length_buckets", "scheduler")
HURRIED = {"X-Deadline-Ms": "1200"}
START = {"batching": "dynamic", "max_batch_size": 2, "batch_timeout_ms": 0.0, "length_buckets": 1, "scheduler": "fifo"}
FLAGS = [part for knob, value in START.items() for part in (f"--{knob.replace('_', '-')}", str(value))]


@pytest.fixture(scope="module")
def hot() -> Iterator[Server]:
    """One server for all changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAUNCH_TOKEN", TOKEN)
        server = Server(*FLAGS, "--queue-capacity", "1000")
    yield server
    assert server.decide(TEXT).json()["decision"] == ANSWER
    assert server.stop() == (0, "")


@pytest.fixture
def changeable(hot: Server) -> Iterator[Server]:
    """The same server, as it was started."""
    assert put(hot, **START).status_code == 200
    yield hot
    thaw(*hot.workers)


def put(server: Server, header: str = f"Bearer {TOKEN}", **knobs: object) -> httpx.Response:
    headers = {"Authorization": header.encode()} if header else {}
    return server.client.put("/v1/config", json=knobs, headers=headers)


def shown(server: Server) -> dict[str, object]:
    config = server.client.get("/v1/config").json()
    return {knob: config[knob] for knob in KNOBS}


# Who may


def test_without_a_token_at_the_start_settings_are_fixed(launch: Launch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LAUNCH_TOKEN", raising=False)
    server = launch(*FLAGS)
    for header in ("", "Bearer", f"Bearer {TOKEN}"):
        refused = put(server, header, max_batch_size=4)
        assert (refused.status_code, shown(server)) == (403, START)
        assert "start the server with LAUNCH_TOKEN in its environment" in refused.json()["error"]


def test_only_who_knows_the_token_changes_settings(changeable: Server):
    for header in ("", "Bearer", "Bearer wrong", "Bearer ü", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer to"):
        refused = put(changeable, header, max_batch_size=4)
        assert (refused.status_code, shown(changeable)) == (401, START)
        assert "Authorization: Bearer" in refused.json()["error"]
    assert put(changeable, max_batch_size=4).status_code == 200


# What is refused


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"workers": 2}, "workers"),
        ({"max_batch": 2}, "max_batch:"),
        ({"max_batch_size": True}, "max_batch_size: "),
        ({"max_batch_size": "8"}, "max_batch_size: "),
        ({"max_batch_size": 8.0}, "max_batch_size: "),
        ({"max_batch_size": None}, "max_batch_size: "),
        ({"max_batch_size": 0}, "max_batch_size must be between 1 and"),
        ({"max_batch_size": 5000}, "max_batch_size must be between 1 and"),
        ({"max_batch_size": 1 << 70}, "max_batch_size"),
        ({"max_batch_size": [2]}, "max_batch_size: "),
        ({"batch_timeout_ms": True}, "batch_timeout_ms: "),
        ({"batch_timeout_ms": "5"}, "batch_timeout_ms: "),
        ({"batch_timeout_ms": -1}, "batch_timeout_ms must be between"),
        ({"batch_timeout_ms": 1e9}, "batch_timeout_ms must be between"),
        ({"length_buckets": 0}, "length_buckets must be between"),
        ({"length_buckets": 1.5}, "length_buckets: "),
        ({"batching": "sometimes"}, "batching: "),
        ({"batching": True}, "batching: "),
        ({"scheduler": "lifo"}, "scheduler: "),
        ({"scheduler": None}, "scheduler: "),
        ({"batching": "fixed"}, "batch_timeout_ms of 0"),
        ({"batching": "fixed", "batch_timeout_ms": 0}, "batch_timeout_ms of 0"),
        ({"max_batch_size": 1024}, "a batch of 1024 never fits into a queue of 1000"),
        ({"max_batch_size": 4, "scheduler": "lifo"}, "scheduler: "),
        ({}, "send a JSON object with some of batching"),
        ([], "send a JSON object with some of batching"),
        ("max_batch_size", "send a JSON object with some of batching"),
    ],
)
def test_what_does_not_fit_changes_nothing(changeable: Server, body, says):
    refused = changeable.client.put("/v1/config", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert refused.status_code == 400
    assert refused.json().keys() == {"error"}
    assert says in refused.json()["error"]
    assert "\n" not in refused.json()["error"]
    assert shown(changeable) == START


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"max_batch_size": NaN}', b'{"max_batch_size": ' + b"[" * 900 + b"]" * 900 + b"}", b"\xff"],
)
def test_a_change_that_is_no_json_changes_nothing(changeable: Server, body):
    refused = changeable.client.put("/v1/config", content=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (refused.status_code, refused.json().keys(), shown(changeable)) == (400, {"error"}, START)


# What is changed


def test_every_knob_is_changed_and_shown(changeable: Server):
    changes = [
        {"max_batch_size": 8},
        {"batch_timeout_ms": 2.5},
        {"batch_timeout_ms": 3},
        {"length_buckets": 4},
        {"scheduler": "edf"},
        {"batching": "fixed"},
        {"batching": "none", "batch_timeout_ms": 0},
        START,
    ]
    wanted = dict(START)
    for change in changes:
        wanted |= change
        answer = put(changeable, **change)
        assert answer.status_code == 200
        assert {knob: answer.json()[knob] for knob in KNOBS} == shown(changeable) == wanted
        assert changeable.decide(TEXT).json()["decision"] == ANSWER


@pytest.mark.parametrize(
    ("change", "sizes"),
    [
        ({}, [2, 2, 1]),
        ({"batching": "none"}, [1, 1, 1]),
        ({"max_batch_size": 3}, [3, 3, 3]),
        ({"length_buckets": 2}, [2, 1, 2]),
        ({"scheduler": "edf"}, [2, 1, 2]),
        ({"scheduler": "fair"}, [2, 1, 2]),
    ],
    ids=["as it is", "batching", "max_batch_size", "length_buckets", "edf", "fair"],
)
def test_what_waits_already_follows_a_change(changeable: Server, threads: ThreadPoolExecutor, change, sizes):
    """A long, a short and a long row wait; who leaves together shows the order and the rule."""
    worker, held = occupy(changeable, threads)
    futures = [
        send(changeable, threads, 1, words(40), X_Tenant="one", X_Deadline_Ms="60000"),
        send(changeable, threads, 2, words(5), X_Tenant="one", X_Deadline_Ms="60000"),
        send(changeable, threads, 3, words(40), X_Tenant="two", X_Deadline_Ms="30000"),
    ]
    if change:
        assert put(changeable, **change).status_code == 200
    thaw(worker)
    assert held.result().status_code == 200
    assert batch_sizes(futures) == sizes


def batch_sizes(futures: list[Future[httpx.Response]]) -> list[int]:
    return [int(future.result().headers["x-batch-size"]) for future in futures]


def test_dynamic_batching_takes_up_what_waited_for_none(changeable: Server, threads: ThreadPoolExecutor):
    assert put(changeable, batching="none").status_code == 200
    worker, held = occupy(changeable, threads)
    futures = [send(changeable, threads, waiting) for waiting in (1, 2, 3, 4, 5)]
    assert put(changeable, batching="dynamic", max_batch_size=8).status_code == 200
    thaw(worker)
    assert held.result().headers["x-batch-size"] == "1"
    assert batch_sizes(futures) == [5] * 5


def test_a_held_row_leaves_when_the_time_out_is_taken_away(changeable: Server, threads: ThreadPoolExecutor):
    assert put(changeable, batch_timeout_ms=60_000).status_code == 200
    held = send(changeable, threads, waiting=1)
    assert not held.done()
    assert put(changeable, batch_timeout_ms=0).status_code == 200
    assert held.result().json()["decision"] == ANSWER
    assert spent(held.result())["queue"] < spent(held.result())["batch"]


def test_a_held_row_leaves_when_a_smaller_batch_is_full(changeable: Server, threads: ThreadPoolExecutor):
    assert put(changeable, batch_timeout_ms=60_000).status_code == 200
    held = send(changeable, threads, waiting=1)
    assert put(changeable, max_batch_size=1).status_code == 200
    assert held.result().headers["x-batch-size"] == "1"


# What the metrics say


def left(reason: str) -> str:
    return f'agent_batches_total{{reason="{reason}"}}'


def test_why_batches_left_is_counted(changeable: Server):
    server, before = changeable, metrics(changeable)
    assert server.decide(TEXT).status_code == 200
    assert metrics(server)[left("free")] - before[left("free")] == 1
    assert server.client.post(INFER, json=tensor(rows=4)).headers["x-batch-size"] == "2"
    assert metrics(server)[left("full")] - before[left("full")] == 2
    assert put(server, batch_timeout_ms=20).status_code == 200
    assert spent(server.decide(TEXT))["batch"] >= 19
    assert metrics(server)[left("timeout")] - before[left("timeout")] == 1
    # The time that a full batch of the longest rows would take is left for the one that came: with this size, plenty.
    assert put(server, batch_timeout_ms=60_000, max_batch_size=1000).status_code == 200
    hurried = (server.client.post(DECIDE, json={"text": TEXT}, headers=HURRIED) for _ in range(2))
    assert any(response.status_code == 200 for response in hurried)
    after = metrics(server)
    assert 1 <= after[left("deadline")] - before[left("deadline")] <= 2
    assert [after[left(reason)] - before[left(reason)] for reason in ("free", "full", "timeout", "drain")] == [
        1,
        2,
        1,
        0,
    ]


def test_what_waits_for_a_fuller_batch_leaves_when_the_server_drains(launch: Launch, threads: ThreadPoolExecutor):
    server = launch("--batching", "dynamic", "--max-batch-size", "8", "--batch-timeout-ms", "60000")
    futures = [send(server, threads, waiting) for waiting in (1, 2, 3)]
    server.process.send_signal(signal.SIGTERM)
    assert batch_sizes(futures) == [3, 3, 3]
    assert server.stop() == (0, "")


@pytest.mark.parametrize(("buckets", "ratio"), [(1, 1.6), (4, 1.0)])
def test_buckets_of_length_save_padding(changeable: Server, threads: ThreadPoolExecutor, buckets, ratio):
    """Two rows of 40 tokens and two of 10: mixed, 80 are computed for 50; sorted, as many as were asked for."""
    before = metrics(changeable)
    worker, held = occupy(changeable, threads)
    assert put(changeable, length_buckets=buckets).status_code == 200
    lengths = [40, 10, 40, 10]
    futures = [send(changeable, threads, waiting, words(lengths[waiting - 1])) for waiting in (1, 2, 3, 4)]
    thaw(worker)
    assert held.result().status_code == 200
    assert batch_sizes(futures) == [2] * 4
    # The first one was alone, and not padded.
    after, name = metrics(changeable), "agent_padding_ratio"
    assert after[f"{name}_count"] - before[f"{name}_count"] == 3
    assert after[f"{name}_sum"] - before[f"{name}_sum"] == pytest.approx(1.0 + 2 * ratio)


def test_fixed_batches_are_padded_to_their_full_size(changeable: Server):
    alone = changeable.client.post(INFER, json=tensor(length=16)).json()["outputs"][0]["data"]
    before = metric(changeable, "agent_padding_ratio_sum")
    assert put(changeable, batching="fixed", max_batch_size=8, batch_timeout_ms=1).status_code == 200
    padded = changeable.client.post(INFER, json=tensor(length=16))
    assert padded.headers["x-batch-size"] == "1"
    assert padded.json()["outputs"][0]["data"] == pytest.approx(alone, abs=1e-3)
    # 8 rows of the 64 tokens that the model reads, for 16 tokens.
    assert metric(changeable, "agent_padding_ratio_sum") - before == pytest.approx(8 * 64 / 16)


def test_the_time_that_each_worker_is_busy(launch: Launch, threads: ThreadPoolExecutor):
    server = launch("--workers", "2")
    names = [f'agent_worker_busy_seconds_total{{worker="{number}"}}' for number in (0, 1)]
    assert [metric(server, name) for name in names] == [0.0, 0.0]
    frozen = [freeze(worker) for worker in server.workers]
    futures = [threads.submit(server.decide, TEXT) for _ in range(2)]
    eventually(lambda: min(metric(server, name) for name in names) > 0.2)
    thaw(*frozen)
    assert [future.result().status_code for future in futures] == [200, 200]
    busy = [metric(server, name) for name in names]
    assert [metric(server, name) for name in names] == busy, "whoever has nothing to do is not busy"
