"""Write any trained network as one ONNX file that carries everything its server needs to know, and describe one."""

import hashlib
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch

OPSET = 17


def write(
    network: torch.nn.Module,
    example: torch.Tensor,
    path: Path,
    *,
    tensors: Mapping[str, Mapping[int, str]],
    metadata: Mapping[str, str],
    producer: str,
) -> None:
    """Trace `network` with `example`; `tensors` names the input, the output, and which of their axes vary."""
    input_name, output_name = tensors
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated; the other one needs onnxscript
        torch.onnx.export(
            network,
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[input_name],
            output_names=[output_name],
            dynamic_axes={name: dict(axes) for name, axes in tensors.items()},
        )
    written = onnx.load(path)
    onnx.helper.set_model_props(written, dict(metadata))
    written.producer_name = producer
    written.doc_string = ""
    onnx.checker.check_model(written, full_check=True)
    onnx.save(written, path)


def describe(path: Path) -> dict[str, Any]:
    """What a report says of a model's file."""
    weights = onnx.load(path).graph.initializer
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "parameters": sum(math.prod(weight.dims) for weight in weights),
    }
