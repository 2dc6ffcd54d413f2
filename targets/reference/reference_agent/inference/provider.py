"""What each execution provider must be told so that a precision is what it is called, and what it lacks here."""

import ctypes
import json
import os
import re
from pathlib import Path

import onnxruntime as ort  # type: ignore[import-untyped]

from reference_agent.inference.precision import Precision, without_bf16

OPENVINO = "OpenVINOExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""How /proc/cpuinfo calls the instructions; without them OpenVINO computes in fp32 and does not say so."""
_SOURCE = re.compile(r"\S+\.(?:cc|cpp|h):\d+ .*?\) (?:\[with .*?\] )?")
"""How messages name a place in the source: file, line, and the whole signature."""
CPUINFO = Path("/proc/cpuinfo")


def provider_options(provider: str, precision: Precision, threads: int) -> dict[str, str]:
    """Return what `provider` is told: left to itself it may choose a narrower number format, and all cores."""
    if provider == OPENVINO:
        device = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision is Precision.BF16 else "f32",
            "INFERENCE_NUM_THREADS": str(threads or cores()),
            "NUM_STREAMS": "1",
            # Each process would pin its threads to the same first cores.
            "ENABLE_CPU_PINNING": "NO",
        }
        return {"device_type": "CPU", "load_config": json.dumps({"CPU": device})}
    return {"use_tf32": "0"} if provider == CUDA else {}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def without_bf16_here(provider: str) -> str:
    """Why there is no bf16 on `provider` on this machine; empty where there is."""
    if reason := without_bf16(provider):
        return reason
    if CPUINFO.exists() and not BF16_FLAGS & set(CPUINFO.read_text(encoding="utf-8").split()):
        return "this CPU has no instructions for bf16"
    return ""


def missing_library(provider: str) -> str:
    """Which library a provider of this ONNX Runtime does not find, as the system says; mostly empty."""
    name = f"libonnxruntime_providers_{provider.removesuffix('ExecutionProvider').lower()}.so"
    library = Path(ort.__file__).parent / "capi" / name
    if not library.exists():  # as the CPU's, which is in the core
        return ""
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return str(error) if "cannot open shared object" in str(error) else ""
    return ""


def plain(error: Exception) -> str:
    """What ONNX Runtime says, in one line, without where in its source it says so; of many lines the ends."""
    first, *more = (str(error).strip() or type(error).__name__).splitlines()
    return " … ".join([_SOURCE.sub("", first), *more[-1:]])
