"""What nobody waits for any more is not computed, and what fails on the way is tried again."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from asking import ANSWER, HEAD, TEXT, Launch, freeze, metric, thaw
from conftest import Server, alive, eventually
from queue_simulation import policy
from reference_agent.queueing.batching import Batcher
from reference_agent.queueing.cost import CostModel
from reference_agent.queueing.disciplines import MOST_SETTLED, Shares
from reference_agent.queueing.job import Job, Ticket
from reference_agent.queueing.policy import Discipline

BODY = b'{"text": "%s"}' % TEXT.encode()
REQUEST = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture
def threads():
    with ThreadPoolExecutor(8) as pool:
        yield pool


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def test_rows_of_clients_that_hung_up_are_not_computed(launch: Launch):
    server = launch()
    worker = freeze(server)
    clients = [connect(server) for _ in range(10)]
    for client in clients:
        client.sendall(REQUEST)
    eventually(lambda: metric(server, "agent_queue_depth") == 9)
    for client in clients:
        client.close()
    eventually(lambda: metric(server, "agent_queue_depth") == 0)
    thaw(worker)
    assert server.decide(TEXT).json()["decision"] == ANSWER
    assert metric(server, "agent_batch_size_sum") == 2, "the one in the worker, and the last"
    assert metric(server, 'agent_requests_total{code="499"}') == 10


def test_many_requests_in_one_piece_are_all_answered(server: Server):
    count = 400
    with connect(server) as client:
        client.sendall(REQUEST * count + REQUEST[:20])
        received = b""
        while received.count(b"HTTP/1.1 200") < count:
            piece = client.recv(1 << 16)
            assert piece, f"{received.count(b'HTTP/1.1 200')} answers, then {received[-300:]!r}"
            received += piece


def test_a_worker_that_dies_while_it_loads_is_replaced_too(launch: Launch):
    server = launch("--workers", "2")
    known = set(server.workers)
    os.kill(min(known), signal.SIGKILL)
    eventually(lambda: bool(set(server.workers) - known))
    (replacement,) = set(server.workers) - known
    os.kill(replacement, signal.SIGKILL)
    assert server.decide(TEXT).json()["decision"] == ANSWER
    eventually(lambda: metric(server, "agent_workers") == 2)
    assert server.stop() == (0, "")


def test_busy_seconds_never_run_backwards(launch: Launch, threads: ThreadPoolExecutor):
    server = launch("--worker-timeout", "0.5")
    name, seen = 'agent_worker_busy_seconds_total{worker="0"}', [0.0]
    freeze(server)
    asked = threads.submit(server.decide, TEXT)

    def answered() -> bool:
        seen.append(metric(server, name))
        return asked.done()

    eventually(answered)
    assert seen == sorted(seen)
    assert seen[-1] >= 0.5


def test_a_second_signal_ends_the_wait_for_jobs(launch: Launch):
    server = launch("--drain-timeout", "60")
    worker = freeze(server)
    assert server.client.post("/v1/jobs", json={"request": {"text": TEXT}}).status_code == 202
    eventually(lambda: metric(server, "agent_jobs_running") == 1)
    server.process.send_signal(signal.SIGTERM)
    with pytest.raises(AssertionError):
        eventually(lambda: server.process.poll() is not None, 0.5)
    server.process.send_signal(signal.SIGTERM)
    eventually(lambda: server.process.poll() is not None)
    assert server.process.returncode == 1
    eventually(lambda: not alive(worker))


def test_a_slow_client_does_not_hold_up_the_end(launch: Launch):
    server = launch("--read-timeout", "0.3", "--drain-timeout", "60")
    with connect(server) as client:
        client.sendall(REQUEST[:-5])
        eventually(lambda: metric(server, "agent_queue_depth") == 0)
        assert server.stop() == (0, "")


def job(tenant: str, queued: float = 0.0, deadline: float = float("inf")) -> Job:
    return Job(row=b"", size=1, ticket=Ticket(queued, tenant, deadline), queued=queued, answer=None)  # type: ignore[arg-type]


def test_a_tenant_that_gives_up_is_not_charged():
    queue = Batcher(policy(Discipline.FAIR), CostModel(), longest=64, capacity=1000)
    queue.put([job("patient") for _ in range(20)])
    for _ in range(50):
        hasty = job("hasty")
        queue.put([hasty])
        queue.discard(hasty)
    queue.put([job("hasty")])
    leaving = [queue.take(1.0)[0].jobs[0].ticket.tenant for _ in range(3)]
    assert "hasty" in leaving


def test_a_tenant_whose_jobs_come_too_late_is_not_charged():
    queue = Batcher(policy(Discipline.FAIR), CostModel(), longest=64, capacity=1000)
    queue.put([job("patient") for _ in range(20)])
    for _ in range(5):
        queue.put([job("hasty", deadline=0.5)])
    for _ in range(6):
        queue.take(1.0)
    queue.put([job("hasty", queued=1.0)])
    leaving = [queue.take(1.0)[0].jobs[0].ticket.tenant for _ in range(3)]
    assert "hasty" in leaving


def test_tenants_that_are_owed_nothing_are_forgotten():
    shares = Shares()
    for number in range(20 * MOST_SETTLED):
        start = shares.start(f"tenant {number}", 1e-3)
        shares.advance(start + 1.0, waiting=1)
    assert len(shares._ends) <= 2 * MOST_SETTLED


def test_discarded_jobs_leave_no_trace():
    queue = Batcher(policy(Discipline.SJF), CostModel(), longest=64, capacity=1000)
    queue.put([job("a")])
    for _ in range(2000):
        gone = job("b", queued=9.0)
        queue.put([gone])
        queue.discard(gone)
    assert len(queue._buckets[0]._ranked) < 200


def test_a_row_that_is_put_back_has_waited_since_it_came():
    queue = Batcher(policy(most_rows=8), CostModel(), longest=64, capacity=10)
    queue.put([job("a", queued=5.0)])
    queue.put_back([job("a", queued=1.0)])
    assert queue.oldest_wait(6.0) == 5.0
