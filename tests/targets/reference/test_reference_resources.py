"""What a worker may use, and that it uses this and nothing else: processes, threads, cores, memory, time."""

import os
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from asking import (
    ANSWER,
    INFER,
    TEXT,
    Launch,
    busy_workers,
    computed_beside,
    freeze,
    listens,
    metric,
    occupy,
    send,
    status_number,
    tensor,
    thaw,
)
from conftest import HOME, Server, eventually, run_module

MODEL = HOME / "models" / "search.onnx"


def config(server: Server) -> dict[str, object]:
    document: dict[str, object] = server.client.get("/v1/config").json()
    return document


# Isolation


def test_threads_answer_as_processes_do(launch: Launch, threads: ThreadPoolExecutor, examples):
    texts = [text for text, _ in examples[:60]]
    flags = ("--workers", "2", "--batching", "dynamic", "--max-batch-size", "4")
    apart, together = launch(*flags), launch(*flags, "--isolation", "thread")
    assert (len(apart.workers), together.workers) == (2, [])
    assert metric(apart, "agent_workers") == metric(together, "agent_workers") == 2
    alone = [apart.decide(text).json() for text in texts]
    assert [together.decide(text).json()["decision"] for text in texts] == [one["decision"] for one in alone]
    crowd = list(threads.map(together.decide, texts * 3))
    assert [response.json()["decision"] for response in crowd] == [one["decision"] for one in alone] * 3
    for response, one in zip(crowd, alone * 3, strict=True):
        assert response.json()["confidence"] == pytest.approx(one["confidence"], abs=1e-3)
    scores = [
        server.client.post(INFER, json=tensor(rows=4, length=9)).json()["outputs"] for server in (apart, together)
    ]
    assert scores[0][0]["data"] == pytest.approx(scores[1][0]["data"], abs=1e-4)
    same = config(apart).keys() - {"isolation"}
    assert {key: config(apart)[key] for key in same} == {key: config(together)[key] for key in same}
    assert together.stop() == (0, "")


def test_threads_are_counted_apart_from_those_that_python_starts_meanwhile(monkeypatch: pytest.MonkeyPatch):
    """The front starts threads of its own while a session is opened."""
    from reference_agent.inference import session
    from reference_agent.inference.resources import Resources

    done, opened = threading.Event(), session.ort.InferenceSession

    def slow(*arguments: object, **options: object) -> object:
        for _ in range(3):
            threading.Thread(target=done.wait).start()
        return opened(*arguments, **options)

    monkeypatch.setattr(session.ort, "InferenceSession", slow)
    try:
        assert session.open_session(MODEL.read_bytes(), MODEL, Resources(intra_op_threads=2))[1] == 2
    finally:
        done.set()


# Cores and threads


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core cannot be shared out")
def test_workers_with_cores_of_their_own(launch: Launch):
    everything = os.sched_getaffinity(0)
    server = launch("--workers", "2", "--cpu-affinity", "spread")
    first, second = (os.sched_getaffinity(worker) for worker in server.workers)
    assert (len(first), len(second)) == (1, 1)
    assert first != second
    assert first | second <= everything
    for worker in server.workers:
        tasks = [int(task.name) for task in Path(f"/proc/{worker}/task").iterdir()]
        assert {frozenset(os.sched_getaffinity(task)) for task in tasks} == {frozenset(os.sched_getaffinity(worker))}
    assert os.sched_getaffinity(server.process.pid) == everything
    # A worker that takes another's place takes its core.
    lost = server.workers[0]
    os.kill(lost, signal.SIGKILL)
    eventually(lambda: metric(server, "agent_worker_restarts_total") == metric(server, "agent_workers") - 1 == 1)
    assert {frozenset(os.sched_getaffinity(worker)) for worker in server.workers} == {
        frozenset(first),
        frozenset(second),
    }
    assert config(server)["cpu_affinity"] == "spread"


def test_workers_share_all_cores_otherwise(launch: Launch):
    server = launch("--workers", "2")
    assert [os.sched_getaffinity(worker) for worker in server.workers] == [os.sched_getaffinity(0)] * 2


