"""What makes a model an agent: how a document becomes a row, and a row of scores a decision."""

import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from reference_agent.agents.signature import Interface, Signature
from reference_agent.errors import RequestError

Scores = Sequence[float]
Example = tuple[dict[str, Any], dict[str, Any]]
"""A document, and the decision on it, for people."""


class Agent(ABC):
    """A task: rows of numbers in, a row of 32-bit scores out for each, and what both mean to people."""

    name: ClassVar[str]
    slo: ClassVar[str] = ""
    """What its users are usually promised, as the tuner reads it; empty where nobody knows."""

    @abstractmethod
    def signature(self, interface: Interface, metadata: Mapping[str, str], /) -> Signature:
        """Say what a model of these tensors and metadata takes and gives; StartError when the agent cannot serve it."""

    @abstractmethod
    def example(self, signature: Signature, /) -> Example:
        """Return what people may send and what they get."""

    @abstractmethod
    def read(self, document: Any, signature: Signature, /) -> bytes:
        """Return the row of a document, or refuse it."""

    @abstractmethod
    def check(self, row: "array[Any]", signature: Signature, /) -> None:
        """Refuse a row of tensors that the model could not have been trained on."""

    @abstractmethod
    def decide(self, scores: Scores, document: Any, signature: Signature, /) -> dict[str, Any]:
        """Say what the scores mean for the document."""

    @abstractmethod
    def sample(self, signature: Signature, /) -> bytes:
        """Return a usual row, for a rehearsal."""

    def scored(self, _elements: int, signature: Signature, /) -> int:
        """How many scores a row of so many elements gets."""
        return len(signature.labels)


def object_with(document: Any, *keys: str, example: str) -> list[Any]:
    """Return the values of `keys` in a document, or refuse it with an example of a good one."""
    if not isinstance(document, dict) or any(key not in document for key in keys):
        raise RequestError(400, f"the body must be a JSON object like {example}")
    return [document[key] for key in keys]


def likeliest(scores: Scores, labels: Sequence[str | int]) -> dict[str, Any]:
    """Return the label with the highest score, and its probability by softmax."""
    highest = max(scores)
    total = sum(math.exp(score - highest) for score in scores)
    return {"decision": labels[scores.index(highest)], "confidence": round(1.0 / total, 6)}


def finite(raw: bytes, count: int) -> "array[float]":
    """Return the first `count` scores of a row, or refuse those that are no answer; what follows belongs to padding."""
    scores = array("f")
    scores.frombytes(raw[: count * scores.itemsize])
    if len(scores) != count or not math.isfinite(sum(scores)):
        raise RequestError(500, "the model gave scores that are not finite")
    return scores
