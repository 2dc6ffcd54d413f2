"""A model file, read once and checked before anything opens it: what is hashed is what is changed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import GraphProto, ModelProto, TensorProto
from onnx.external_data_helper import load_external_data_for_model, uses_external_data

from reference_agent.errors import StartError
from reference_agent.inference.session import read_model_file
from reference_agent.variants.borrowing import borrowed
from reference_agent.variants.graph import all_graphs

MOST_BYTES = 2**31 - 1
"""What one protobuf message can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A model and the file that it came from."""

    path: Path
    model: ModelProto
    """With the data of all of its tensors."""
    sha256: str
    """Of the file, followed by the files that it refers to in the order of their names."""
    size: int
    """Bytes of all of these."""
    single_file: bool


def read(path: Path) -> Source:
    """Return the model at `path`, or raise StartError when it is not a whole and sound one."""
    content = read_model_file(path)
    model = _parsed(content, path)
    digest, size = hashlib.sha256(content), len(content)
    others = sorted({_file_of(tensor, path) for tensor in _outside(model)})
    for other in others:
        data = other.read_bytes()
        digest.update(data)
        size += len(data)
    if size > MOST_BYTES:
        raise StartError(f"{path}: its {size} bytes are more than the {MOST_BYTES} that one ONNX message can hold")
    _complete(model, path)
    return Source(path=path, model=model, sha256=digest.hexdigest(), size=size, single_file=not others)


def _parsed(content: bytes, path: Path) -> ModelProto:
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise StartError(f"{path}: is no ONNX model or only a part of one; give --model a complete ONNX file") from None
    if not model.graph.node:
        raise StartError(f"{path}: holds no graph; give --model a complete ONNX file")
    return model


def _complete(model: ModelProto, path: Path) -> None:
    """Fetch the data that lies in other files, and check the whole."""
    with borrowed(f"{path}: the check of the model"):
        load_external_data_for_model(model, str(path.parent))
        _check(model)


def _check(model: ModelProto) -> None:
    """Let ONNX check a model; a missing shape is no fault to ONNX Runtime, so it is none here."""
    tensors = [value.type.tensor_type for value in (*model.graph.input, *model.graph.output)]
    shapeless = [tensor for tensor in tensors if tensor.elem_type and not tensor.HasField("shape")]
    for tensor in shapeless:
        tensor.shape.SetInParent()
    try:
        onnx.checker.check_model(model)
    finally:
        for tensor in shapeless:
            tensor.ClearField("shape")


def _outside(model: ModelProto) -> Iterator[TensorProto]:
    """The tensors whose data lie in other files."""
    functions = [GraphProto(node=function.node) for function in model.functions]
    for graph in (graph for outer in (model.graph, *functions) for graph in all_graphs(outer)):
        yield from filter(uses_external_data, graph.initializer)
        for attribute in (attribute for node in graph.node for attribute in node.attribute):
            yield from filter(uses_external_data, (attribute.t, *attribute.tensors))


def _file_of(tensor: TensorProto, path: Path) -> Path:
    """The file that holds a tensor's data: a plain file below the model's folder, reached through no link."""
    location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
    relative, folder = PurePosixPath(location), path.parent.resolve()
    says = f"{path}: the data of {tensor.name!r} are said to lie in {location!r}"
    if not location or relative.is_absolute() or ".." in relative.parts or "\\" in location:
        raise StartError(f"{says}, which leads out of the model's folder")
    wanted = folder / relative
    try:
        found = wanted.resolve(strict=True)
    except (OSError, ValueError):
        raise StartError(f"{says}, which is missing") from None
    if found != wanted or not found.is_file():
        raise StartError(f"{says}, which is a link or no plain file")
    return found
