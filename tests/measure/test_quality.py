"""Answers against labels and against the default's: counted request by request, before load and under it."""

import math
import re
from collections.abc import Sequence
from typing import Any

import pytest

from tuner.measure.answers import doubts, require_right
from tuner.measure.ask import Request, given, nothing_in
from tuner.measure.failed import LaunchError
from tuner.measure.quality import Questions, Sampled, quality, under_load
from tuner.statistics.paired import compared, shortfall
from tuner.study.objectives import Limits
from tuner.study.quality import Basis, Quality, Rows, UnderLoad
from tuner.study.trial import DoubtKind


def questions(labels: str, default: Sequence[Any] | None) -> Questions:
    """One request for each letter of the labels; a dot is a request without one."""
    requests = [
        Request(row=row, body=b"{}", answer=None if label == "." else label) for row, label in enumerate(labels)
    ]
    return Questions(requests=requests, default=default)


def test_answers_are_compared_with_the_labels_and_with_the_defaults_answers_pair_by_pair() -> None:
    found = quality(questions("aaaaaaaa", list("aaaaaaxx")), list("aaaaaxax"), Rows.SELECTION)
    assert found is not None
    assert (found.basis, found.correct, found.total) == (Basis.ACCURACY, 6, 8)
    assert found.change == compared(1, 1, 8)
    assert found.drop == 0.0


def test_requests_without_a_label_do_not_count_where_others_have_one() -> None:
    found = quality(questions("a.a.", list("aaaa")), list("axax"), Rows.TEST)
    assert found is not None
    assert (found.correct, found.total, found.rows) == (2, 2, Rows.TEST)


def test_without_labels_it_is_agreement_with_the_defaults_answers() -> None:
    found = quality(questions("....", list("abcd")), list("abcx"), Rows.SELECTION)
    assert found is not None
    assert (found.basis, found.correct, found.total) == (Basis.AGREEMENT, 3, 4)
    assert found.change == shortfall(1, 4)
    assert found.drop == 0.25


def test_without_labels_nothing_is_known_before_the_default_has_answered() -> None:
    assert quality(questions("....", None), list("abcd"), Rows.SELECTION) is None


@pytest.mark.parametrize("labels", ["abcx", "...."])
def test_the_default_is_not_compared_with_itself(labels: str) -> None:
    answers = list("abcd")
    found = quality(questions(labels, answers), answers, Rows.SELECTION)
    assert found is not None
    assert found.change is None
    assert found.correct == (3 if labels == "abcx" else 4)


def test_answers_under_load_are_compared_with_those_before_it() -> None:
    sample = {place: Sampled(answer=answer, in_batch=place > 1) for place, answer in enumerate("aaxx") if place != 0}
    found = under_load(questions("aaaa", list("aaaa")), list("aaax"), sample)
    assert found == UnderLoad(
        correct=1, total=3, before=2, p=1.0, changed=1, changed_in_batches=1, change=compared(0, 2, 3)
    )


def test_nothing_is_said_of_load_where_no_answer_was_sampled() -> None:
    assert under_load(questions("aaaa", None), list("aaaa"), {}) is None


def seen(correct: int, before: int, p: float, *, changed: int = 0, batches: int = 0, lost: int = 0) -> Quality:
    """A thousand answers of which so many were right under load."""
    load = UnderLoad(
        correct=correct, total=1000, before=before, p=p, changed=changed, changed_in_batches=batches,
        change=compared(0, lost, 1000),
    )  # fmt: skip
    return Quality(basis=Basis.ACCURACY, correct=before, total=1000, under_load=load)


@pytest.mark.parametrize(
    ("quality", "kinds"),
    [
        (seen(940, 940, 1.0), []),
        (seen(938, 940, 0.5, changed=2, batches=2), []),
        (seen(950, 940, 0.001, changed=10, batches=10), []),
        (seen(932, 940, 0.008, changed=8, batches=8), [DoubtKind.BATCH_DEPENDENT]),
        (seen(932, 940, 0.008, changed=8, batches=7), [DoubtKind.WORSE_UNDER_LOAD]),
        (seen(932, 940, 0.008, changed=8), [DoubtKind.WORSE_UNDER_LOAD]),
    ],
)
def test_a_significant_drop_under_load_is_doubted(quality: Quality, kinds: list[DoubtKind]) -> None:
    assert [doubt.kind for doubt in doubts(quality, Limits())] == kinds
    require_right(quality, Limits())


def test_a_drop_under_load_beyond_the_limit_is_refused_when_it_is_no_chance() -> None:
    require_right(seen(920, 940, 0.06, changed=20, lost=20), Limits())
    require_right(seen(932, 940, 0.008, changed=8, lost=8), Limits())
    with pytest.raises(LaunchError, match=r"accuracy under load is 92\.0 % of 1000 requests.*2\.0 pt higher"):
        require_right(seen(920, 940, 1e-6, changed=20, lost=20), Limits())


def changed(gained: int, lost: int, total: int = 1000) -> Quality:
    return Quality(basis=Basis.ACCURACY, correct=total - lost, total=total, change=compared(gained, lost, total))


@pytest.mark.parametrize(
    ("quality", "message"),
    [
        (changed(0, 0), None),
        (changed(3, 4), None),
        (changed(0, 60), None),
        (
            changed(4, 12),
            r"−0\.8 pt \[−1\.7, \+0\.0\] by 1000 requests.*more than 1 pt; about 16,000 labelled requests would tell",
        ),
        (changed(0, 10), "no number of labelled requests would tell"),
        (changed(0, 0, 100), r"\+0\.0 pt \[−3\.7, \+3\.7\] by 100 requests.*about 380 labelled requests would tell"),
    ],
)
def test_an_interval_that_holds_the_limit_is_a_doubt_that_says_what_would_decide(
    quality: Quality, message: str | None
) -> None:
    found = list(doubts(quality, Limits()))
    if message is None:
        assert found == []
        return
    assert [doubt.kind for doubt in found] == [DoubtKind.QUALITY_UNDECIDED]
    assert re.search(message, found[0].message), found[0].message


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("yes", None),
        (0, None),
        (False, None),
        ([0.5, 1.0], None),
        ({"angle": 0.1, "note": None}, None),
        (None, "is null"),
        ("", "is empty"),
        ([], "is empty"),
        ({}, "is empty"),
        (math.nan, "is NaN"),
        (-math.inf, "is infinity"),
        ([0.5, math.nan], "holds NaN"),
        ([[1.0], [None]], "holds null"),
        ({"angle": math.inf}, "holds infinity"),
    ],
)
def test_what_says_nothing_is_no_answer(value: object, fault: str | None) -> None:
    assert nothing_in(value) == fault
    if fault is None:
        assert given({"decision": value}, "decision") == value
    else:
        with pytest.raises(ValueError, match=f"the field 'decision' of the answer {fault}"):
            given({"decision": value}, "decision")
