"""The front process from its first worker to its last: listen, serve, drain, end."""

import asyncio
import contextlib
import gc
import json
import math
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette

from reference_agent.clock import clock
from reference_agent.dispatcher import Dispatcher
from reference_agent.errors import AgentError
from reference_agent.http.app import build_app, counted
from reference_agent.http.connection import Connection, hang_up_on_the_slow
from reference_agent.http.endpoints import Endpoints
from reference_agent.http.jobs import job_routes
from reference_agent.jobs.brokers import open_broker
from reference_agent.jobs.callbacks import Callbacks
from reference_agent.jobs.hosts import LOOPBACK, AllowedHosts
from reference_agent.jobs.metrics import JobMetrics
from reference_agent.jobs.runner import Runner
from reference_agent.metrics import Metrics
from reference_agent.settings import Settings
from reference_agent.workers.crew import Crew

KEEP_ALIVE_SECONDS = 75
"""Longer than a client thinks between two requests: else it meets a connection that is just being closed."""
SWEEP_SECONDS = 0.1
FILES_BESIDE = 1024
"""Files that are open beside the connections of clients: links to workers, connections to the queue of jobs."""


class HttpServer(uvicorn.Server):
    """Uvicorn, but what a signal means is decided here."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def run(settings: Settings, crew: Crew, listener: socket.socket, started: float) -> None:
    """Serve until a signal ends it; raise AgentError when that is not in order."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, crew, listener, started))


async def _serve(settings: Settings, crew: Crew, listener: socket.socket, started: float) -> None:
    _allow_files(settings.max_connections + FILES_BESIDE)
    metrics = Metrics()
    dispatcher = Dispatcher(settings, crew, metrics)
    endpoints = Endpoints(settings, dispatcher)
    hosts = AllowedHosts([*LOOPBACK, *settings.callback_hosts])
    broker = open_broker(settings.queue_url, agent=settings.agent, ttl=settings.job_seconds)
    runner = Runner(broker, endpoints.run, callbacks=Callbacks(hosts), metrics=JobMetrics(metrics.registry))
    jobs = job_routes(runner, read=endpoints.read_job, check=endpoints.check, hosts=hosts, wrap=counted(metrics))
    app = build_app(settings, dispatcher, metrics, endpoints, jobs)
    server = HttpServer(_http_config(settings, app))
    hanging_up = asyncio.create_task(_hang_up(server, settings.read_timeout))
    try:
        await _until_the_end(settings, dispatcher, runner, server, listener, started)
    finally:
        hanging_up.cancel()
        await runner.close()
        dispatcher.close()


async def _hang_up(server: HttpServer, read_timeout: float) -> None:
    """Let no slow client hold up the others, nor the end of the server."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        hang_up_on_the_slow(server.server_state.connections, clock(), read_timeout, KEEP_ALIVE_SECONDS)


async def _until_the_end(
    settings: Settings,
    dispatcher: Dispatcher,
    runner: Runner,
    server: HttpServer,
    listener: socket.socket,
    started: float,
) -> None:
    """Load, serve, and drain at the first signal; raise AgentError when something is lost."""
    loop, broken = asyncio.get_running_loop(), dispatcher.pool.broken
    draining: list[asyncio.Task[bool]] = []

    def drain() -> None:
        if draining:  # the second signal: nobody waits any longer
            draining[0].cancel()
            return
        dispatcher.drain()
        draining.append(loop.create_task(runner.drain(settings.drain_timeout)))

    async def load() -> None:
        await dispatcher.start()
        await runner.start()

    address = listener.getsockname()
    _obey_signals(server, drain)
    serving = loop.create_task(server.serve(sockets=[listener]))
    loading = loop.create_task(load())
    await asyncio.wait({loading, serving}, return_when=asyncio.FIRST_COMPLETED)
    if loading.done():
        loading.result()
        _announce(address, started)
        ends: list[asyncio.Future[Any]] = [serving, broken]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if broken.done() and not draining:
            # What other workers can still answer is answered.
            drain()
            server.should_exit, server.force_exit = True, not len(dispatcher.pool)
            await serving
            raise broken.result()
    await serving
    # At a second signal nothing is waited for, but what was finished by then was.
    kept = all([task.done() and task.result() if server.force_exit else await task for task in draining])
    if not kept or not dispatcher.idle:
        raise AgentError(f"some requests were not finished within --drain-timeout {settings.drain_timeout:g} s")


def _allow_files(count: int) -> None:
    """Raise the limit of open files as far as it may be: beyond it connections would be reset without a word."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _http_config(settings: Settings, app: Starlette) -> uvicorn.Config:
    nonce = os.environ.get("LAUNCH_NONCE")
    return uvicorn.Config(
        app,
        http=type("Bounded", (Connection,), {"max_connections": settings.max_connections}),
        ws="none",
        lifespan="off",
        proxy_headers=False,
        access_log=False,
        log_level="critical",
        server_header=False,
        date_header=False,
        headers=[("X-Launch-Nonce", nonce)] if nonce else [],
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.drain_timeout),
    )


def _obey_signals(server: HttpServer, drain: Callable[[], None]) -> None:
    """Drain at the first signal, end at once at the second."""

    def stop() -> None:
        drain()
        server.force_exit = server.should_exit
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _announce(address: tuple[str, int], started: float) -> None:
    """Say on stdout, as one JSON line, that requests are taken now."""
    # What lives now lives to the end: the collector need not look at it again while requests are timed.
    gc.collect()
    gc.freeze()
    milliseconds = round((clock() - started) * 1000.0, 1)
    event = {"event": "ready", "host": address[0], "port": address[1], "pid": os.getpid(), "startup_ms": milliseconds}
    print(json.dumps(event), flush=True)
