"""Recommend: some hundred candidates to the order in which a user would like them at an hour."""

from array import array
from collections.abc import Sequence
from typing import Any

from reference_agent.agents.agent import Example, Scores, object_with
from reference_agent.agents.signature import Signature, Tensor
from reference_agent.agents.trained import Trained
from reference_agent.errors import RequestError

HEAD = 2
"""Elements of a row before its candidates: the user and the hour."""
SHOWN = 10
USUAL_CANDIDATES = 300


class Recommend(Trained):
    """Rows of user, hour and items, each counted from 1, padded with 0 behind the last item."""

    name = "recommend"
    input = Tensor(name="features", datatype="INT64", shape=(None,))
    output = Tensor(name="scores", datatype="FP32", shape=(None,))
    limits = ("users", "hours", "items", "max_length")
    slo = "p99=50ms"

    def example(self, _signature: Signature) -> Example:
        """Return some candidates and their order."""
        return (
            {"user": 17, "hour": 20, "candidates": [4, 8, 15, 16, 23, 42]},
            {"decision": 15, "ranking": [15, 42, 8, 4, 23, 16]},
        )

    def read(self, document: Any, signature: Signature) -> bytes:
        """Return the user, the hour and the candidates of a document."""
        user, hour, candidates = object_with(
            document, "user", "hour", "candidates", example='{"user": 17, "hour": 20, "candidates": [4, 8, ...]}'
        )
        limits = signature.limits
        most = limits["max_length"] - HEAD
        if not isinstance(candidates, list) or not 0 < len(candidates) <= most:
            raise RequestError(400, f'"candidates" must be a list of 1 to {most} items')
        _check('"user"', [user], limits["users"])
        _check('"hour"', [hour], limits["hours"])
        _check('"candidates"', candidates, limits["items"])
        return array("q", [user + 1, hour + 1, *(item + 1 for item in candidates)]).tobytes()

    def check(self, row: "array[Any]", signature: Signature) -> None:
        """Refuse users, hours and items that there are none of, and rows without an item."""
        limits, name = signature.limits, signature.input.name
        most = [limits["users"], limits["hours"], *[limits["items"]] * (len(row) - HEAD)]
        least = [1, 1, *[0] * (len(row) - HEAD)]
        if len(row) <= HEAD or max(row[HEAD:]) < 1:
            raise RequestError(400, f"{name} has a row without an item behind its user and its hour")
        if any(not low <= value <= high for low, value, high in zip(least, row, most, strict=True)):
            raise RequestError(
                400, f"{name} holds a user outside 1 to {most[0]}, an hour outside 1 to {most[1]} or no known item"
            )

    def decide(self, scores: Scores, document: Any, _signature: Signature) -> dict[str, Any]:
        """Name the best candidates, the best one first."""
        candidates: Sequence[int] = document["candidates"]
        order = sorted(range(len(candidates)), key=lambda place: -scores[place])
        ranking = [candidates[place] for place in order[:SHOWN]]
        return {"decision": ranking[0], "ranking": ranking}

    def sample(self, signature: Signature) -> bytes:
        """Return the first user and hour with some items."""
        count = min(USUAL_CANDIDATES, signature.longest - HEAD)
        return array("q", [1, 1, *(1 + place % signature.limits["items"] for place in range(count))]).tobytes()

    def scored(self, elements: int, _signature: Signature) -> int:
        """One score for each item."""
        return elements - HEAD


def _check(what: str, values: Sequence[Any], count: int) -> None:
    """Refuse what is no number below `count`."""
    if any(type(value) is not int for value in values):
        raise RequestError(400, f"{what} must be whole numbers")
    if min(values) < 0 or max(values) >= count:
        raise RequestError(400, f"{what} must be from 0 to {count - 1}")
