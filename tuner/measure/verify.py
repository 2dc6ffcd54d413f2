"""Answers are asked for once, kept, checked by a sample in every launch, and compared with the default's."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tuner.errors import TargetFileError
from tuner.files import write_atomically
from tuner.load.samples import Answered
from tuner.measure.ask import Request, ask, given, read_requests
from tuner.measure.failed import LaunchError
from tuner.measure.quality import Questions, Sampled, basis, quality, under_load
from tuner.study.quality import Quality, Rows
from tuner.study.space import Configuration
from tuner.study.trial import FailureKind
from tuner.target.spec import Target

SAMPLE = 64
MOST_CHANGED = 0.1
"""Share of a launch's sample that may differ from the answers that were kept, but one answer of four or more."""


@dataclass(frozen=True, kw_only=True)
class Examination:
    """One set of requests, and the knobs for each combination of which all of them are asked once."""

    rows: Rows
    requests: tuple[Request, ...]
    knobs: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """What the requests are: answers to others, or in another order, are not answers to these."""
        return hashlib.sha256(repr(self.requests).encode()).hexdigest()


class Verifier:
    """Checks a sample in every launch, and everything once per combination of the knobs that can change an answer.

    Those that a running server takes count only for confirming launches: in a search the answers that are given under
    load, at the batch sizes that are served, are compared with the ones before, which sees as much and costs no time.
    The answers are kept in `folder`, so that a resumed study asks for nothing twice; `default` is the configuration
    whose answers all others are compared with.
    """

    def __init__(
        self, target: Target, folder: Path, concurrency: int, seed: int = 0, default: Configuration | None = None
    ) -> None:
        self._target = target
        self._folder = folder
        self._concurrency = concurrency
        self._default = target.space.default() if default is None else default
        answers = target.answers
        selection, test = read_requests(answers.requests, seed), read_requests(answers.test, seed)
        if test and basis(test) is not basis(selection):
            raise TargetFileError(f"{answers.test}: label its requests as those of {answers.requests} are, or none")
        cold = target.cold_accuracy_knobs if target.tells_rows else answers.accuracy_knobs
        self._search = Examination(rows=Rows.SELECTION, requests=selection, knobs=cold)
        self._confirm = Examination(
            rows=Rows.TEST if test else Rows.SELECTION, requests=test or selection, knobs=answers.accuracy_knobs
        )

    def verify(
        self, url: str, configuration: Configuration, watch: Callable[[], None], *, confirming: bool = False
    ) -> Quality | None:
        """Return the quality of this configuration's answers, or None when they are compared with nothing."""
        examination = self._confirm if confirming else self._search
        if not examination.requests:
            return None
        found = self._known(examination, configuration)
        if found is None:
            found = ask(url, self._target, examination.requests, self._concurrency, watch)
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path(examination, configuration), json.dumps(found))
        else:
            self._check_sample(url, examination, found, watch)
        if not self._target.answers.compared:
            return None
        return quality(self._questions(examination, configuration, found), found, examination.rows)

    def with_load(
        self, before: Quality | None, configuration: Configuration, answered: Iterable[Answered]
    ) -> Quality | None:
        """Add what was answered under load to the quality of the same launch before it."""
        known = self._known(self._search, configuration)
        if before is None or known is None:
            return before
        places = {request.row: place for place, request in enumerate(self._search.requests)}
        sample = {places[one.row]: self._sampled(one) for one in answered if one.row in places}
        return replace(
            before, under_load=under_load(self._questions(self._search, configuration, known), known, sample)
        )

    def against(self, configuration: Configuration, other: "Verifier", theirs: Configuration) -> Quality | None:
        """Compare the answers before load with those that another verifier keeps of the same requests.

        None where nothing is compared, or while either has no answers.
        """
        mine, its = self._known(self._search, configuration), other._known(other._search, theirs)
        if mine is None or its is None or not self._target.answers.compared:
            return None
        return quality(Questions(requests=self._search.requests, default=its), mine, self._search.rows)

    def _sampled(self, one: Answered) -> Sampled:
        """Read an answer that was given under load; one that is none is wrong, whatever is right."""
        try:
            answer = given(json.loads(one.content), self._target.answers.field or "")
        except ValueError:
            answer = None
        return Sampled(answer=answer, in_batch=one.batch_size > 1.0)

    def _questions(self, examination: Examination, configuration: Configuration, found: Sequence[Any]) -> Questions:
        """Return what the answers have to equal; those of the default itself are told by being the same object."""
        is_default = self._path(examination, configuration) == self._path(examination, self._default)
        return Questions(
            requests=examination.requests,
            default=found if is_default else self._known(examination, self._default),
        )

    def _check_sample(
        self, url: str, examination: Examination, known: Sequence[Any], watch: Callable[[], None]
    ) -> None:
        found = ask(url, self._target, examination.requests[:SAMPLE], self._concurrency, watch)
        changed = sum(one != other for one, other in zip(found, known, strict=False))
        if changed > max(MOST_CHANGED * len(found), min(1, len(found) // 4)):
            reason = f"only {len(found) - changed} of {len(found)} answers equal those that the same model gave before"
            raise LaunchError(FailureKind.WRONG_ANSWERS, reason)

    def _known(self, examination: Examination, configuration: Configuration) -> list[Any] | None:
        path = self._path(examination, configuration)
        answers: list[Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        return answers

    def _path(self, examination: Examination, configuration: Configuration) -> Path:
        relevant = {name: configuration[name] for name in examination.knobs}
        content = json.dumps([examination.rows, relevant, examination.digest], sort_keys=True)
        return self._folder / f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.json"
