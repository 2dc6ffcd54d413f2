"""The HTTP face: paths and what answers at each of them."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from reference_agent.agents import AGENTS
from reference_agent.dispatcher import Dispatcher
from reference_agent.errors import RequestError
from reference_agent.http import config, docs, oip
from reference_agent.http.endpoints import Endpoints
from reference_agent.http.exchange import Call, DisconnectedError, Exchange, retry_after
from reference_agent.metrics import Metrics
from reference_agent.settings import Settings

Endpoint = Callable[[Request], Awaitable[Response]]


class Pages:
    """What is asked now and then: health, descriptions, settings, metrics."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher, metrics: Metrics, endpoints: Endpoints) -> None:
        self._settings = settings
        self._agent = AGENTS[settings.agent]
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._endpoints = endpoints

    async def live(self, _request: Request) -> Response:
        """Say that the front runs."""
        return json_response({"live": True})

    async def ready(self, request: Request) -> Response:
        """Say whether requests are taken now: every worker has rehearsed, and no shutdown has begun."""
        accepts = self._dispatcher.accepts
        if "model" in request.path_params and accepts:
            self._endpoints.model(request.path_params, await self._dispatcher.described())
        return (
            json_response({"ready": accepts})
            if accepts
            else json_response({"ready": accepts}, 503, {"retry-after": "1"})
        )

    async def server(self, _request: Request) -> Response:
        """Describe the server."""
        return json_response(oip.server_metadata((await self._dispatcher.described()).version))

    async def model(self, request: Request) -> Response:
        """Describe the model."""
        description = self._endpoints.model(request.path_params, await self._dispatcher.described())
        return json_response(oip.model_metadata(self._agent, description))

    async def metrics(self, _request: Request) -> Response:
        """Give the metrics as text."""
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4")

    async def config(self, request: Request) -> Response:
        """Give the settings that are in effect; with PUT, change hot ones first."""
        if request.method == "PUT":
            config.authorize(request.client.host if request.client else "", request.headers)
            body = await Call(request.scope, request.receive).body()
            self._dispatcher.apply(config.changed(self._dispatcher.policy, body, self._settings.queue_capacity))
        return json_response(config.effective(self._settings, self._dispatcher, await self._dispatcher.described()))

    async def openapi(self, _request: Request) -> Response:
        """Describe every path, for programs."""
        return json_response(await self._described())

    async def docs(self, _request: Request) -> Response:
        """Describe every path, for people."""
        return HTMLResponse(docs.page(await self._described()))

    async def _described(self) -> dict[str, Any]:
        return docs.openapi(self._agent, (await self._dispatcher.described()).signature)


def build_app(
    settings: Settings, dispatcher: Dispatcher, metrics: Metrics, endpoints: Endpoints, more: Sequence[BaseRoute] = ()
) -> Starlette:
    """Put everything under its path."""
    pages = Pages(settings, dispatcher, metrics, endpoints)
    decide, infer = Exchange(endpoints.decide, metrics), Exchange(endpoints.infer, metrics)
    model = "/v2/models/{model}"
    version = f"{model}/versions/{{version}}"
    routes = [
        # The two that carry the load come first: routes are tried in order.
        Route("/v1/decide", decide, methods=["POST"]),
        Route(f"{model}/infer", infer, methods=["POST"]),
        Route(f"{version}/infer", infer, methods=["POST"]),
        *more,
        Route("/v2/health/live", pages.live),
        Route("/v2/health/ready", pages.ready),
        Route("/v2", pages.server),
        Route(model, pages.model),
        Route(version, pages.model),
        Route(f"{model}/ready", pages.ready),
        Route(f"{version}/ready", pages.ready),
        Route("/v1/config", pages.config, methods=["GET", "PUT"]),
        Route("/metrics", pages.metrics),
        Route("/openapi.json", pages.openapi),
        Route("/docs", pages.docs),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={
            RequestError: _on_request_error,
            HTTPException: _on_http_error,
            DisconnectedError: _on_disconnect,
            Exception: _on_bug,
        },
    )


def counted(metrics: Metrics) -> Callable[[Endpoint], Endpoint]:
    """Count why an endpoint refused what was sound."""

    def wrap(endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except RequestError as error:
                if error.reason is not None:
                    metrics.rejection(error.reason).inc()
                raise

        return answer

    return wrap


def json_response(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON document as an answer."""
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


async def _on_request_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    headers = {name.decode(): value.decode() for name, value in retry_after(error)}
    return json_response({"error": str(error)}, error.status, headers)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail.lower()}"
    return json_response({"error": message}, error.status_code, dict(error.headers or {}))


async def _on_disconnect(_request: Request, _error: Exception) -> Response:
    return json_response({"error": "nobody is there to read this"}, 400)


async def _on_bug(request: Request, error: Exception) -> Response:
    logging.getLogger("reference_agent").error("%s %s", request.method, request.url.path, exc_info=error)
    return json_response({"error": "the server made a mistake; its log has the details"}, 500)
