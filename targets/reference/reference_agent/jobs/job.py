"""A job, as the queue hands it to a consumer, and the documents that tell how it stands."""

import json
import time
from dataclasses import dataclass
from typing import Any

from reference_agent.errors import RequestError

Document = dict[str, Any]
"""What a client is told of a job: `id`, `status`, and once it is finished `answer` or `error`."""

UNFINISHED = ("queued", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to be answered later."""

    id: str
    request: str
    """A JSON document that the model can answer."""
    callback: str
    """Where the answer is posted to; empty for nowhere."""
    submitted: float
    """Wall-clock time, because another machine may finish the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A job in the hands of a consumer, who answers for it until it is acknowledged."""

    job: Job
    token: str = ""
    """What the queue calls it."""
    number: int = 1
    """How often the job was handed out, this time included: more than once when a server died with it."""
    finished: Document | None = None
    """Set when the job was finished by a server that died before the callback was sent."""


def unfinished(name: str, status: str) -> Document:
    """Return the document of a job that waits or runs."""
    return {"id": name, "status": status}


def done(job: Job, answer: dict[str, Any], begun: float) -> Document:
    """Return the document of a job whose last attempt began at `begun`.

    A "timing" in the answer, in seconds by name, moves beside it. Its "queue" then holds every wait: for a consumer,
    for attempts that failed, and for a batch.
    """
    answer = dict(answer)
    timing = dict(answer.pop("timing", {}))
    timing["queue"] = round(timing.get("queue", 0.0) + max(begun - job.submitted, 0.0), 6)
    document = {"id": job.id, "status": "done", "answer": answer, "seconds": _age(job), "timing": timing}
    json.dumps(document, allow_nan=False)  # what cannot be written must fail here, not in the queue
    return document


def failed(job: Job, error: str) -> Document:
    """Return the document of a job that has no answer, with the sentence that says why."""
    return {"id": job.id, "status": "failed", "error": error, "seconds": _age(job)}


def refuse_full(capacity: int) -> RequestError:
    """Return the refusal of a job that would be one too many."""
    return RequestError(503, f"{capacity} jobs are unfinished already; try again later", "jobs_full")


def _age(job: Job) -> float:
    """Seconds since submission; clocks of two machines may disagree by more than a job takes."""
    return round(max(time.time() - job.submitted, 0.0), 6)
