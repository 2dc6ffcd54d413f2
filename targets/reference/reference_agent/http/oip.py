"""The Open Inference Protocol, version 2, over HTTP: tensors as JSON or, by the binary extension, as raw bytes."""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from reference_agent.agents.agent import Agent, finite
from reference_agent.agents.signature import TYPE_CODES, Signature, Tensor
from reference_agent.errors import RequestError
from reference_agent.http.body import parse_json
from reference_agent.http.exchange import Reply
from reference_agent.inference.description import Description
from reference_agent.queueing.job import Answer

JSON_LENGTH = b"inference-header-content-length"
"""Header with the bytes of JSON before the raw tensors."""
MOST_DIGITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """A request that has been checked: rows to compute and how to answer."""

    rows: list[bytes]
    scored: int
    """How many scores each row gets."""
    identifier: str | None
    binary: bool
    timeout: float | None
    """Microseconds that the client waits, as Triton's parameter of this name."""


def server_metadata(version: str) -> dict[str, Any]:
    """What `GET /v2` answers."""
    return {"name": "reference_agent", "version": version, "extensions": ["binary_tensor_data"]}


def model_metadata(agent: Agent, description: Description) -> dict[str, Any]:
    """What `GET /v2/models/{model}` answers."""
    signature = description.signature
    return {
        "name": agent.name,
        "versions": [description.version],
        "platform": "onnxruntime_onnx",
        "inputs": [_described(signature.input, signature.input.shape)],
        "outputs": [_described(signature.output, (len(signature.labels) or signature.output.shape[0],))],
    }


def parse(body: bytes, json_length: bytes | None, agent: Agent, description: Description, most_rows: int) -> Inference:
    """Read and check an inference request."""
    document, raw = _split(body, json_length)
    signature = description.signature
    tensor = _only_input(document, signature.input)
    count, length = _shape(tensor, signature, most_rows)
    numbers = _numbers(tensor, raw, count * length, TYPE_CODES[signature.input.datatype])
    rows = [numbers[start : start + length] for start in range(0, count * length, length)]
    for row in rows:
        agent.check(row, signature)
    identifier = document.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise RequestError(400, '"id" must be a string')
    return Inference(
        rows=[row.tobytes() for row in rows],
        scored=agent.scored(length, signature),
        identifier=identifier,
        binary=_wants_binary(document, signature.output.name),
        timeout=_timeout(document),
    )


def answer(request: Inference, answers: list[Answer], agent: Agent, description: Description) -> Reply:
    """Write the scores as the request wants them."""
    rows = [finite(one.scores, request.scored) for one in answers]
    name = description.signature.output.name
    output: dict[str, Any] = {"name": name, "datatype": "FP32", "shape": [len(rows), request.scored]}
    document: dict[str, Any] = {"model_name": agent.name, "model_version": description.version, "outputs": [output]}
    if request.identifier is not None:
        document["id"] = request.identifier
    if not request.binary:
        output["data"] = [score for row in rows for score in row]
        return Reply(orjson.dumps(document), answers=answers)
    raw = b"".join(row.tobytes() for row in rows)
    output["parameters"] = {"binary_data_size": len(raw)}
    head = orjson.dumps(document)
    return Reply(head + raw, b"application/octet-stream", [(JSON_LENGTH, b"%d" % len(head))], answers)


def _split(body: bytes, json_length: bytes | None) -> tuple[dict[str, Any], bytes]:
    """Separate the JSON from the raw tensors behind it."""
    end = len(body)
    if json_length is not None:
        # Python refuses to read a number of thousands of digits.
        if not json_length.isdigit() or len(json_length) > MOST_DIGITS or int(json_length) > end:
            raise RequestError(400, f"{JSON_LENGTH.decode()} is not a number of bytes of this body")
        end = int(json_length)
    document = parse_json(body[:end])
    if not isinstance(document, dict):
        raise RequestError(400, "the body must be a JSON object")
    return document, body[end:]


def _described(tensor: Tensor, shape: tuple[int | None, ...]) -> dict[str, Any]:
    sizes = [-1, *(-1 if size is None else size for size in shape)]
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": sizes}


