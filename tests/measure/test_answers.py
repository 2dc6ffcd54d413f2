"""Answers of real servers, asked before load, sampled under it, and compared with the default's."""

import re
from pathlib import Path

import pytest

from tests.conftest import MakeTarget
from tests.measure.servers import REQUESTS, TOML, protocol, server
from tuner.errors import TargetFileError
from tuner.measure import gates
from tuner.measure.measurement import measure
from tuner.measure.protocol import ONCE, Repetition
from tuner.measure.verify import Verifier
from tuner.statistics.paired import compared, shortfall
from tuner.study.judgement import violations
from tuner.study.objectives import Limits
from tuner.study.quality import Basis, Quality, Rows
from tuner.study.trial import Failure, FailureKind, Measurement, Outcome
from tuner.study.workload import Workload, closed
from tuner.target import spec
from tuner.target.spec import Target

KNOBS = TOML.replace("accuracy_knobs = []", 'accuracy_knobs = ["level"]')
UNLABELLED = re.sub(r', "answer": "\d"', "", REQUESTS)
# In these the number of the request is `n`, and `busy` holds once everything was asked before load.
BEGIN = """
        global seen
        seen = globals().get("seen", 0) + 1
        n, busy = int(asked.get("text", 0)), seen > 130
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However late the load is on a busy machine: this is about answers, not about figures."""
    monkeypatch.setattr(gates, "TOO_LATE_FLOOR", 60.0)


@pytest.fixture
def served(make_target: MakeTarget, tmp_path: Path) -> "Served":
    return Served(make_target, tmp_path)


class Served:
    """A target whose server is written for a test; its launches share the answers that were kept."""

    def __init__(self, make_target: MakeTarget, folder: Path) -> None:
        self._make_target = make_target
        self._folder = folder
        self._count = 0
        self.target: Target

    def answering(self, reply: str, requests: str = REQUESTS, toml: str = KNOBS, **files: str) -> "Served":
        body = BEGIN + "        " + reply
        self.target = spec.load(str(self._make_target(toml, server_py=server(body), requests_jsonl=requests, **files)))
        return self

    def outcome(self, level: int = 1, repetition: Repetition = ONCE) -> Outcome:
        short = Workload(loads=closed((2,)), warm_up=0.1, measure=0.6, measure_most=0.6, patience=0.6, drain=1.0)
        self._count += 1
        configuration = self.target.space.configuration({"level": level})
        folder = self._folder / f"{self._count}"
        return measure(protocol(self.target, self._folder, short), configuration, folder, repetition)

    def quality(self, level: int = 1, repetition: Repetition = ONCE) -> Quality:
        found = self.outcome(level, repetition)
        assert isinstance(found, Measurement), found
        assert found.quality is not None
        return found.quality

    @property
    def kept(self) -> int:
        return len(list((self._folder / "answers").glob("*.json")))


# At level 2 every answer to the last numbers is wrong.
WORSE = 'self.reply({"decision": "9" if n >= 97 and sys.argv[2] == "2" else str(n % 2)})'


def test_another_configurations_answers_are_paired_with_the_defaults(served: Served) -> None:
    default, other = (served.answering(WORSE).quality(level) for level in (1, 2))
    assert (default.correct, default.change) == (100, None)
    assert (other.basis, other.correct, other.change) == (Basis.ACCURACY, 97, compared(0, 3, 100))
    assert served.kept == 2


def test_without_labels_it_is_agreement_and_kept_to_the_same_limit(served: Served) -> None:
    default = served.answering(WORSE, UNLABELLED).quality(1)
    assert (default.basis, default.share, default.change) == (Basis.AGREEMENT, 1.0, None)
    found = served.outcome(2)
    assert isinstance(found, Measurement)
    assert found.quality is not None
    assert (found.quality.basis, found.quality.change) == (Basis.AGREEMENT, shortfall(3, 100))
    assert violations(found, Limits(max_accuracy_drop=0.02))["quality"] == pytest.approx(0.01)


