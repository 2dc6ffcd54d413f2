"""What follows the load: how many workers there are, and how many threads a batch may have."""

import threading
from concurrent.futures import ThreadPoolExecutor

from asking import ANSWER, INFER, TEXT, Launch, busy_workers, computed_beside, freeze, metric, tensor, thaw
from conftest import eventually


def test_workers_come_and_go_with_the_load(launch: Launch, threads: ThreadPoolExecutor):
    server = launch("--elastic", "horizontal", "--min-workers", "1", "--workers", "2")
    shown = server.client.get("/v1/config").json()
    assert (shown["workers"], shown["workers_running"], shown["min_workers"]) == (2, 1, 1)
    (first,) = server.workers
    enough, many = threading.Event(), threading.Event()
    many.set()

    def keep_asking(number: int) -> list[str]:
        answers = []
        while not enough.wait(0.005):
            if number == 0 or many.is_set():
                answers.append(server.decide(TEXT).json().get("decision"))
        return answers

    clients = [threads.submit(keep_asking, number) for number in range(4)]
    try:
        # The only worker is slower than they ask: a second one comes.
        freeze(first)
        eventually(lambda: metric(server, "agent_workers") == 2, 30)
        thaw(first)
        assert len(server.workers) == 2
        # One client alone does not need it: it goes again.
        many.clear()
        eventually(lambda: metric(server, "agent_workers") == 1, 60)
        eventually(lambda: len(server.workers) == 1)
        assert server.decide(TEXT).json()["decision"] == ANSWER
    finally:
        enough.set()
    answers = [answer for client in clients for answer in client.result()]
    assert set(answers) == {ANSWER}
    assert metric(server, "agent_worker_restarts_total") == 0
    assert metric(server, 'agent_requests_total{code="200"}') == len(answers) + 1
    assert server.stop() == (0, "")


def test_a_batch_alone_has_all_threads_and_one_beside_others_has_one(launch: Launch, threads: ThreadPoolExecutor):
    flags = ("--workers", "2", "--intra-op-threads", "2", "--spinning", "off", "--elastic", "vertical")
    server = launch(*flags, "--batching", "dynamic", "--max-batch-size", "8", "--length-buckets", "1")

    def ask() -> int:
        before = sum(map(computed_beside, server.workers))
        for _ in range(3):
            assert server.client.post(INFER, json=tensor(rows=8, length=64)).status_code == 200
        return sum(map(computed_beside, server.workers)) - before

    alone = ask()
    both = server.workers
    for worker in both:
        freeze(worker)
    futures = [threads.submit(server.client.post, INFER, json=tensor(rows=8, length=64)) for _ in range(2)]
    eventually(lambda: busy_workers(server) == 2)
    thaw(both[0])
    eventually(lambda: sum(future.done() for future in futures) == 1)
    beside = ask()
    thaw(both[1])
    assert [future.result().status_code for future in futures] == [200, 200]
    again = ask()
    assert beside < min(alone, again) / 10, "the second thread slept"
    assert server.client.get("/v1/config").json()["intra_op_threads"] == 2
