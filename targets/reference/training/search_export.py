"""Write a trained encoder as one ONNX file that carries everything its server needs to know."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from reference_agent.inference.tokenizer import Tokenizer

OPSET = 17


def export(model: torch.nn.Module, path: Path, labels: Sequence[str], tokenizer: Tokenizer) -> None:
    """Write `model` to `path`, then add the agent's name, labels, tokenizer and precision as metadata."""
    example = torch.tensor([tokenizer.encode("a request of some words").tolist()] * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated; the other one needs onnxscript
        torch.onnx.export(
            model,
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["input_ids"],
            output_names=["logits"],
            dynamic_axes={"input_ids": {0: "batch", 1: "length"}, "logits": {0: "batch"}},
        )
    written = onnx.load(path)
    metadata = {
        "agent": "search",
        "precision": "fp32",
        "labels": json.dumps(list(labels)),
        "vocabulary": str(tokenizer.vocabulary),
        "max_length": str(tokenizer.max_length),
    }
    onnx.helper.set_model_props(written, metadata)
    written.producer_name = "train_search.py"
    written.doc_string = ""
    onnx.checker.check_model(written, full_check=True)
    onnx.save(written, path)