def test_what_cannot_be_compared_with_the_default_keeps_no_limit(served: Served) -> None:
    """The default itself gives no answer to one request, so none of its answers are kept."""
    served.answering('self.reply({"decision": None if n == 50 and sys.argv[2] == "1" else str(n % 2)})')
    assert isinstance(served.outcome(1), Failure)
    found = served.outcome(2)
    assert isinstance(found, Measurement)
    assert found.quality is not None
    assert (found.quality.correct, found.quality.change, found.quality.default_known) == (100, None, False)
    assert violations(found, Limits(max_accuracy_drop=0.01))["quality"] == pytest.approx(0.99)


def test_answers_to_other_requests_are_not_taken_for_answers_to_these(served: Served) -> None:
    assert served.answering(WORSE).quality(2).correct == 97
    assert served.answering(WORSE, "".join(REQUESTS.splitlines(keepends=True)[:50])).quality(2).correct == 50
    assert served.kept == 2


def test_answers_under_load_are_sampled_and_compared(served: Served) -> None:
    found = served.answering('self.reply({"decision": str(n % 2)})').quality()
    assert found.under_load is not None
    assert 20 < found.under_load.total <= 100
    assert found.under_load.correct == found.under_load.before == found.under_load.total
    assert (found.under_load.p, found.under_load.changed) == (1.0, 0)


def test_answers_that_load_makes_wrong_are_refused(served: Served) -> None:
    found = served.answering('self.reply({"decision": "9" if busy and n % 3 == 0 else str(n % 2)})').outcome()
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.WRONG_ANSWERS
    assert re.search(r"accuracy under load is 6\d\.\d % of \d+ requests, and 100\.0 % .* pt higher", found.reason)


def test_answers_that_say_nothing_under_load_are_failures_with_their_reason(served: Served) -> None:
    found = served.answering('self.reply({"decision": float("nan") if busy and n % 3 == 0 else str(n % 2)})').outcome()
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.ERRORS
    assert 'the field "decision" of the answer is NaN' in found.reason


def test_only_confirming_launches_are_verified_with_the_test_set(served: Served) -> None:
    toml = KNOBS.replace('field = "decision"', 'field = "decision"\ntest = "test.jsonl"')
    test = "".join(f'{{"request": {{"text": "{n}"}}, "answer": "{n % 2}"}}\n' for n in range(90, 110))
    log = 'open("asked.txt", "a").write(f"{n} ")'
    served.answering(f"{log}; {WORSE}", toml=toml, test_jsonl=test)
    searched = [served.quality(level).rows for level in (1, 2)]
    asked = served.target.folder / "asked.txt"
    assert searched == [Rows.SELECTION, Rows.SELECTION]
    assert max(map(int, asked.read_text().split())) < 100
    default, other = (served.quality(level, Repetition(round=1, confirming=True)) for level in (1, 2))
    assert (default.rows, default.correct, default.total) == (Rows.TEST, 20, 20)
    assert (other.rows, other.correct, other.change) == (Rows.TEST, 7, compared(0, 13, 20))
    assert other.under_load is not None
    assert other.under_load.total > 20, "under load the requests of the search are sent"
    assert served.kept == 4


def test_a_test_set_is_labelled_as_the_selection_set_is(make_target: MakeTarget, tmp_path: Path) -> None:
    toml = KNOBS.replace('field = "decision"', 'field = "decision"\ntest = "test.jsonl"')
    folder = make_target(toml, server_py="", requests_jsonl=REQUESTS, test_jsonl=UNLABELLED)
    with pytest.raises(TargetFileError, match=r"test\.jsonl: label its requests as those of .*requests\.jsonl are"):
        Verifier(spec.load(str(folder)), tmp_path, 1)


def test_knobs_that_a_running_server_takes_ask_for_everything_only_to_confirm(served: Served) -> None:
    toml = KNOBS.replace("[timeouts]", '[hot]\npath = "/config"\nknobs = ["level"]\n[timeouts]').replace(
        'description = "mine"', 'description = "mine"\neffective = "/config"'
    )
    config = 'self.reply({"level": int(sys.argv[2])} if self.path == "/config" else {"decision": str(n % 2)})'
    served.answering(config, toml=toml)
    assert [served.quality(level).correct for level in (1, 2)] == [100, 100]
    assert served.kept == 1
    confirming = Repetition(round=1, confirming=True)
    assert [served.quality(level, confirming).correct for level in (1, 2, 2)] == [100, 100, 100]
    assert served.kept == 3
