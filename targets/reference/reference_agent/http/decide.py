"""The human side of an agent: a JSON document becomes a row of tokens, a row of scores becomes a decision."""

import math
from array import array
from typing import Any

from reference_agent.errors import RequestError
from reference_agent.inference.description import Description


def read_text(document: Any, description: Description) -> bytes:
    """Return the tokens of the document's text; what is longer than the model reads is cut off."""
    if not isinstance(document, dict) or "text" not in document:
        raise RequestError(400, 'the body must be a JSON object like {"text": "..."}')
    text = document["text"]
    if not isinstance(text, str):
        raise RequestError(400, f'"text" must be a string, not {type(text).__name__}')
    tokens = description.tokenizer.encode(text)
    if not tokens:
        raise RequestError(400, '"text" holds no word')
    return tokens.tobytes()


def finite_scores(raw: bytes) -> "array[float]":
    """Return a row of scores, or refuse one that is no answer."""
    scores = array("f")
    scores.frombytes(raw)
    if not math.isfinite(sum(scores)):
        raise RequestError(500, "the model gave scores that are not finite")
    return scores


def decision(raw: bytes, description: Description) -> tuple[str, float]:
    """Return the label with the highest score, and its probability by softmax."""
    scores = finite_scores(raw)
    highest = max(scores)
    total = sum(math.exp(score - highest) for score in scores)
    return description.labels[scores.index(highest)], 1.0 / total
