"""From answers to their quality: against the labels or the default's answers, question by question."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.measure.ask import Request
from tuner.statistics.paired import Difference, compared, mcnemar, shortfall
from tuner.study.quality import Basis, Quality, Rows, UnderLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Requests and what their answers have to equal: `default` are the default's answers, None while not known."""

    requests: Sequence[Request]
    default: Sequence[Any] | None

    @property
    def basis(self) -> Basis:
        """Labels decide as soon as there are any."""
        return basis(self.requests)

    def truth(self) -> dict[int, Any]:
        """Map the place of each request that can be judged to its right answer."""
        if self.basis is Basis.ACCURACY:
            return {place: one.answer for place, one in enumerate(self.requests) if one.answer is not None}
        return dict(enumerate(self.default or ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """An answer that was given under load, and whether it is known to have been computed in a batch."""

    answer: Any
    in_batch: bool


def basis(requests: Iterable[Request]) -> Basis:
    """Say what answers to these requests are compared with."""
    return Basis.ACCURACY if any(one.answer is not None for one in requests) else Basis.AGREEMENT


def quality(asked: Questions, found: Sequence[Any], rows: Rows) -> Quality | None:
    """Judge answers that were given before load; None when nothing says what is right."""
    truth = asked.truth()
    if not truth:
        return None
    change = None if asked.default is None or found is asked.default else _change(asked, truth, dict(enumerate(found)))
    right = sum(found[place] == answer for place, answer in truth.items())
    return Quality(
        basis=asked.basis,
        correct=right,
        total=len(truth),
        rows=rows,
        change=change,
        default_known=asked.default is not None,
    )


def under_load(asked: Questions, before: Sequence[Any], sample: Mapping[int, Sampled]) -> UnderLoad | None:
    """Judge answers that were given under load, by the place of their request, against those before it."""
    truth = {place: answer for place, answer in asked.truth().items() if place in sample}
    if not truth:
        return None
    gained, lost = _pairs(truth, {place: one.answer for place, one in sample.items()}, before)
    changed = [sample[place] for place in truth if sample[place].answer != before[place]]
    right_before = sum(before[place] == answer for place, answer in truth.items())
    given = {place: sample[place].answer for place in truth}
    return UnderLoad(
        correct=right_before + gained - lost,
        total=len(truth),
        before=right_before,
        p=mcnemar(gained, lost),
        changed=len(changed),
        changed_in_batches=sum(one.in_batch for one in changed),
        change=None if asked.default is None else _change(asked, truth, given),
    )


def _change(asked: Questions, truth: Mapping[int, Any], found: Mapping[int, Any]) -> Difference:
    """Compare answers with the default's to the same requests."""
    assert asked.default is not None
    gained, lost = _pairs(truth, found, asked.default)
    return compared(gained, lost, len(truth)) if asked.basis is Basis.ACCURACY else shortfall(lost, len(truth))


def _pairs(truth: Mapping[int, Any], found: Mapping[int, Any], other: Sequence[Any]) -> tuple[int, int]:
    """Count the requests that only `found` answers right, and those that only `other` does."""
    marks = [(found[place] == answer, other[place] == answer) for place, answer in truth.items()]
    return marks.count((True, False)), marks.count((False, True))
