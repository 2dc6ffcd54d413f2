"""What the server imports and its environment must hold: a Python that tuner was only pointed at may lack it."""

from importlib.util import find_spec

NEEDS = (
    "httptools",
    "jinja2",
    "numpy",
    "onnx",
    "onnxruntime",
    "orjson",
    "prometheus_client",
    "pydantic",
    "starlette",
    "uvicorn",
    "uvloop",
)
"""Packages, as they are imported."""


def missing() -> list[str]:
    """Which of them this environment lacks."""
    return [name for name in NEEDS if find_spec(name) is None]
