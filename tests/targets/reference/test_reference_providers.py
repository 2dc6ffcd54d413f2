"""Execution providers: told what a precision means, of the right build of ONNX Runtime, refused with a reason."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HOME, environment, run_module

from tests import fake_openvino

CPU, OPENVINO, CUDA = "CPUExecutionProvider", "OpenVINOExecutionProvider", "CUDAExecutionProvider"
MODEL = HOME / "models" / "search.onnx"


@pytest.fixture
def runtimes(tmp_path: Path) -> Path:
    """A folder of runtimes with a made-up OpenVINO."""
    fake_openvino.unpack(tmp_path / "runtimes" / "openvino")
    return tmp_path / "runtimes"


@pytest.mark.parametrize(("precision", "hint"), [("fp32", "f32"), ("fp16", "f32"), ("int4", "f32"), ("bf16", "bf16")])
def test_openvino_is_told_the_precision_and_the_threads(precision: str, hint: str) -> None:
    from reference_agent.inference.precision import Precision
    from reference_agent.inference.provider import cores, provider_options

    for threads in (3, 0):
        told = provider_options(OPENVINO, Precision(precision), threads)
        assert told["device_type"] == "CPU"
        assert json.loads(told["load_config"])["CPU"] == {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": str(threads or cores()),
            "NUM_STREAMS": "1",
            "ENABLE_CPU_PINNING": "NO",
        }


def test_other_providers_are_told_what_makes_fp32_fp32() -> None:
    from reference_agent.inference.precision import Precision
    from reference_agent.inference.provider import provider_options

    assert provider_options(CPU, Precision.FP32, 2) == {}
    assert provider_options(CUDA, Precision.FP32, 2) == {"use_tf32": "0"}


@pytest.mark.parametrize(
    ("flags", "provider", "why"),
    [
        ("avx2 avx512_bf16", OPENVINO, ""),
        ("amx_bf16 avx2", OPENVINO, ""),
        ("asimd bf16", OPENVINO, ""),
        ("avx2 avx512f", OPENVINO, "this CPU has no instructions for bf16"),
        ("avx512_bf16", CPU, f"{CPU} has no bf16 kernels for MatMul, Gemm and Conv; {OPENVINO} has"),
    ],
)
def test_bf16_needs_a_provider_and_a_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, provider: str, why: str
) -> None:
    from reference_agent.inference import provider as module

    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: fpu {flags} sse2\n")
    monkeypatch.setattr(module, "CPUINFO", tmp_path / "cpuinfo")
    assert module.without_bf16_here(provider) == why


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Failed", "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Failed"),
        ("/src/python/state.cc:729 void onnx::Register(Options&, const Map&) Please install", "Please install"),
        (
            "Failed: /a/b.cc:1 X::X(A&) /a/c.cc:2 auto f(F&&) [with bool b = false] [EP] Why:\n\nBecause",
            "Failed: [EP] Why: … Because",
        ),
        ("", "RuntimeError"),
    ],
)
def test_what_onnx_runtime_says_is_told_without_its_source(said: str, plain: str) -> None:
    from reference_agent.inference import provider

    assert provider.plain(RuntimeError(said)) == plain


def facts(*flags: str) -> dict[str, object]:
    done = run_module("reference_agent.variants.facts", *flags)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_facts_say_what_runs_and_why_the_rest_does_not(runtimes: Path) -> None:
    without, beside = facts(), facts("--runtimes", str(runtimes))
    assert without["providers"] == [CPU]
    assert beside["providers"] == [CPU, OPENVINO]
    for found in (without, beside):
        runs = found["runs"]
        assert isinstance(runs, dict)
        assert list(runs)[:4] == [CPU, OPENVINO, CUDA, "TensorrtExecutionProvider"]
        assert runs[CPU]["fp32"] == runs[CPU]["int8_static"] == ""
        assert runs[CPU]["bf16"] == f"{CPU} has no bf16 kernels for MatMul, Gemm and Conv; {OPENVINO} has"
        assert "not in onnxruntime " in runs[CUDA]["fp32"]
        assert bool(runs[OPENVINO]["fp32"]) is (found is without)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (fake_openvino.WITHOUT, f"{OPENVINO} is not in onnxruntime-openvino 1.24.1, which has {CPU}"),
        (fake_openvino.NAMED_ONLY, f"no part of it runs on {OPENVINO}, all of it fell back to {CPU}"),
        ("import os; os.kill(os.getpid(), 11)", f"{OPENVINO} ended its process with signal 11"),
        ("raise ImportError('needs another libc')", "ImportError: needs another libc"),
    ],
)
def test_a_build_that_does_not_run_the_model_is_left_out_with_its_reason(tmp_path: Path, source: str, why: str) -> None:
    fake_openvino.unpack(tmp_path / "openvino", source)
    found = facts("--runtimes", str(tmp_path))
    assert found["providers"] == [CPU]
    runs = found["runs"]
    assert isinstance(runs, dict)
    assert runs[OPENVINO]["fp32"] == why


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_workers_take_the_build_that_the_provider_needs(launch, runtimes: Path, isolation: str) -> None:
    flags = ["--isolation", isolation, "--runtimes", str(runtimes)]
    config = launch("--execution-provider", OPENVINO, *flags).client.get("/v1/config").json()
    assert (config["execution_provider"], config["nodes_on_provider"]) == (OPENVINO, 1.0)
    assert (config["runtime"], config["onnxruntime"]) == ("onnxruntime-openvino", "1.24.1")
    config = launch("--execution-provider", CPU, *flags).client.get("/v1/config").json()
    assert (config["execution_provider"], config["runtime"]) == (CPU, "onnxruntime")


def test_the_front_of_a_process_pool_needs_no_onnx_runtime(launch, tmp_path: Path) -> None:
    """Its own would raise; its workers take another."""
    (tmp_path / "broken" / "onnxruntime").mkdir(parents=True)
    (tmp_path / "broken" / "onnxruntime" / "__init__.py").write_text("raise ImportError('the front imported it')")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'broken')!r})\n"
        "from reference_agent.__main__ import main; main()"
    )
    server = launch(program=("-c", program))
    assert server.decide("show me the weather").status_code == 200


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_bf16_model_is_refused_where_there_is_no_bf16(tmp_path: Path, isolation: str) -> None:
    import onnx

    model = onnx.load(MODEL)
    entries = {entry.key: entry.value for entry in model.metadata_props} | {"precision": "bf16"}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, entries)
    onnx.save(model, tmp_path / "model.onnx")
    done = run_module(
        "reference_agent", "--port", "0", "--model", str(tmp_path / "model.onnx"), "--isolation", isolation
    )
    assert done.returncode == 2
    assert "is to be computed in bf16, but CPUExecutionProvider has no bf16 kernels" in done.stderr


def test_every_package_that_the_server_imports_is_asked_for() -> None:
    from reference_agent.inference.needs import NEEDS

    package = HOME / "reference_agent"
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found |= {name.split(".")[0] for name in names}
    of_some_variants_or_jobs = {"onnx_ir", "redis", "google"}  # the last comes with onnx
    not_imported_by_name = {"httptools"}  # uvicorn's parser
    others = found - set(sys.stdlib_module_names) - {"reference_agent"} - of_some_variants_or_jobs
    assert others == set(NEEDS) - not_imported_by_name


def test_a_python_that_lacks_packages_is_refused_in_one_sentence() -> None:
    command = [sys.executable, "-S", "-m", "reference_agent.variants.facts"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{sys.executable} lacks httptools, jinja2, numpy" in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_builds_a_variant_is_in_the_key_of_the_cache() -> None:
    """Whatever of ours the build imports, and what it reads of its own."""
    from tuner.target import spec
    from tuner.target.inputs import own_files

    code = (
        "import sys; import reference_agent.variants.build\n"
        "print('\\n'.join(m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    imported = {Path(line) for line in done.stdout.splitlines() if line.startswith(str(HOME))}
    made_of = set()
    for agent in ("search", "drive"):
        target = spec.load("reference", {"agent": agent})
        assert target.prepare is not None
        files = set(own_files(target.folder, target.prepare))
        assert imported <= files
        assert not {path.name for path in files} & {"README.md", "server.py", "target.toml"}
        assert "onnxruntime" in target.names["versions"]
        assert target.prepare.depends == ("$made_of", "$versions")
        made_of.add(target.names["made_of"])
    assert len(made_of) == 2
