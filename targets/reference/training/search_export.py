"""Write a trained encoder as one ONNX file that carries everything its server needs to know."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from onnx_file import write
from reference_agent.inference.tokenizer import Tokenizer


def export(model: torch.nn.Module, path: Path, labels: Sequence[str], tokenizer: Tokenizer) -> None:
    """Write `model` to `path`, then add the agent's name, labels, tokenizer and precision as metadata."""
    write(
        model,
        torch.tensor([tokenizer.encode("a request of some words").tolist()] * 2),
        path,
        tensors={"input_ids": {0: "batch", 1: "length"}, "logits": {0: "batch"}},
        metadata={
            "agent": "search",
            "precision": "fp32",
            "labels": json.dumps(list(labels)),
            "vocabulary": str(tokenizer.vocabulary),
            "max_length": str(tokenizer.max_length),
        },
        producer="train_search.py",
    )
