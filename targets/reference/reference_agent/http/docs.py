"""What the server says of its own paths: OpenAPI for programs, and the same as a page for people.

The page is rendered here, because the usual viewers load their scripts from elsewhere.
"""

import math
from pathlib import Path
from typing import Any

from reference_agent.agents.agent import Agent
from reference_agent.agents.signature import Signature, Tensor

PAGE = Path(__file__).with_name("docs.html")
SOME_LENGTH, MOST_NUMBERS = 16, 100

_ERROR = {
    "description": "Refused, with one sentence.",
    "content": {"application/json": {"example": {"error": "what is wrong, where, what to do next"}}},
}
_TENANT = {
    "name": "X-Tenant",
    "in": "header",
    "schema": {"type": "string", "maxLength": 64},
    "description": "Who asks: tenants share the server fairly with --scheduler fair, and the queue by --tenant-share.",
}
_DEADLINE = {
    "name": "X-Deadline-Ms",
    "in": "header",
    "schema": {"type": "number", "exclusiveMinimum": 0},
    "description": "Milliseconds until the answer is of no use: then 504, and what still waits is not computed.",
}
_MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}


def openapi(agent: Agent, signature: Signature) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of a server of this agent, for a model of this signature."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Reference agent: {agent.name}",
            "version": "2",
            "description": "Answers of the inference paths carry Server-Timing (queue, batch, compute, total; in ms).",
        },
        "paths": {
            "/v1/decide": {"post": _decide(agent, signature)},
            "/v2/models/{model}/infer": {"post": _infer(agent, signature)},
            "/v1/jobs": {"post": _submit(agent, signature)},
            "/v1/jobs/{id}": {"get": _job()},
            "/v1/config": {"get": _plain("The settings that are in effect."), "put": _configure()},
            "/v2": {"get": _plain("The server, by the Open Inference Protocol.")},
            "/v2/models/{model}": {"get": _plain("The model: its tensors.", [_MODEL])},
            "/v2/models/{model}/ready": {"get": _plain("200 when the model takes requests, else 503.", [_MODEL])},
            "/v2/health/ready": {"get": _plain("200 when requests are taken, else 503.")},
            "/v2/health/live": {"get": _plain("200 as long as the server runs.")},
            "/metrics": {"get": _plain("Counters for Prometheus.")},
        },
    }


def page(document: dict[str, Any]) -> str:
    """Render an OpenAPI document as HTML."""
    # Imported late: only who reads the page waits for it.
    from jinja2 import Environment

    return Environment(autoescape=True).from_string(PAGE.read_text(encoding="utf-8")).render(document)


def _decide(agent: Agent, signature: Signature) -> dict[str, Any]:
    document, decision = agent.example(signature)
    return _operation(
        "Decide on a document.",
        document,
        {"agent": agent.name, **decision, "model_version": "…"},
        parameters=[_TENANT, _DEADLINE],
        refusals=(400, 413, 415, 429, 503, 504),
    )


def _infer(agent: Agent, signature: Signature) -> dict[str, Any]:
    given, gives = ([_tensor(tensor)] for tensor in (signature.input, signature.output))
    return _operation(
        "Scores for tensors: Open Inference Protocol 2, as JSON or with the binary tensor extension. The parameter "
        "timeout (microseconds) is a deadline too.",
        {"inputs": given},
        {"model_name": agent.name, "outputs": gives},
        parameters=[_MODEL, _TENANT, _DEADLINE],
        refusals=(400, 404, 413, 415, 429, 503, 504),
    )


def _tensor(tensor: Tensor) -> dict[str, Any]:
    """One row as an example; of so many numbers that nobody would read them, none."""
    shape = [1, *(size or SOME_LENGTH for size in tensor.shape)]
    data = [5] * math.prod(shape) if math.prod(shape) < MOST_NUMBERS else ["…"]
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": shape, "data": data}


def _submit(agent: Agent, signature: Signature) -> dict[str, Any]:
    request = {"request": agent.example(signature)[0], "callback": "http://127.0.0.1:9000/done"}
    answer = {"id": "…", "status": "queued", "href": "/v1/jobs/…"}
    return _operation(
        "Leave a document to be decided on; the answer is fetched, or sent to callback.",
        request,
        answer,
        status=202,
        refusals=(400, 503),
    )


def _job() -> dict[str, Any]:
    wait = {
        "name": "wait_ms",
        "in": "query",
        "schema": {"type": "number", "maximum": 30000},
        "description": "How long to wait for the end of the job.",
    }
    known = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    return _plain("What has become of a job.", [known, wait]) | {
        "responses": {"200": {"description": "Its state."}, "404": _ERROR}
    }


def _configure() -> dict[str, Any]:
    return _operation(
        "Change batching or order while the server runs: from this machine, with Authorization: Bearer LAUNCH_TOKEN.",
        {"batching": "dynamic", "max_batch_size": 8, "batch_timeout_ms": 0, "length_buckets": 4, "scheduler": "fifo"},
        {"max_batch_size": 8, "…": "…"},
        refusals=(400, 401, 403),
    )


def _plain(summary: str, parameters: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"summary": summary, "parameters": parameters or [], "responses": {"200": {"description": "As asked."}}}


def _operation(
    summary: str,
    request: dict[str, Any],
    answer: dict[str, Any],
    *,
    parameters: list[dict[str, Any]] | None = None,
    status: int = 200,
    refusals: tuple[int, ...] = (),
) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": parameters or [],
        "requestBody": {"required": True, "content": {"application/json": {"example": request}}},
        "responses": {
            str(status): {"description": "As asked.", "content": {"application/json": {"example": answer}}},
            **{str(refusal): _ERROR for refusal in refusals},
        },
    }
