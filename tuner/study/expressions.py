"""The one small expression language of `target.toml`: conditions, cross-knob constraints and bounds."""

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from simpleeval import SimpleEval  # type: ignore[import-untyped]

from tuner.errors import UsageError

_REFERENCE = re.compile(r"\$(\w+)")


def _plain(expression: str) -> str:
    return _REFERENCE.sub(r"\1", expression)


def names_in(expression: str) -> frozenset[str]:
    """Name every variable that `expression` reads; `$cores` and `cores` are the same variable."""
    try:
        tree = ast.parse(_plain(expression), mode="eval")
    except SyntaxError as error:
        raise UsageError(f"{expression!r} is not an expression: {error.msg}") from None
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def evaluate(expression: str, names: Mapping[str, Any]) -> Any:
    """Compute `expression` over `names`: arithmetic, comparisons, `and`, `or`, `not`, `in`; no calls."""
    try:
        return SimpleEval(names=dict(names), functions={}).eval(_plain(expression))
    except Exception as error:  # simpleeval raises whatever the arithmetic raises
        raise UsageError(f"{expression!r} cannot be computed: {error}") from None


def resolve(value: Any, names: Mapping[str, Any]) -> Any:
    """Compute `value` when it is a text that refers to a `$name`; leave every other value as it is."""
    if isinstance(value, str) and "$" in value:
        return evaluate(value, names)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [resolve(item, names) for item in value]
    return value
