"""The HTTP face: routes, checks of the body, headers of the answers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reference_agent import oip
from reference_agent.agents import AGENTS
from reference_agent.batcher import Answer
from reference_agent.body import parse_json, read_body
from reference_agent.decide import decision, read_text
from reference_agent.errors import RequestError
from reference_agent.metrics import Metrics
from reference_agent.scheduler import Scheduler, clock
from reference_agent.settings import Settings

Endpoint = Callable[[Request], Awaitable[Response]]


class Endpoints:
    """One method for each thing that can be asked."""

    def __init__(self, settings: Settings, scheduler: Scheduler, metrics: Metrics) -> None:
        self._settings = settings
        self._agent = AGENTS[settings.agent]
        self._scheduler = scheduler
        self._metrics = metrics

    async def decide(self, request: Request) -> Response:
        """Answer a document with a decision."""
        arrived = clock()
        body = await read_body(request)
        description = self._scheduler.description
        row = read_text(parse_json(body), description)
        answers = await self._scheduler.compute([row], arrived)
        label, confidence = decision(answers[0].scores, description)
        content = {
            "agent": description.agent,
            "decision": label,
            "confidence": round(confidence, 6),
            "model_version": description.version,
        }
        return json_response(content, headers=timing(answers, arrived))

    async def infer(self, request: Request) -> Response:
        """Answer tensors with tensors."""
        arrived = clock()
        body = await read_body(request)
        description = self._model(request)
        inference = oip.parse(
            body, request.headers.get(oip.JSON_LENGTH), self._agent, description, self._settings.queue_capacity
        )
        answers = await self._scheduler.compute(inference.rows, arrived)
        content, headers = oip.answer(inference, [answer.scores for answer in answers], self._agent, description)
        return Response(content, headers=headers | timing(answers, arrived))

    async def live(self, _request: Request) -> Response:
        """Say that the front runs."""
        return json_response({"live": True})

    async def ready(self, request: Request) -> Response:
        """Say whether requests are taken now: every worker has rehearsed, and no shutdown has begun."""
        if "model" in request.path_params and self._scheduler.accepts:
            self._model(request)
        accepts = self._scheduler.accepts and len(self._scheduler.pool) > 0
        return json_response({"ready": accepts}, status=200 if accepts else 503)

    async def server(self, _request: Request) -> Response:
        """Describe the server."""
        return json_response(oip.server_metadata(self._scheduler.description.version))

    async def model(self, request: Request) -> Response:
        """Describe the model."""
        return json_response(oip.model_metadata(self._agent, self._model(request)))

    async def metrics(self, _request: Request) -> Response:
        """Give the metrics as text."""
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4")

    async def config(self, _request: Request) -> Response:
        """Give the settings that are in effect, as the running sessions report them."""
        settings, description = self._settings, self._scheduler.description
        return json_response(
            {
                "agent": description.agent,
                "max_batch_size": settings.max_batch_size,
                "batch_timeout_ms": settings.batch_timeout_ms,
                "workers": len(self._scheduler.pool),
                "intra_op_threads": description.intra_op_threads,
                "execution_provider": description.execution_provider,
                "nodes_on_provider": description.nodes_on_provider,
                "precision": description.precision,
                "model_sha256": description.model_sha256,
                "onnxruntime": description.onnxruntime,
                "queue_capacity": settings.queue_capacity,
                "request_timeout_ms": settings.request_timeout_ms,
                "drain_timeout": settings.drain_timeout,
            }
        )

    def _model(self, request: Request) -> Any:
        """The description of the model that the path names."""
        description = self._scheduler.description
        model, version = request.path_params["model"], request.path_params.get("version")
        if model != self._agent.name or version not in (None, description.version):
            named = model if version is None else f"{model} version {version}"
            known = f"{self._agent.name} version {description.version}"
            raise RequestError(404, f"unknown model {named}, this server has {known}")
        return description


def build_app(settings: Settings, scheduler: Scheduler, metrics: Metrics) -> Starlette:
    """Put the endpoints under their paths."""
    has = Endpoints(settings, scheduler, metrics)
    model = "/v2/models/{model}"
    version = f"{model}/versions/{{version}}"

    def counted(endpoint: Endpoint) -> Endpoint:
        async def count(request: Request) -> Response:
            try:
                response = await endpoint(request)
            except RequestError as error:
                if error.reason is not None:
                    metrics.rejected.labels(error.reason).inc()
                response = refusal(error)
            metrics.requests.labels(response.status_code).inc()
            return response

        return count

    routes = [
        # The two that carry the load come first: routes are tried in order.
        Route("/v1/decide", counted(has.decide), methods=["POST"]),
        Route(f"{model}/infer", counted(has.infer), methods=["POST"]),
        Route(f"{version}/infer", counted(has.infer), methods=["POST"]),
        Route("/v2/health/live", has.live),
        Route("/v2/health/ready", has.ready),
        Route("/v2", has.server),
        Route(model, has.model),
        Route(version, has.model),
        Route(f"{model}/ready", has.ready),
        Route(f"{version}/ready", has.ready),
        Route("/v1/config", has.config),
        Route("/metrics", has.metrics),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={RequestError: _on_request_error, HTTPException: _on_http_error, Exception: _on_bug},
    )


def timing(answers: list[Answer], arrived: float) -> dict[str, str]:
    """The headers that say where the time of a request went; of several rows, the slowest counts."""
    queued = max(answer.queued for answer in answers) * 1000.0
    computed = max(answer.computed for answer in answers) * 1000.0
    total = (clock() - arrived) * 1000.0
    return {
        "server-timing": f"queue;dur={queued:.3f}, compute;dur={computed:.3f}, total;dur={total:.3f}",
        "x-batch-size": str(max(answer.batch_size for answer in answers)),
    }


def json_response(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON document as an answer."""
    return Response(json.dumps(content).encode(), status, headers, media_type="application/json")


def refusal(error: RequestError) -> Response:
    """One sentence as an answer; what may be tried again says when."""
    headers = {"retry-after": "1"} if error.status == 503 else None
    return json_response({"error": str(error)}, error.status, headers)


async def _on_request_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return refusal(error)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail.lower()}"
    return json_response({"error": message}, error.status_code, dict(error.headers or {}))


async def _on_bug(_request: Request, _error: Exception) -> Response:
    return json_response({"error": "the server made a mistake; its log has the details"}, 500)
