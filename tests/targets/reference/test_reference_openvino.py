"""OpenVINO as `tuner runtime add openvino` installs it: `pytest -m openvino`, left out without a word otherwise."""

from pathlib import Path

import pytest
from conftest import run_module

from tuner.machine import cores, fingerprint, place
from tuner.measure.measurement import measure
from tuner.measure.protocol import Protocol
from tuner.measure.verify import Verifier
from tuner.runtimes import store
from tuner.runtimes.known import find
from tuner.study.objectives import Limits
from tuner.study.trial import Measurement
from tuner.study.workload import Workload, closed
from tuner.target import spec

pytestmark = pytest.mark.openvino

OPENVINO = "OpenVINOExecutionProvider"


@pytest.fixture(scope="module")
def runtimes() -> str:
    assert store.installed(find("openvino")), "first: tuner runtime add openvino"
    return str(store.folder())


def built(folder: Path, precision: str, agent: str = "search") -> str:
    done = run_module(
        "reference_agent.variants.build",
        *("--agent", agent, "--precision", precision, "--provider", OPENVINO, "--out", str(folder)),
    )
    assert done.returncode == 0, done.stderr
    return str(folder / "model.onnx")


def scores(launch, *flags: str) -> tuple[list[float], dict]:
    """What a server makes of a usual request, and what it says of itself."""
    server = launch(*flags)
    request = {"inputs": [{"name": "input_ids", "shape": [1, 6], "datatype": "INT64", "data": [5, 6, 7, 8, 9, 10]}]}
    answer = server.client.post("/v2/models/search/infer", json=request)
    assert answer.status_code == 200, answer.text
    return answer.json()["outputs"][0]["data"], server.client.get("/v1/config").json()


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_fp32_is_fp32_and_bf16_is_not(launch, tmp_path: Path, runtimes: str, isolation: str) -> None:
    flags = ["--isolation", isolation, "--runtimes", runtimes, "--execution-provider", OPENVINO]
    cpu, _ = scores(launch)
    fp32, config = scores(launch, *flags)
    assert fp32 == pytest.approx(cpu, abs=1e-4)
    assert {name: config[name] for name in ("execution_provider", "nodes_on_provider", "precision", "runtime")} == {
        "execution_provider": OPENVINO,
        "nodes_on_provider": 1.0,
        "precision": "fp32",
        "runtime": "onnxruntime-openvino",
    }
    bf16, config = scores(launch, *flags, "--model", built(tmp_path, "bf16"))
    assert config["precision"] == "bf16"
    assert fp32 != pytest.approx(bf16, abs=1e-4)
    assert fp32 == pytest.approx(bf16, abs=0.5)


def test_a_variant_that_it_cannot_compile_is_refused_with_its_reason(tmp_path: Path, runtimes: str) -> None:
    model = built(tmp_path, "int4", "recommend")
    flags = ["--agent", "recommend", "--model", model, "--runtimes", runtimes, "--execution-provider", OPENVINO]
    done = run_module("reference_agent", "--port", "0", *flags)
    assert done.returncode == 2
    assert f"{model}: {OPENVINO} cannot load it (" in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_is_offered_prepared_and_measured(tmp_path: Path, runtimes: str) -> None:
    target = spec.load("reference")
    assert target.runs[OPENVINO]["fp32"] == ""
    assert runtimes == target.names["runtimes"]
    protocol = Protocol(
        target=target,
        workload=Workload(loads=closed((2,)), warm_up=0.1, measure=0.5, measure_most=0.5, drain=1.0),
        limits=Limits(),
        verifier=Verifier(target, tmp_path / "answers", 2),
        machine=fingerprint(),
        placement=place(cores()),
    )
    configuration = target.space.configuration({"execution_provider": OPENVINO, "precision": "int8_static"})
    outcome = measure(protocol, configuration, tmp_path / "trial")
    assert isinstance(outcome, Measurement), outcome
    assert outcome.effective["execution_provider"] == OPENVINO
    assert outcome.effective["precision"] == "int8_static"
    assert outcome.quality is not None
    assert outcome.quality.share > 0.9
