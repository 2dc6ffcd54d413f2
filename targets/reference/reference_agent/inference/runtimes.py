"""Which build of ONNX Runtime computes: the installed one, or one that lies in a folder of runtimes.

Two builds cannot be installed into one environment, because each writes over the other; and one process holds only one.
"""

import sys
from pathlib import Path

OVERLAYS = {"OpenVINOExecutionProvider": "openvino"}
"""The folder that a provider's own build of ONNX Runtime has among the runtimes."""


def overlay(runtimes: str, provider: str) -> str:
    """Return the folder that must stand before the installed packages for `provider`; empty where none is there."""
    place = Path(runtimes, OVERLAYS.get(provider, ""))
    return str(place) if runtimes and provider in OVERLAYS and (place / "onnxruntime").is_dir() else ""


def lay_over(place: str) -> None:
    """Let the packages in `place`, if any, be found before the installed ones."""
    if place:
        assert "onnxruntime" not in sys.modules, "a process holds one build of ONNX Runtime, from its first import"
        sys.path.insert(0, place)
