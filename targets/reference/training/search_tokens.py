"""The search agent's tokenizer: the server's own, so that both read the same numbers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from numpy.typing import NDArray
from reference_agent.agents.tokenizer import PADDING, Tokenizer

__all__ = ["PADDING", "TOKENIZER", "tokens"]

TOKENIZER = Tokenizer(vocabulary=3072, max_length=64)


def tokens(text: str) -> NDArray[np.int64]:
    """`text` as the model reads it."""
    return np.asarray(TOKENIZER.encode(text), np.int64)
