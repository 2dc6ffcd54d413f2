"""What a person reads at the end."""

from dataclasses import replace

import pytest

from tests.doctor.diagnoses import LATE, RUNGS, make_diagnosis
from tuner.doctor.conclusion import ROUNDS, sentence, told_apart, trustworthy
from tuner.doctor.console import print_diagnosis
from tuner.doctor.diagnosis import Check
from tuner.study.workload import opened

LOOK = Check(name="cores", ok=False, found="shared", advice="take more")


def test_the_sentence_says_what_is_resolved_and_how_far_the_load_generator_goes() -> None:
    assert sentence(make_diagnosis()) == (
        "A search on this machine resolves throughput differences of 2.6 % measured once and of 1.3 % confirmed; "
        "the load generator is trustworthy up to 1,000 req/s in one process (p99 is 1.50 ms too long there)."
    )


def test_in_open_loop_it_is_p99_that_is_resolved() -> None:
    assert "resolves p99 differences" in sentence(make_diagnosis(loads=opened((50.0, 200.0))))


def test_it_says_where_to_begin_when_something_is_not_as_it_should_be() -> None:
    found = sentence(make_diagnosis((100.0, 60.0), checks=(LOOK,), rungs=RUNGS[2:]))
    assert found == (
        "Only 2 of 6 launches gave a figure, so no difference can be told here; "
        "the load generator was late at every rate; what is marked `look` above is where to begin."
    )


def test_a_ladder_that_was_climbed_to_its_end_says_at_least() -> None:
    assert "up to 1,000 req/s at least in one process" in sentence(make_diagnosis(rungs=RUNGS[:2]))


def test_the_highest_rate_in_time_counts_whatever_disturbed_a_lower_one() -> None:
    assert trustworthy([replace(RUNGS[0], doubts=(LATE,)), *RUNGS[1:]]) == RUNGS[1]
    assert trustworthy(RUNGS[2:]) is None


def test_confirmation_resolves_what_one_launch_cannot() -> None:
    noise = make_diagnosis().noise
    assert noise is not None
    assert ROUNDS == 4
    assert 0.0 < told_apart(0.05, noise, ROUNDS) < told_apart(0.05, noise, 1)


def test_everything_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_diagnosis(make_diagnosis(checks=(LOOK,)))
    shown = capsys.readouterr().out
    for words in (
        "look",
        "take more",
        "throughput at 32 users",
        "p99 at 4 users",
        "100 req/s",
        "2.00 ms",
        "4 launches each",
    ):
        assert words in shown
    assert "measurement invalid: arrivals were sent 28 ms late\n" in shown
    assert "doubts: late load" in shown
    assert "at most 7,190 req/s (load on 0.99 cores, server on 0.21)" in shown
