"""What happens to requests and processes when things go wrong: overload, signals, deaths."""

import os
import signal

import httpx
import pytest
from asking import ANSWER, TEXT, Launch, busy_workers, freeze, metric, occupy, send, spent, thaw
from conftest import Server, alive, eventually


def test_a_full_queue_refuses_at_once_and_answers_the_rest(launch: Launch, threads):
    server = launch("--queue-capacity", "3")
    worker = freeze(server)
    # One goes into the frozen worker, three wait, two are too many.
    futures = [threads.submit(server.decide, TEXT) for _ in range(6)]
    eventually(lambda: sum(future.done() for future in futures) == 2)
    for refused in (future.result() for future in futures if future.done()):
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "queue is full" in refused.json()["error"]
    thaw(worker)
    assert sorted(future.result().status_code for future in futures) == [200] * 4 + [503] * 2
    assert metric(server, 'agent_rejected_total{reason="queue_full"}') == 2


def test_a_batch_leaves_when_it_is_full_or_when_the_oldest_has_waited(launch: Launch, threads):
    server = launch("--batching", "dynamic", "--max-batch-size", "4", "--batch-timeout-ms", "1000")
    alone = server.decide(TEXT)
    assert alone.headers["x-batch-size"] == "1"
    assert 990 <= spent(alone)["batch"] < 5000
    assert spent(alone)["queue"] < 990
    together = list(threads.map(server.decide, [TEXT] * 4))
    assert [response.headers["x-batch-size"] for response in together] == ["4"] * 4
    assert max(spent(response)["batch"] for response in together) < 990


def test_a_batch_is_formed_only_when_a_worker_is_free(launch: Launch, threads):
    """While the worker is busy the queue grows; what left before would have left alone."""
    server = launch("--batching", "dynamic", "--max-batch-size", "8")
    worker, held = occupy(server, threads)
    futures = [send(server, threads, waiting) for waiting in (1, 2, 3, 4, 5)]
    thaw(worker)
    sizes = [int(future.result().headers["x-batch-size"]) for future in (held, *futures)]
    assert sizes == [1, 5, 5, 5, 5, 5]


def test_a_request_that_stays_too_long_is_given_up(launch: Launch, threads):
    server = launch("--request-timeout-ms", "80")
    worker = freeze(server)
    responses = [future.result() for future in [threads.submit(server.decide, TEXT) for _ in range(3)]]
    assert {response.status_code for response in responses} == {504}
    assert metric(server, "agent_queue_depth") == 0
    thaw(worker)
    eventually(lambda: server.decide(TEXT).status_code == 200)


def test_sigterm_finishes_what_is_queued(launch: Launch, threads):
    server = launch("--batching", "dynamic", "--max-batch-size", "2", "--batch-timeout-ms", "30000")
    worker = freeze(server)
    futures = [threads.submit(server.decide, TEXT) for _ in range(5)]
    eventually(lambda: metric(server, "agent_queue_depth") == 3)
    server.process.send_signal(signal.SIGTERM)
    eventually(lambda: not takes_requests(server))
    thaw(worker)
    assert [future.result().status_code for future in futures] == [200] * 5
    code, errors = server.stop()
    assert (code, errors) == (0, "")
    assert not alive(worker)


