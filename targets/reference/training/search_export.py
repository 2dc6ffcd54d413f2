"""Write a trained encoder as one ONNX file that carries everything its server needs to know."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from onnx_file import write
from search_tokens import TOKENIZER, tokens


def export(model: torch.nn.Module, path: Path, labels: Sequence[str]) -> None:
    """Write `model` to `path`, then add the agent's name, labels, tokenizer and precision as metadata."""
    write(
        model,
        torch.tensor([tokens("a request of some words").tolist()] * 2),
        path,
        tensors={"input_ids": {0: "batch", 1: "length"}, "logits": {0: "batch"}},
        metadata={
            "agent": "search",
            "precision": "fp32",
            "labels": json.dumps(list(labels)),
            "vocabulary": str(TOKENIZER.vocabulary),
            "max_length": str(TOKENIZER.max_length),
        },
        producer="train_search.py",
    )
