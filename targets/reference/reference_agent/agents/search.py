"""Search: a text of any length to what its writer wants."""

from array import array
from typing import Any

from reference_agent.agents.agent import Example, Scores, likeliest, object_with
from reference_agent.agents.signature import Signature, Tensor
from reference_agent.agents.tokenizer import PADDING, RESERVED, Tokenizer
from reference_agent.agents.trained import Trained
from reference_agent.errors import RequestError

USUAL_LENGTH = 16
"""Tokens of a usual request."""


class Search(Trained):
    """Rows of token numbers, padded with 0 behind the last one."""

    name = "search"
    input = Tensor(name="input_ids", datatype="INT64", shape=(None,))
    output = Tensor(name="logits", datatype="FP32", shape=(None,))
    limits = ("vocabulary", "max_length")
    slo = "p99=100ms"

    def example(self, _signature: Signature) -> Example:
        """Return a text and what its writer wants."""
        return (
            {"text": "book a train from paris to london"},
            {"decision": "book_paris_to_london", "confidence": 0.99},
        )

    def read(self, document: Any, signature: Signature) -> bytes:
        """Return the tokens of the document's text; what is longer than the model reads is cut off."""
        (text,) = object_with(document, "text", example='{"text": "..."}')
        if not isinstance(text, str):
            raise RequestError(400, f'"text" must be a string, not {type(text).__name__}')
        limits = signature.limits
        tokens = Tokenizer(vocabulary=limits["vocabulary"], max_length=limits["max_length"]).encode(text)
        if not tokens:
            raise RequestError(400, '"text" holds no word')
        return tokens.tobytes()

    def check(self, row: "array[Any]", signature: Signature) -> None:
        """Refuse tokens that are none, and rows of nothing but padding."""
        name, vocabulary = signature.input.name, signature.limits["vocabulary"]
        if min(row) < 0 or max(row) >= vocabulary:
            raise RequestError(400, f"{name} holds a number outside 0 to {vocabulary - 1}")
        if max(row) == PADDING:
            raise RequestError(400, f"{name} has a row of nothing but padding")

    def decide(self, scores: Scores, _document: Any, signature: Signature) -> dict[str, Any]:
        """Name the likeliest intent."""
        return likeliest(scores, signature.labels)

    def sample(self, _signature: Signature) -> bytes:
        """Return a text of one word, said again and again."""
        return array("q", [RESERVED] * USUAL_LENGTH).tobytes()