def takes_requests(server: Server) -> bool:
    """Whether a new client is told that the server is ready."""
    try:
        return httpx.get(f"{server.url}/v2/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def test_a_queue_that_cannot_be_finished_in_time_is_said(launch: Launch, threads):
    server = launch("--drain-timeout", "0")
    worker = freeze(server)
    lost = [threads.submit(server.decide, TEXT) for _ in range(2)]
    eventually(lambda: metric(server, "agent_queue_depth") == 1)
    code, errors = server.stop()
    assert code == 1
    assert errors == "reference_agent: some requests were not finished within --drain-timeout 0 s\n"
    assert not alive(worker)
    for future in lost:
        assert isinstance(future.exception(), httpx.TransportError) or future.result().status_code == 503


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_outlives_the_front(launch: Launch, number):
    server = launch("--workers", "2")
    workers = server.workers
    assert len(workers) == 2
    server.process.send_signal(number)
    server.process.wait(15)
    eventually(lambda: not any(map(alive, workers)))
    assert server.process.returncode == (-9 if number == signal.SIGKILL else 0)


def test_a_signal_to_the_whole_group_still_drains(launch: Launch, threads):
    """A supervisor signals workers too; they must finish what the front has promised."""
    server = launch("--batching", "dynamic", "--max-batch-size", "4", "--batch-timeout-ms", "30000")
    futures = [send(server, threads, waiting) for waiting in (1, 2, 3)]
    for process in [*server.workers, server.process.pid]:
        os.kill(process, signal.SIGTERM)
    assert [future.result().status_code for future in futures] == [200] * 3
    assert server.stop()[0] == 0


def test_a_dead_worker_is_replaced_and_its_rows_are_computed_by_another(launch: Launch, threads):
    server = launch("--batching", "dynamic", "--max-batch-size", "2")
    worker, held = occupy(server, threads)
    futures = [held, *(send(server, threads, waiting) for waiting in (1, 2))]
    os.kill(worker, signal.SIGKILL)
    assert [future.result().json().get("decision") for future in futures] == [ANSWER] * 3
    assert metric(server, "agent_worker_restarts_total") == 1
    assert metric(server, "agent_retries_total") == 1
    assert metric(server, "agent_workers") == 1
    assert server.workers != [worker]
    assert server.client.get("/v2/health/ready").status_code == 200


def test_a_worker_that_hangs_is_replaced_and_its_rows_are_computed_by_another(launch: Launch, threads):
    server = launch("--worker-timeout", "0.5")
    worker, held = occupy(server, threads)
    futures = [held, threads.submit(server.decide, TEXT)]
    assert [future.result().json().get("decision") for future in futures] == [ANSWER] * 2
    assert not alive(worker)
    assert metric(server, "agent_worker_restarts_total") == metric(server, "agent_retries_total") == 1


def test_rows_that_kill_two_workers_are_given_up(launch: Launch, threads):
    server = launch("--workers", "2")
    first, second = server.workers
    freeze(first), freeze(second)
    futures = [threads.submit(server.decide, TEXT) for _ in range(2)]
    eventually(lambda: busy_workers(server) == 2)
    thaw(second)
    eventually(lambda: sum(future.done() for future in futures) == 1)
    # What the first one holds goes to the second when the first one dies, because that is free, and is held there.
    freeze(second)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: metric(server, "agent_retries_total") == 1)
    os.kill(second, signal.SIGKILL)
    good, poison = sorted((future.result() for future in futures), key=lambda response: response.status_code)
    assert good.json()["decision"] == ANSWER
    assert (poison.status_code, poison.headers["retry-after"]) == (503, "1")
    assert "worker of this request died" in poison.json()["error"]
    assert metric(server, "agent_retries_total") == 1
    assert metric(server, "agent_worker_restarts_total") == 2
    assert metric(server, 'agent_rejected_total{reason="worker_died"}') == 1
    eventually(lambda: metric(server, "agent_workers") == 2)
    assert server.decide(TEXT).json()["decision"] == ANSWER


def test_the_others_go_on_while_one_is_replaced(launch: Launch):
    server = launch("--workers", "2")
    os.kill(server.workers[0], signal.SIGKILL)
    assert [server.decide(TEXT).status_code for _ in range(20)] == [200] * 20
    eventually(lambda: server.client.get("/v1/config").json()["workers"] == 2)


def listening_port(pid: int) -> int:
    """The port that a process has announced nowhere yet."""
    import psutil

    connections: list[int] = []

    def listens() -> bool:
        found = psutil.Process(pid).net_connections("tcp")
        connections[:] = [entry.laddr.port for entry in found if entry.status == psutil.CONN_LISTEN]
        return bool(connections)

    eventually(listens)
    return connections[0]


def test_not_ready_before_every_worker_has_rehearsed(launch: Launch):
    server = launch("--workers", "2", wait=False)
    eventually(lambda: len(server.workers) == 2)
    frozen = server.workers[1]
    os.kill(frozen, signal.SIGSTOP)
    try:
        url = f"http://127.0.0.1:{listening_port(server.process.pid)}"
        assert httpx.get(f"{url}/v2/health/live").status_code == 200
        assert httpx.get(f"{url}/v2/health/ready").status_code == 503
        refused = httpx.post(f"{url}/v1/decide", json={"text": TEXT})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    finally:
        os.kill(frozen, signal.SIGCONT)
    server.wait_ready()
    assert server.client.get("/v2/health/ready").status_code == 200