def _only_input(document: dict[str, Any], wanted: Tensor) -> dict[str, Any]:
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise RequestError(400, f'"inputs" must be a list of one tensor, {wanted.name}')
    tensor = inputs[0]
    if tensor.get("name") != wanted.name:
        raise RequestError(400, f"unknown input {tensor.get('name')!r}, the model takes {wanted.name}")
    if tensor.get("datatype") != wanted.datatype:
        raise RequestError(400, f"{wanted.name} must have datatype {wanted.datatype}, not {tensor.get('datatype')!r}")
    return tensor


def _shape(tensor: dict[str, Any], signature: Signature, most_rows: int) -> tuple[int, int]:
    """Return how many rows there are, and of how many elements each."""
    shape, name, wanted = tensor.get("shape"), tensor["name"], signature.input.shape
    sizes = ", ".join("length" if size is None else str(size) for size in wanted)
    if (
        not isinstance(shape, list)
        or len(shape) != 1 + len(wanted)
        or any(type(size) is not int or size < 1 for size in shape)
        or any(size not in (None, given) for size, given in zip(wanted, shape[1:], strict=True))
    ):
        raise RequestError(400, f"{name} must have a shape [rows, {sizes}] of positive numbers, not {shape!r}")
    count, length = shape[0], math.prod(shape[1:])
    if length > signature.longest:
        raise RequestError(400, f"{name} has {length} columns, the model reads at most {signature.longest}")
    if count > most_rows:
        raise RequestError(400, f"{name} has {count} rows, this server queues at most {most_rows}; send fewer")
    return count, length


def _numbers(tensor: dict[str, Any], raw: bytes, count: int, code: str) -> "array[Any]":
    """Return the tensor's numbers, from JSON or from the raw bytes."""
    numbers, name = array(code), tensor["name"]
    size = _parameters(tensor).get("binary_data_size")
    kinds = (int,) if code != "f" else (int, float)
    try:
        if size is None:
            values = list(_flat(tensor.get("data"), len(tensor["shape"])))
            if any(type(value) not in kinds for value in values):
                raise TypeError
            numbers.extend(values)
        else:
            if size != len(raw):
                raise RequestError(400, f"{name} announces {size!r} bytes but {len(raw)} follow the JSON")
            numbers.frombytes(raw)
    except (TypeError, ValueError, OverflowError):
        what = f"whole numbers of {8 * numbers.itemsize} bits" if code != "f" else "numbers of 32 bits"
        raise RequestError(400, f"{name} must hold {what}") from None
    if len(numbers) != count:
        raise RequestError(400, f"{name} holds {len(numbers)} numbers, its shape needs {count}")
    return numbers


def _flat(data: Any, axes: int) -> Iterator[Any]:
    """Yield the values of a list, or of lists as deep as the tensor has axes."""
    if not isinstance(data, list):
        raise TypeError
    for value in data:
        if isinstance(value, list) and axes > 1:
            yield from _flat(value, axes - 1)
        else:
            yield value


def _wants_binary(document: dict[str, Any], name: str) -> bool:
    """Whether the scores are to be sent as raw bytes."""
    binary = bool(_parameters(document).get("binary_data_output", False))
    outputs = document.get("outputs")
    if not isinstance(outputs, list | None):
        raise RequestError(400, f'"outputs" must be a list of {name} or nothing')
    for output in outputs or []:
        if not isinstance(output, dict) or output.get("name") != name:
            raise RequestError(400, f"unknown output, the model gives {name}")
        binary = bool(_parameters(output).get("binary_data", binary))
    return binary


def _parameters(holder: dict[str, Any]) -> dict[str, Any]:
    parameters = holder.get("parameters", {})
    if not isinstance(parameters, dict):
        raise RequestError(400, '"parameters" must be a JSON object')
    return parameters


def _timeout(document: dict[str, Any]) -> float | None:
    timeout = _parameters(document).get("timeout")
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        raise RequestError(400, f'"timeout" must be a number of microseconds above 0, not {timeout!r}')
    return float(timeout)