def test_threads_cannot_have_cores_of_their_own():
    done = run_module("reference_agent", "--port", "0", "--isolation", "thread", "--cpu-affinity", "spread")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "reference_agent: --cpu-affinity spread needs --isolation process: threads share one session and its threads\n"
    )


def test_threads_of_one_operator_and_of_several(launch: Launch):
    threads = {}
    for intra, inter, arena in ((1, 1, "on"), (3, 1, "on"), (2, 3, "off")):
        server = launch("--intra-op-threads", str(intra), "--inter-op-threads", str(inter), "--memory-arena", arena)
        shown = config(server)
        assert [shown[key] for key in ("intra_op_threads", "inter_op_threads", "memory_arena")] == [intra, inter, arena]
        assert server.decide(TEXT).json()["decision"] == ANSWER
        threads[intra, inter] = status_number(server.workers[0], "Threads")
        server.stop()
    # Who takes the batches computes too, and of operators that run at a time it runs one.
    assert [threads[key] - threads[1, 1] for key in ((3, 1), (2, 3))] == [2, 1 + 2]


def test_a_session_is_opened_with_what_it_may_use():
    from reference_agent.inference.resources import Resources
    from reference_agent.inference.session import open_session, ort

    plain = Resources()
    other = Resources(inter_op_threads=2, intra_op_threads=3, spinning=False, memory_arena=False)
    for resources, spins, mode in (
        (plain, "1", ort.ExecutionMode.ORT_SEQUENTIAL),
        (other, "0", ort.ExecutionMode.ORT_PARALLEL),
    ):
        session, threads = open_session(MODEL.read_bytes(), MODEL, resources)
        options = session.get_session_options()
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == spins
        assert options.get_session_config_entry("session.inter_op.allow_spinning") == spins
        assert (options.enable_cpu_mem_arena, options.execution_mode) == (resources.memory_arena, mode)
        assert options.intra_op_num_threads == resources.intra_op_threads == threads
        assert options.inter_op_num_threads == resources.inter_op_threads


def test_threads_that_spin_burn_time(launch: Launch):
    """The same requests one after the other; in between a thread that spins has nothing to do but that."""
    burnt = {}
    for spinning in ("on", "off"):
        server = launch(
            "--spinning", spinning, "--intra-op-threads", "2", "--batching", "dynamic", "--max-batch-size", "2"
        )
        assert config(server)["spinning"] == spinning
        (worker,) = server.workers
        before = computed_beside(worker)
        for _ in range(150):
            assert server.client.post(INFER, json=tensor(rows=2, length=16)).status_code == 200
        burnt[spinning] = computed_beside(worker) - before
        server.stop()
    assert burnt["on"] > 1.3 * burnt["off"]


# Reservation


def test_workers_that_come_when_they_are_needed(launch: Launch, threads: ThreadPoolExecutor):
    server = launch("--reservation", "dynamic", "--workers", "3")
    assert server.client.get("/v2/health/ready").status_code == 200
    assert (server.workers, metric(server, "agent_workers")) == ([], 0)
    assert server.decide(TEXT).json()["decision"] == ANSWER
    assert len(server.workers) == metric(server, "agent_workers") == 1
    assert [server.decide(TEXT).status_code for _ in range(10)] == [200] * 10
    assert len(server.workers) == 1, "one after the other needs no second worker"
    held = []
    for count in (1, 2):
        frozen = server.workers
        for worker in frozen:
            freeze(worker)
        held.append(threads.submit(server.decide, TEXT))
        eventually(lambda: busy_workers(server) == len(held))
        # All workers are busy now: the next request needs another one, and gets it.
        assert server.decide(TEXT).json()["decision"] == ANSWER
        assert len(server.workers) == metric(server, "agent_workers") == count + 1
    for worker in server.workers:
        freeze(worker)
    waiting = [threads.submit(server.decide, TEXT) for _ in range(8)]
    eventually(lambda: metric(server, "agent_queue_depth") == 7)
    assert len(server.workers) == 3
    thaw(*server.workers)
    assert [future.result().json()["decision"] for future in held + waiting] == [ANSWER] * 10
    assert len(server.workers) == 3
    assert config(server) | {"workers": 3, "workers_running": 3, "reservation": "dynamic"} == config(server)


