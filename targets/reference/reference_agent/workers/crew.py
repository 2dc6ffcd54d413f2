"""Where workers come from: processes or threads, the first of them started before there is an event loop."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from reference_agent.inference.runtimes import lay_over, overlay
from reference_agent.settings import Isolation, Settings
from reference_agent.workers.process import start_process
from reference_agent.workers.spec import WorkerSpec

if TYPE_CHECKING:
    from reference_agent.workers.worker import Employer, Worker

Hire = Callable[[int, "Employer"], "Worker"]
"""Bring the worker of this number, loading or loaded already; needs a running event loop."""


def begin(settings: Settings) -> "Crew":
    """Start what is to stand ready, so that it loads while the front imports its HTTP stack."""
    return Crew(settings, _threads(settings) if settings.isolation is Isolation.THREAD else _processes(settings))


class Crew:
    """How many workers there may be, and how to get one."""

    def __init__(self, settings: Settings, hire: Hire) -> None:
        self.most = settings.workers
        self.hire = hire


def _processes(settings: Settings) -> Hire:
    waiting = {number: start_process(_spec(settings, number)) for number in range(settings.workers_at_start)}

    def hire(number: int, employer: "Employer") -> "Worker":
        from reference_agent.workers.link import ProcessWorker

        process = waiting.pop(number) if number in waiting else start_process(_spec(settings, number))
        return ProcessWorker(number, employer, process)

    return hire


def _threads(settings: Settings) -> Hire:
    lay_over(overlay(settings.runtimes, settings.resources.execution_provider))
    from reference_agent.workers.thread import ThreadWorker, load_in_thread

    shared = [load_in_thread(_spec(settings, 0))] if settings.workers_at_start else []

    def hire(number: int, employer: "Employer") -> "Worker":
        if not shared:
            shared.append(load_in_thread(_spec(settings, 0)))
        return ThreadWorker(number, employer, shared[0])

    return hire


def _spec(settings: Settings, number: int) -> WorkerSpec:
    return WorkerSpec(
        agent=settings.agent,
        model=str(settings.model),
        resources=settings.resources,
        runtime=overlay(settings.runtimes, settings.resources.execution_provider),
        narrows=settings.widens,
        rehearsal=settings.policy.most_rows if settings.workers_at_start else 0,
        cores=own_cores(number, settings.resources.intra_op_threads) if settings.spreads else (),
    )


def own_cores(number: int, threads: int) -> tuple[int, ...]:
    """The cores of a worker when each has its own; where they do not suffice, workers share."""
    cores = sorted(os.sched_getaffinity(0))
    first = number * (threads or len(cores))
    return tuple(sorted({cores[(first + place) % len(cores)] for place in range(threads or len(cores))}))
