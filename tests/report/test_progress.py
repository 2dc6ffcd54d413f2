"""What is shown while something runs: a line for each trial everywhere, a live view in a terminal only."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.report import studies
from tests.report.screen import Screen, assert_inert
from tuner.report.progress import LaunchProgress, SearchProgress
from tuner.study.objectives import Slo
from tuner.study.trial import Failure, FailureKind, Trial
from tuner.terminal import Output


def watched(screen: Output) -> SearchProgress:
    """A search that has seen all trials of a study but the last."""
    study = studies.small(slo=Slo(metric="p99", limit=0.05))
    return SearchProgress(study.settings, study.default, study.trials[:-1], screen)


def aloud(output: Output) -> LaunchProgress:
    return LaunchProgress(output, aloud=True)


def test_a_log_gets_one_line_for_each_trial_and_no_escape_sequence() -> None:
    screen, trials = Screen(terminal=False), studies.small().trials
    with watched(screen) as progress:
        progress.trial_started(trials[-1].number, trials[-1].configuration)
        progress.phase("measure at 32 users")
        progress.tick(400.0, 0.02)
        progress.trial_finished(trials[-1])
        progress.note("a note")
        progress.confirmation_started(0, 12, 4)
    lines = screen.text.splitlines()
    assert lines[0].startswith(f"#{trials[-1].number} ok p99 10.0 ms / 45.0 ms 900 req/s ")
    assert [line.partition(" ")[0] for line in lines[1:]] == ["note:", "confirmation"]
    assert "\x1b" not in screen.text


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (0, "#0 ok p99 12.0 ms / 95.0 ms 420 req/s accuracy 94.0 % (default) (misses the limits)"),
        (1, "#1 ok p99 14.0 ms / 60.0 ms 700 req/s accuracy 94.0 % max_batch_size=8"),
        (
            2,
            "#2 crashed: the server ended under load (SIGKILL) workers=2 intra_op_threads=1 precision=int8",
        ),
        (
            3,
            "#3 ok p99 10.0 ms / 45.0 ms 900 req/s accuracy 93.5 % (−0.5 pt [−1.3, +0.1]) "
            "max_batch_size=8 precision=int8 (front)",
        ),
    ],
)
def test_the_line_of_a_trial(place: int, line: str) -> None:
    study, screen = studies.small(slo=Slo(metric="p99", limit=0.060)), Screen(terminal=False)
    others = [trial for trial in study.trials if trial.number != place]
    with SearchProgress(study.settings, study.default, others, screen) as progress:
        progress.trial_finished(study.trials[place])
    assert screen.text == f"{line}\n"


@pytest.mark.parametrize(
    ("limit", "share", "mark"),
    [(0.015, 0.94, "(p99 not known)"), (0.060, 0.94, "(p99 not known)"), (0.060, 0.90, "(misses the limits)")],
)
def test_a_trial_whose_p99_is_not_known_is_not_said_to_miss_the_limits(limit: float, share: float, mark: str) -> None:
    study, screen = studies.small(slo=Slo(metric="p99", limit=limit)), Screen(terminal=False)
    with SearchProgress(study.settings, study.default, (), screen) as progress:
        progress.trial_finished(replace(study.trials[0], outcome=studies.scarce(share)))
    assert screen.text.endswith(f" (default) {mark}\n")


def test_the_time_left_follows_from_the_launches_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    study = studies.small()
    progress = SearchProgress(study.settings, study.default, study.trials[:1], Screen(terminal=False))
    progress.confirmation_started(0, 5, 3)
    for _ in range(2):
        now[0] += 10.0
        progress.confirmation_finished()
    now[0] += 4.0
    assert list(progress._lines())[-1] == "24 s so far, about 26 s left"


def test_the_time_left_is_that_of_the_plan_until_a_launch_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """13 launches of 2 levels of 3.5 s and 1.6 s around them; 9 of them confirm, and have a third level."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    study = studies.small()
    assert study.settings.seconds == pytest.approx(13 * 8.6 + 9 * 3.5)
    progress = SearchProgress(study.settings, study.default, (), Screen(terminal=False))
    progress.trial_started(0, study.default)
    now[0] += 13.3
    assert list(progress._lines())[-1] == "13 s so far, about 2 min 10 s left"
    progress.trial_finished(study.trials[0])
    assert list(progress._lines())[-1] == "13 s so far, about 2 min 40 s left"


