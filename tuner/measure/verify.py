"""Are the answers right? Labelled requests, sent through the server before any load."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import urllib3

from tuner.errors import TargetFileError
from tuner.files import write_atomically
from tuner.measure.failed import LaunchError
from tuner.study.space import Configuration
from tuner.study.trial import Accuracy, FailureKind
from tuner.target.spec import Answers, Target

SAMPLE = 64
_END_SECONDS = 1.0
AGREEMENT = 0.9
"""Share of a launch's sample that must equal the answers of the launch in which accuracy was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One request with its right answer, if it is known."""

    body: bytes
    answer: Any


def read_requests(answers: Answers, seed: int = 0) -> tuple[Labelled, ...]:
    """Read a target's requests in a seeded order."""
    if answers.requests is None:
        return ()
    requests = []
    for number, line in enumerate(answers.requests.read_text(encoding="utf-8").rstrip("\n").split("\n"), start=1):
        try:
            row = json.loads(line)
            requests.append(Labelled(body=json.dumps(row["request"]).encode(), answer=row.get("answer")))
        except (ValueError, KeyError, AttributeError, TypeError):
            raise TargetFileError(f'{answers.requests}:{number}: expected {{"request": …, "answer": …}}') from None
    Random(seed).shuffle(requests)
    return tuple(requests)


def ask(
    url: str, target: Target, requests: Sequence[Labelled], concurrency: int, watch: Callable[[], None]
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

        def one(request: Labelled) -> Any:
            if broken:
                return None
            try:
                answer = client.request(
                    "POST", url + answers.path, body=request.body, headers={"Content-Type": "application/json"}
                )
                if not 200 <= answer.status < 300:
                    raise ValueError(f"status {answer.status} {answer.reason}")
                return _field(answer.json(), answers.field) if answers.field else None
            except (urllib3.exceptions.HTTPError, ValueError) as error:
                broken.append(error)

        found = list(threads.map(one, requests))
    if broken:
        _watch_closely(watch, broken[0])
        first = (str(broken[0]) or type(broken[0]).__name__).splitlines()[0]
        reason = f"a labelled request got no valid answer before any load ({first})"
        raise LaunchError(FailureKind.WRONG_ANSWERS, reason)
    return found


def _watch_closely(watch: Callable[[], None], error: Exception) -> None:
    """Look whether the server is gone; a connection that broke is often seen a moment before the process has ended."""
    watch()
    deadline = time.monotonic() + (_END_SECONDS if isinstance(error, urllib3.exceptions.HTTPError) else 0.0)
    while time.monotonic() < deadline:
        time.sleep(0.02)
        watch()


def _field(answer: Any, name: str) -> Any:
    if not isinstance(answer, dict) or name not in answer:
        has = ", ".join(map(str, answer)) if isinstance(answer, dict) else f"is {str(answer)[:80]!r}"
        raise ValueError(f"the answer has no field {name!r}, which [answers] names; it has: {has}")
    return answer[name]


class Verifier:
    """Checks a sample in every launch, and everything once per combination of the knobs that can change an answer.

    The answers are kept in `folder`, so that a resumed study asks for nothing twice.
    """

    def __init__(self, target: Target, folder: Path, concurrency: int, seed: int = 0) -> None:
        self._target = target
        self._folder = folder
        self._concurrency = concurrency
        self.requests = read_requests(target.answers, seed)

    def verify(self, url: str, configuration: Configuration, watch: Callable[[], None]) -> Accuracy | None:
        """Return the accuracy of this configuration's answers, or None when nothing is labelled."""
        if not self.requests:
            return None
        known = self._path(configuration)
        if known.exists():
            return self._check_sample(url, json.loads(known.read_text(encoding="utf-8")), watch)
        found = ask(url, self._target, self.requests, self._concurrency, watch)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(known, json.dumps(found))
        return self._accuracy(found)

    def _check_sample(self, url: str, known: Sequence[Any], watch: Callable[[], None]) -> Accuracy | None:
        found = ask(url, self._target, self.requests[:SAMPLE], self._concurrency, watch)
        same = sum(one == other for one, other in zip(found, known, strict=False))
        if same < AGREEMENT * len(found):
            reason = f"only {same} of {len(found)} answers equal those that the same model gave before"
            raise LaunchError(FailureKind.WRONG_ANSWERS, reason)
        return self._accuracy(known)

    def _accuracy(self, found: Sequence[Any]) -> Accuracy | None:
        pairs = [
            (request.answer, answer)
            for request, answer in zip(self.requests, found, strict=True)
            if request.answer is not None
        ]
        if not pairs or self._target.answers.field is None:
            return None
        return Accuracy(correct=sum(right == answer for right, answer in pairs), total=len(pairs))

    def _path(self, configuration: Configuration) -> Path:
        relevant = {name: configuration[name] for name in self._target.answers.accuracy_knobs}
        key = hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()[:16]
        return self._folder / f"{key}.json"
