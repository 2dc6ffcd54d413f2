"""The Open Inference Protocol, version 2, over HTTP: tensors as JSON or, by the binary extension, as raw bytes."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from reference_agent.agents import Agent
from reference_agent.errors import RequestError
from reference_agent.http.body import parse_json
from reference_agent.http.decide import finite_scores
from reference_agent.http.exchange import Reply
from reference_agent.inference.description import Description
from reference_agent.inference.tokenizer import PADDING
from reference_agent.queueing.job import Answer

JSON_LENGTH = b"inference-header-content-length"
"""Header with the bytes of JSON before the raw tensors."""
MOST_DIGITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """A request that has been checked: rows to compute and how to answer."""

    rows: list[bytes]
    identifier: str | None
    binary: bool
    timeout: float | None
    """Microseconds that the client waits, as Triton's parameter of this name."""


def server_metadata(version: str) -> dict[str, Any]:
    """What `GET /v2` answers."""
    return {"name": "reference_agent", "version": version, "extensions": ["binary_tensor_data"]}


def model_metadata(agent: Agent, description: Description) -> dict[str, Any]:
    """What `GET /v2/models/{model}` answers."""
    return {
        "name": agent.name,
        "versions": [description.version],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": agent.input_name, "datatype": "INT64", "shape": [-1, -1]}],
        "outputs": [{"name": agent.output_name, "datatype": "FP32", "shape": [-1, len(description.labels)]}],
    }


def parse(body: bytes, json_length: bytes | None, agent: Agent, description: Description, most_rows: int) -> Inference:
    """Read and check an inference request."""
    document, raw = _split(body, json_length)
    tensor = _only_input(document, agent)
    count, length = _shape(tensor, description, most_rows)
    numbers = _numbers(tensor, raw, count * length)
    if min(numbers) < 0 or max(numbers) >= description.vocabulary:
        raise RequestError(400, f"{agent.input_name} holds a number outside 0 to {description.vocabulary - 1}")
    rows = [numbers[start : start + length] for start in range(0, count * length, length)]
    if any(max(row) == PADDING for row in rows):
        raise RequestError(400, f"{agent.input_name} has a row of nothing but padding")
    identifier = document.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise RequestError(400, '"id" must be a string')
    return Inference(
        rows=[row.tobytes() for row in rows],
        identifier=identifier,
        binary=_wants_binary(document, agent),
        timeout=_timeout(document),
    )


def answer(request: Inference, answers: list[Answer], agent: Agent, description: Description) -> Reply:
    """Write the scores as the request wants them."""
    scores = [one.scores for one in answers]
    rows = [finite_scores(row) for row in scores]
    output: dict[str, Any] = {"name": agent.output_name, "datatype": "FP32", "shape": [len(rows), len(rows[0])]}
    document: dict[str, Any] = {"model_name": agent.name, "model_version": description.version, "outputs": [output]}
    if request.identifier is not None:
        document["id"] = request.identifier
    if not request.binary:
        output["data"] = [score for row in rows for score in row]
        return Reply(orjson.dumps(document), answers=answers)
    raw = b"".join(scores)
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


def _only_input(document: dict[str, Any], agent: Agent) -> dict[str, Any]:
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise RequestError(400, f'"inputs" must be a list of one tensor, {agent.input_name}')
    tensor = inputs[0]
    if tensor.get("name") != agent.input_name:
        raise RequestError(400, f"unknown input {tensor.get('name')!r}, the model takes {agent.input_name}")
    if tensor.get("datatype") != "INT64":
        raise RequestError(400, f"{agent.input_name} must have datatype INT64, not {tensor.get('datatype')!r}")
    return tensor


def _shape(tensor: dict[str, Any], description: Description, most_rows: int) -> tuple[int, int]:
    shape, name = tensor.get("shape"), tensor["name"]
    if not isinstance(shape, list) or len(shape) != 2 or any(type(size) is not int or size < 1 for size in shape):
        raise RequestError(400, f"{name} must have a shape [rows, length] of positive numbers, not {shape!r}")
    count, length = shape
    if length > description.max_length:
        raise RequestError(400, f"{name} has {length} columns, the model reads at most {description.max_length}")
    if count > most_rows:
        raise RequestError(400, f"{name} has {count} rows, this server queues at most {most_rows}; send fewer")
    return count, length


def _numbers(tensor: dict[str, Any], raw: bytes, count: int) -> "array[int]":
    """Return the tensor's numbers, from JSON or from the raw bytes."""
    numbers, name = array("q"), tensor["name"]
    size = _parameters(tensor).get("binary_data_size")
    try:
        if size is None:
            values = list(_flat(tensor.get("data")))
            if any(type(value) is not int for value in values):
                raise TypeError
            numbers.extend(values)
        else:
            if size != len(raw):
                raise RequestError(400, f"{name} announces {size!r} bytes but {len(raw)} follow the JSON")
            numbers.frombytes(raw)
    except (TypeError, ValueError, OverflowError):
        raise RequestError(400, f"{name} must hold whole numbers of 64 bits") from None
    if len(numbers) != count:
        raise RequestError(400, f"{name} holds {len(numbers)} numbers, its shape needs {count}")
    return numbers


def _flat(data: Any) -> Iterator[Any]:
    """Yield the values of a list, or of a list of lists."""
    if not isinstance(data, list):
        raise TypeError
    for value in data:
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _wants_binary(document: dict[str, Any], agent: Agent) -> bool:
    """Whether the scores are to be sent as raw bytes."""
    binary = bool(_parameters(document).get("binary_data_output", False))
    outputs = document.get("outputs")
    if not isinstance(outputs, list | None):
        raise RequestError(400, f'"outputs" must be a list of {agent.output_name} or nothing')
    for output in outputs or []:
        if not isinstance(output, dict) or output.get("name") != agent.output_name:
            raise RequestError(400, f"unknown output, the model gives {agent.output_name}")
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
