"""The settings that are in effect, and those of them that can be changed while the server runs."""

import hmac
import os
from collections.abc import Mapping
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any

import orjson

from reference_agent.dispatcher import Dispatcher
from reference_agent.errors import RequestError
from reference_agent.http.body import parse_json
from reference_agent.inference.description import Description
from reference_agent.jobs.connection import shown
from reference_agent.queueing.policy import Policy
from reference_agent.settings import Settings

TOKEN_VARIABLE = "LAUNCH_TOKEN"


def effective(settings: Settings, dispatcher: Dispatcher, description: Description) -> dict[str, Any]:
    """What runs now, as the running sessions report it."""
    running = len(dispatcher.pool)
    moves = settings.scales_workers or settings.hires_on_demand
    return {
        "agent": description.agent,
        **asdict(dispatcher.policy),
        "workers": settings.workers if moves else running,
        "workers_running": running,
        "min_workers": settings.min_workers,
        "isolation": settings.isolation,
        "reservation": settings.reservation,
        "elastic": settings.elastic,
        "cpu_affinity": "spread" if settings.spreads else "none",
        "intra_op_threads": description.intra_op_threads,
        "inter_op_threads": settings.resources.inter_op_threads,
        "spinning": "on" if settings.resources.spinning else "off",
        "memory_arena": "on" if settings.resources.memory_arena else "off",
        "execution_provider": description.execution_provider,
        "nodes_on_provider": description.nodes_on_provider,
        "precision": description.precision,
        "compression": description.compression,
        "model_sha256": description.model_sha256,
        "onnxruntime": description.onnxruntime,
        "runtime": description.runtime,
        "queue_capacity": settings.queue_capacity,
        "tenant_share": settings.tenant_share,
        "request_timeout_ms": settings.request_timeout_ms,
        "worker_timeout": settings.worker_timeout,
        "read_timeout": settings.read_timeout,
        "max_connections": settings.max_connections,
        "drain_timeout": settings.drain_timeout,
        "queue_url": shown(settings.queue_url) if settings.queue_url else "",
        "job_seconds": settings.job_seconds,
        "callback_hosts": settings.callback_hosts,
    }


def authorize(client: str, headers: Mapping[str, str]) -> None:
    """Let through only who runs on this machine and knows the token of the launch."""
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        raise RequestError(403, f"settings are fixed: start the server with {TOKEN_VARIABLE} in its environment")
    if not ip_address(client).is_loopback:
        raise RequestError(403, "settings are changed from this machine only")
    if not hmac.compare_digest(headers.get("authorization", "").encode(), f"Bearer {token}".encode()):
        raise RequestError(401, f"send the header Authorization: Bearer with the {TOKEN_VARIABLE} of this server")


def changed(policy: Policy, body: bytes, capacity: int) -> Policy:
    """Return `policy` with what `body`, a JSON object of hot knobs, says instead."""
    # Imported late: a tenth of a second that only who changes settings pays.
    from pydantic import TypeAdapter, ValidationError

    document = parse_json(body)
    if not isinstance(document, dict) or not document:
        raise RequestError(400, f"send a JSON object with some of {', '.join(asdict(policy))}")
    try:
        new = TypeAdapter(Policy).validate_json(orjson.dumps(asdict(policy) | document), strict=True)
    except orjson.JSONEncodeError:
        raise RequestError(400, "no setting is nested so deeply; give numbers and names") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RequestError(400, f"{where}: {first['msg']}" if where else first["msg"]) from None
    if new.most_rows > capacity:
        raise RequestError(400, f"a batch of {new.most_rows} never fits into a queue of {capacity}")
    return new
