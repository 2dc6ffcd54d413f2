"""The runtimes that can be laid over the installed ONNX Runtime: two builds in one environment break each other."""

from dataclasses import dataclass

from tuner.errors import UsageError, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A build of ONNX Runtime by the name of its folder, the package it comes in, and what it is wanted for."""

    name: str
    package: str
    version: str
    provider: str

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.package}=={self.version}"


KNOWN = (
    Runtime(
        name="openvino",
        package="onnxruntime-openvino",
        version="1.24.1",
        provider="OpenVINOExecutionProvider",
    ),
)
"""Each pinned to the newest release that runs beside the versions of `constraints.txt`."""

_OTHER_PYTHON = {
    "CUDAExecutionProvider": "onnxruntime-gpu",
    "TensorrtExecutionProvider": "onnxruntime-gpu",
}
"""Providers whose package brings gigabytes of libraries along: an environment of its own is the place for them."""


def find(name: str) -> Runtime:
    """Find a runtime by name."""
    for runtime in KNOWN:
        if runtime.name == name:
            return runtime
    raise UsageError(unknown("runtime", name, [runtime.name for runtime in KNOWN]))


def advice(provider: str) -> str:
    """What to do to get an execution provider; empty where nothing is known to help."""
    for runtime in KNOWN:
        if runtime.provider == provider:
            return f"tuner runtime add {runtime.name}"
    if provider in _OTHER_PYTHON:
        return f"--runtime-python PYTHON, of an environment with {_OTHER_PYTHON[provider]} and its libraries"
    return ""
