"""A made-up build of ONNX Runtime: the installed one, but what it calls OpenVINO is its CPU provider."""

import hashlib
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

SOURCE = """
import os
import sys

_here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:] = [path for path in sys.path if os.path.abspath(path) != _here]
del sys.modules["onnxruntime"]
import onnxruntime as real  # from here on sys.modules has the installed one, and so has who imported us
from onnxruntime.capi import build_and_package_info

OPENVINO, CPU = "OpenVINOExecutionProvider", "CPUExecutionProvider"


class Group:
    def __init__(self, name, nodes):
        self.ep_name, self.get_nodes = name, lambda: nodes


class Session(real.InferenceSession):
    def __init__(self, content, options, *, providers, provider_options=None, **others):
        super().__init__(content, options, providers=[CPU], **others)
        self.openvino = providers == [OPENVINO]

    def get_providers(self):
        return [OPENVINO, CPU] if self.openvino else [CPU]

    def get_provider_graph_assignment_info(self):
        name = OPENVINO if self.openvino else CPU
        return [Group(name, group.get_nodes()) for group in super().get_provider_graph_assignment_info()]


real.__version__ = "1.24.1"
real.InferenceSession = Session
real.get_available_providers = lambda: [OPENVINO, CPU]
build_and_package_info.package_name = "onnxruntime-openvino"
"""

NAMED_ONLY = SOURCE.replace("OPENVINO if self.openvino else CPU\n", "CPU\n")
"""A build that lists the provider, and computes on another one."""

WITHOUT = SOURCE.replace("lambda: [OPENVINO, CPU]", "lambda: [CPU]")
"""A build without the provider."""


def unpack(folder: Path, source: str = SOURCE) -> None:
    """Put it into a folder as an overlay."""
    package = folder / "onnxruntime"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(source)


def wheel(folder: Path, source: str = SOURCE, version: str = "1.24.1") -> Path:
    """Write it as a wheel that pip takes."""
    info = f"onnxruntime_openvino-{version}.dist-info"
    files = {
        "onnxruntime/__init__.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: onnxruntime-openvino\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{name},sha256={_digest(text)},{len(text.encode())}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""])
    folder.mkdir(exist_ok=True)
    path = folder / f"onnxruntime_openvino-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def _digest(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
