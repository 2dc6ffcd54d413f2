"""An ONNX Runtime session, opened exactly as asked or refused with a sentence: never a silent fall-back."""

import os
import threading
from pathlib import Path
from typing import Any

import onnxruntime as ort  # type: ignore[import-untyped]
from onnxruntime.capi.build_and_package_info import package_name  # type: ignore[import-untyped]

from reference_agent.agents.signature import Interface, Tensor
from reference_agent.errors import StartError
from reference_agent.inference.precision import FLOATS, Precision, quantized
from reference_agent.inference.provider import (
    OPENVINO,
    cores,
    missing_library,
    plain,
    provider_options,
    without_bf16_here,
)
from reference_agent.inference.resources import CPU, Resources

LEAST_SHARE = 0.5
"""Of a model's nodes that run on a provider, for its figures to go by the provider's name."""
FATAL_ONLY = 4
"""ONNX Runtime's log level: what goes wrong is said once, by us."""
_DATATYPES = {"tensor(int64)": "INT64", "tensor(int32)": "INT32", "tensor(uint8)": "UINT8", "tensor(float)": "FP32"}
TASKS = Path("/proc/self/task")
Threads = frozenset[int]
ORT_VERSION: str = ort.__version__
ORT_PACKAGE: str = package_name
"""Which build of it this is."""

Session = Any
"""An `onnxruntime.InferenceSession`; the package comes without types."""

ort.set_default_logger_severity(FATAL_ONLY)


def read_model_file(path: Path) -> bytes:
    """Return the bytes of a model, so that what is hashed is what runs."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartError(f"{path}: cannot be read ({error.strerror}); give --model an ONNX file") from None


def open_session(content: bytes, path: Path, resources: Resources) -> tuple[Session, int]:
    """Open a session as asked and count the threads that compute in it."""
    available, provider = listed_providers(), resources.execution_provider
    if provider not in available:
        raise StartError(f"{provider} is not in {ORT_PACKAGE} {ORT_VERSION}, which has {', '.join(available)}")
    before = _threads_alive()
    session = _opened(content, path, resources, Precision.FP32)
    # What a file is meant to be computed in is known only when it is open.
    if session.get_modelmeta().custom_metadata_map.get("precision") == Precision.BF16 and not without_bf16_here(
        provider
    ):
        session = _opened(content, path, resources, Precision.BF16)
    return session, _threads_of(session, resources, before)


def _opened(content: bytes, path: Path, resources: Resources, precision: Precision) -> Session:
    provider, options = resources.execution_provider, session_options(resources)
    told = provider_options(provider, precision, resources.intra_op_threads)
    try:
        session = ort.InferenceSession(
            content, options, providers=[provider], provider_options=[told], enable_fallback=0
        )
    except Exception as error:  # the binding raises a dozen unrelated classes, all of them about this file or provider
        reason = missing_library(provider) or plain(error)
        advice = "; give --model a complete ONNX file" if provider == CPU else ""
        raise StartError(f"{path}: {provider} cannot load it ({reason}){advice}") from None
    share = share_on_provider(session, provider)
    if 0.0 < share < LEAST_SHARE:
        raise StartError(f"{path}: only {share:.0%} of its nodes run on {provider}, the others on {CPU}; take {CPU}")
    if session.get_providers()[0] != provider or not share:
        reason = f" ({missing})" if (missing := missing_library(provider)) else ""
        raise StartError(f"{path}: no part of it runs on {provider}, all of it fell back to {CPU}{reason}")
    return session


def session_options(resources: Resources) -> ort.SessionOptions:
    """Write resources as ONNX Runtime reads them."""
    options = ort.SessionOptions()
    # OpenVINO has threads of its own: these would only be idle.
    options.intra_op_num_threads = 1 if resources.execution_provider == OPENVINO else resources.intra_op_threads
    options.inter_op_num_threads = resources.inter_op_threads
    if resources.inter_op_threads > 1:
        options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
    options.enable_cpu_mem_arena = resources.memory_arena
    options.log_severity_level = FATAL_ONLY
    # ONNX Runtime takes any key without a word: these are all that are used.
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(resources.spinning)))
    options.add_session_config_entry("session.inter_op.allow_spinning", str(int(resources.spinning)))
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return options


def listed_providers() -> list[str]:
    """The execution providers that ONNX Runtime was built with; one of these may still not work here."""
    return list(ort.get_available_providers())


def operators(session: Session) -> list[tuple[str, str]]:
    """The (provider, operator) of every node of the running graph."""
    groups = session.get_provider_graph_assignment_info()
    return [(group.ep_name, node.op_type) for group in groups for node in group.get_nodes()]


def share_on_provider(session: Session, provider: str) -> float:
    """The share of the graph's nodes that run on `provider`, 0 to 1."""
    nodes = operators(session)
    return sum(name == provider for name, _ in nodes) / max(1, len(nodes))


def interface(session: Session) -> Interface:
    """Describe the tensors of a session."""
    inputs = session.get_inputs()
    fixed = (found.shape[0] for found in inputs if found.shape and isinstance(found.shape[0], int))
    return Interface(
        inputs=tuple(map(tensor, inputs)), outputs=tuple(map(tensor, session.get_outputs())), batch=next(fixed, None)
    )


def tensor(found: Any) -> Tensor:
    """Describe a tensor of a session."""
    kind = _DATATYPES.get(found.type, found.type)
    shape = tuple(size if isinstance(size, int) else None for size in found.shape[1:])
    return Tensor(name=found.name, datatype=kind, shape=shape)


def precision(session: Session, claimed: str | None, path: Path) -> Precision:
    """The precision that the metadata claim, if they do; raise StartError when the operators show another."""
    found = quantized({operator for _, operator in operators(session)})
    if found is None and claimed in FLOATS:  # no operator tells which of them
        if claimed == Precision.BF16 and (reason := without_bf16_here(session.get_providers()[0])):
            raise StartError(f"{path}: is to be computed in bf16, but {reason}")
        return Precision(claimed)
    if found is None or claimed not in (found, None):
        raise StartError(
            f"{path}: its metadata say precision {claimed!r} but its operators are {found or 'floating point'}; "
            "build it again with python -m reference_agent.variants.build"
        )
    return found


def _threads_of(session: Session, resources: Resources, before: Threads | None) -> int:
    """How many threads compute in a session that has just been opened."""
    after = _threads_alive()
    if before is None or after is None or resources.execution_provider != CPU:  # drivers start threads of their own
        return resources.intra_op_threads or cores()
    # The calling thread computes too, and the session starts the others: counting them holds for 0 ("all cores").
    started = after - before - {thread.native_id for thread in threading.enumerate()}
    inter = session.get_session_options().inter_op_num_threads
    return 1 + len(started) - (inter - 1 if inter > 1 else 0)


def _threads_alive() -> Threads | None:
    """The threads of this process; None where the kernel does not list them."""
    return frozenset(map(int, os.listdir(TASKS))) if TASKS.is_dir() else None