def test_a_terminal_shows_the_trial_the_best_the_time_and_the_front() -> None:
    screen, trials = Screen(terminal=True), studies.small().trials
    with watched(screen) as progress:
        progress.trial_finished(trials[-1])
        progress.trial_started(99, trials[0].configuration)
        progress.phase("measure at 32 users")
        progress.tick(412.0, 0.0184)
    for text in (
        f"trial {len(trials) + 1}/{studies.small().settings.budget}  #99  measure at 32 users  p99 18.4 ms  412 req/s",
        "best so far under p99 ≤ 50.0 ms: #",
        "left",
        f"of {len(trials)} trials",
        "p99 at 4 users",
        "p99 at 32 users",
    ):
        assert text in screen.text
    front = screen.text.rpartition("configuration")[2]
    assert "#" in front
    assert len(front.splitlines()) <= 8, "the front is a small table"


@pytest.mark.parametrize("confirming", [False, True], ids=["trial", "confirmation"])
def test_what_moves_is_not_cut_off_by_a_long_configuration(confirming: bool) -> None:
    screen, study = Screen(terminal=True, width=80), studies.small()
    trial = Trial(
        number=9,
        configuration={**study.default, "execution_provider": "Open" * 12, "workers": 2, "precision": "int8"},
        outcome=studies.failure(),
    )
    with SearchProgress(study.settings, study.default, (trial,), screen) as progress:
        if confirming:
            progress.confirmation_started(0, 12, 9)
        else:
            progress.trial_started(9, trial.configuration)
        progress.phase("measure at 32 users")
        progress.tick(412.0, 0.0184)
    place = "confirmation 1/12" if confirming else "trial 2/4"
    assert f"{place}  #9  measure at 32 users  p99 18.4 ms  412 req/s\nworkers=2 precision=int8 exec" in screen.text


def test_names_and_reasons_are_inert() -> None:
    trial = Trial(
        number=7,
        configuration={**studies.small().default, "precision": "\x1b]0;mine\x07"},
        outcome=Failure(kind=FailureKind.CRASH, reason="\x1b[2J ##[error]mine"),
    )
    screen = Screen(terminal=False)
    with watched(screen) as progress:
        progress.trial_started(7, trial.configuration)
        progress.trial_finished(trial)
        progress.note("\x1b[2Jnote")
    assert_inert(screen.text)
    assert "crashed: ␛[2J ## [error]mine" in screen.text


@pytest.mark.parametrize(
    ("phases", "lines"),
    [
        (
            [
                "prepare",
                "start",
                "verify",
                "load generator",
                "warm-up at 4 users",
                "measure at 4 users",
                "drain",
                "stop",
            ],
            ["prepare", "start", "verify", "warm-up at 4 users", "measure at 4 users"],
        ),
        (
            ["launch 1/2: start", "launch 1/2: stop", "launch 2/2: start", "launch 2/2: drain", "ceiling: start"],
            ["launch 1/2", "launch 2/2", "ceiling"],
        ),
        (["\x1b[31m##[error]: start"], ["␛[31m## [error]"]),
    ],
    ids=["one launch", "several", "inert"],
)
def test_aloud_a_log_gets_a_line_for_each_launch_or_long_phase(phases: list[str], lines: list[str]) -> None:
    log, mute = Screen(terminal=False), Screen(terminal=False)
    for progress in (aloud(log), LaunchProgress(mute)):
        with progress:
            for phase in phases:
                progress.watcher.on_phase(phase)
                progress.watcher.on_tick(1.0, None)
    assert log.text.splitlines() == lines
    assert mute.text == ""


def test_aloud_a_terminal_has_the_live_view_and_no_lines() -> None:
    screen = Screen(terminal=True)
    with aloud(screen) as progress:
        progress.phase("launch 1/2: start")
    assert "launch 1/2: start\n" in screen.text
    assert "launch 1/2\n" not in screen.text


@pytest.mark.parametrize("kind", [LaunchProgress, aloud, watched], ids=["launch", "aloud", "search"])
def test_quiet_shows_nothing(kind: Callable[[Output], LaunchProgress], capsys: pytest.CaptureFixture[str]) -> None:
    with kind(Output(quiet=True)) as progress:
        progress.phase("start")
        progress.tick(1.0, None)
        if isinstance(progress, SearchProgress):
            progress.trial_finished(replace(studies.small().trials[0], number=8))
            progress.note("a note")
    assert capsys.readouterr() == ("", "")
