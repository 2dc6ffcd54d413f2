"""Requests that are sent before any load, each with its label if it has one, and what makes an answer to them valid."""

import json
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import urllib3

from tuner.errors import TargetFileError
from tuner.measure.failed import LaunchError
from tuner.study.trial import FailureKind
from tuner.target.spec import Target

_END_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: its line in the file, counted from zero, its body, and its right answer, None when it has none."""

    row: int
    body: bytes
    answer: Any


def read_requests(path: Path | None, seed: int = 0) -> tuple[Request, ...]:
    """Read a file of requests in a seeded order."""
    if path is None:
        return ()
    requests = []
    try:
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        raise TargetFileError(f"{path}: is not text in UTF-8 ({error.reason} at byte {error.start})") from None
    for row, line in enumerate(lines):
        try:
            content = json.loads(line)
            body = json.dumps(content["request"]).encode()
            requests.append(Request(row=row, body=body, answer=content.get("answer")))
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            raise TargetFileError(f'{path}:{row + 1}: expected {{"request": …, "answer": …}}') from None
    Random(seed).shuffle(requests)
    return tuple(requests)


def ask(
    url: str, target: Target, requests: Sequence[Request], concurrency: int, watch: Callable[[], None]
) -> list[Any]:
    """Send the requests, `concurrency` at a time as the load will, and return the answers.

    Fails at the first one that is not an answer at all; `watch` raises when that is because the server is gone.
    """
    answers = target.answers
    broken: list[Exception] = []

    # urllib3 and not httpx, which spends three times the CPU on a request: the server needs it, and so do other trials.
    with (
        urllib3.PoolManager(maxsize=concurrency, block=True, timeout=target.timeouts.request, retries=False) as client,
        ThreadPoolExecutor(concurrency) as threads,
    ):

        def one(request: Request) -> Any:
            if broken:
                return None
            try:
                answer = client.request(
                    "POST", url + answers.path, body=request.body, headers={"Content-Type": "application/json"}
                )
                if not 200 <= answer.status < 300:
                    raise ValueError(f"status {answer.status} {answer.reason}")
                return given(answer.json(), answers.field) if answers.field else None
            except (urllib3.exceptions.HTTPError, ValueError) as error:
                broken.append(error)

        found = list(threads.map(one, requests))
    if broken:
        _watch_closely(watch, broken[0])
        first = (str(broken[0]) or type(broken[0]).__name__).splitlines()[0]
        raise LaunchError(FailureKind.WRONG_ANSWERS, f"a request got no valid answer before any load ({first})")
    return found


def _watch_closely(watch: Callable[[], None], error: Exception) -> None:
    """Look whether the server is gone; a connection that broke is often seen a moment before the process has ended."""
    watch()
    deadline = time.monotonic() + (_END_SECONDS if isinstance(error, urllib3.exceptions.HTTPError) else 0.0)
    while time.monotonic() < deadline:
        time.sleep(0.02)
        watch()


def given(answer: Any, name: str) -> Any:
    """Return the field of an answer that is compared; raises ValueError when it is not there or says nothing."""
    if not isinstance(answer, dict) or name not in answer:
        has = ", ".join(map(str, answer)) if isinstance(answer, dict) else f"is {str(answer)[:80]!r}"
        raise ValueError(f"the answer has no field {name!r}, which [answers] names; it has: {has}")
    if fault := nothing_in(answer[name]):
        raise ValueError(f"the field {name!r} of the answer {fault}")
    return answer[name]


def nothing_in(value: Any) -> str | None:
    """Say why a value is no answer: null, empty, or a number in it is none. The locustfiles have the same rule."""
    if value is None:
        return "is null"
    if isinstance(value, str | list | dict) and not value:
        return "is empty"
    found = _no_number(value)
    return f"{'holds' if isinstance(value, list | dict) else 'is'} {found}" if found else None


def _no_number(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinity"
    if isinstance(value, list) and None in value:
        return "null"
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next(filter(None, map(_no_number, members)), None)