def test_the_first_request_brings_the_fewest_workers_that_may_stand(launch: Launch):
    server = launch("--reservation", "dynamic", "--elastic", "horizontal", "--min-workers", "2", "--workers", "3")
    assert server.workers == []
    assert server.decide(TEXT).json()["decision"] == ANSWER
    eventually(lambda: metric(server, "agent_workers") == 2)


def test_many_first_requests_at_once(launch: Launch, threads: ThreadPoolExecutor):
    server = launch("--reservation", "dynamic", "--workers", "2", "--isolation", "thread")
    answers = list(threads.map(server.decide, [TEXT] * 16))
    assert [answer.json()["decision"] for answer in answers] == [ANSWER] * 16
    assert 1 <= metric(server, "agent_workers") <= 2
    assert config(server)["intra_op_threads"] == 1


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_broken_model_that_is_first_looked_at_when_it_is_needed(
    launch: Launch, threads: ThreadPoolExecutor, tmp_path: Path, isolation
):
    model = tmp_path / "model.onnx"
    model.write_bytes(b"junk")
    server = launch("--reservation", "dynamic", "--isolation", isolation, "--model", str(model))
    assert server.client.get("/v2/health/ready").status_code == 200
    refused = [future.result() for future in [threads.submit(server.decide, TEXT) for _ in range(3)]]
    assert {response.status_code for response in refused} == {503}
    # Who comes a little later meets a server that ends already.
    assert "no worker could be started; the server ends" in {response.json()["error"] for response in refused}
    ends_because_the_model_is_broken(server, model)


def test_a_model_that_breaks_while_the_server_runs(launch: Launch, threads: ThreadPoolExecutor, tmp_path: Path):
    """A worker that dies cannot be replaced: what it had and what waits is answered, and the server ends."""
    model = tmp_path / "model.onnx"
    shutil.copyfile(MODEL, model)
    server = launch("--model", str(model))
    worker, held = occupy(server, threads)
    futures = [held, *(send(server, threads, waiting) for waiting in (1, 2))]
    model.write_bytes(b"junk")
    os.kill(worker, signal.SIGKILL)
    for future in futures:
        assert future.result().status_code == 503
        assert future.result().json().keys() == {"error"}
    ends_because_the_model_is_broken(server, model)


def test_other_workers_answer_what_waits_before_a_broken_server_ends(
    launch: Launch, threads: ThreadPoolExecutor, tmp_path: Path
):
    model = tmp_path / "model.onnx"
    shutil.copyfile(MODEL, model)
    server = launch("--model", str(model), "--workers", "2")
    lost, other = server.workers
    freeze(lost), freeze(other)
    futures = [threads.submit(server.decide, TEXT) for _ in range(2)]
    eventually(lambda: busy_workers(server) == 2)
    futures.append(send(server, threads, waiting=1))
    model.write_bytes(b"junk")
    os.kill(lost, signal.SIGKILL)
    eventually(lambda: not listens(server))
    thaw(other)
    assert [future.result().json().get("decision") for future in futures] == [ANSWER] * 3
    ends_because_the_model_is_broken(server, model)


def ends_because_the_model_is_broken(server: Server, model: Path) -> None:
    server.process.wait(15)
    code, errors = server.stop()
    assert (code, errors.count("\n")) == (2, 1)
    assert errors.startswith(f"reference_agent: {model}: CPUExecutionProvider cannot load it")


def test_a_model_that_changes_while_the_server_runs(launch: Launch, tmp_path: Path):
    """Two models in one server would give two answers: a worker of the new file is not taken."""
    import onnx

    model = tmp_path / "model.onnx"
    shutil.copyfile(MODEL, model)
    server = launch("--model", str(model), "--workers", "2")
    other = onnx.load(MODEL)
    other.doc_string = "another one"
    onnx.save(other, model)
    os.kill(server.workers[0], signal.SIGKILL)
    assert server.process.wait(15) == 2
    assert server.stop()[1] == (
        "reference_agent: the model file has changed since the server started; start the server again\n"
    )
