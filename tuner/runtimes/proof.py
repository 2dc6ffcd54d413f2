"""Compute one product on an execution provider, or end with the reason why not: `python proof.py PROVIDER`.

It is run by a Python whose ONNX Runtime is to be proven, and imports nothing of tuner.
"""

import sys

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from onnx import TensorProto, helper

_SIZE = 16


def model() -> bytes:
    """Twice the input, as a matrix product."""
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [_SIZE, _SIZE], 2.0 * np.eye(_SIZE, dtype=np.float32))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["product"]), helper.make_node("Relu", ["product"], ["y"])],
        "proof",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", _SIZE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", _SIZE])],
        [weights],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def prove(provider: str) -> None:
    """End with one sentence unless `provider` computes, and nothing else does in its place."""
    available = ort.get_available_providers()
    if provider not in available:
        sys.exit(f"ONNX Runtime {ort.__version__} has {', '.join(available)}, not {provider}")
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    try:
        session = ort.InferenceSession(model(), options, providers=[provider], enable_fallback=0)
        rows = np.arange(4 * _SIZE, dtype=np.float32).reshape(4, _SIZE)
        answer = session.run(None, {"x": rows})[0]
    except Exception as error:  # the binding raises a dozen unrelated classes
        sys.exit((str(error).strip() or type(error).__name__).splitlines()[0])
    if elsewhere := {group.ep_name for group in session.get_provider_graph_assignment_info()} - {provider}:
        sys.exit(f"{provider} falls back to {', '.join(sorted(elsewhere))}")
    if not np.allclose(answer, 2.0 * rows):
        sys.exit(f"{provider} computes a wrong product")


if __name__ == "__main__":
    prove(sys.argv[1])
