"""What is shown while something runs: a line for each trial everywhere, a live view in a terminal only."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from tests.report import studies
from tuner.report.progress import LaunchProgress, SearchProgress
from tuner.study.objectives import Slo
from tuner.study.trial import Failure, FailureKind, Trial
from tuner.terminal import Output


class Screen(Output):
    """An output whose progress is kept: that of a terminal, or of a file."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._kept = StringIO()
        self._terminal = terminal

    def progress(self) -> Console:
        return Console(file=self._kept, force_terminal=self._terminal, width=160, highlight=False, color_system=None)

    @property
    def text(self) -> str:
        return self._kept.getvalue()


def watched(screen: Output) -> SearchProgress:
    """A search that has seen all trials of a study but the last."""
    study = studies.small(slo=Slo(metric="p99", limit=0.05))
    return SearchProgress(study.settings, study.default, study.trials[:-1], screen)


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
    assert [line.partition(" ")[0] for line in lines] == [f"#{trials[-1].number}", "note:", "confirmation"]
    assert "\x1b" not in screen.text


def test_a_terminal_shows_the_trial_the_best_the_time_and_the_front() -> None:
    screen, trials = Screen(terminal=True), studies.small().trials
    with watched(screen) as progress:
        progress.trial_finished(trials[-1])
        progress.trial_started(99, trials[0].configuration)
        progress.phase("measure at 32 users")
        progress.tick(412.0, 0.0184)
    for text in (
        f"trial {len(trials) + 1}/{studies.small().settings.budget}  #99 (default)  measure at 32 users",
        "p99 18.4 ms  412 req/s",
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
    assert "\x1b" not in screen.text
    assert "crashed: ␛[2J ## [error]mine" in screen.text


@pytest.mark.parametrize("kind", [LaunchProgress, watched], ids=["launch", "search"])
def test_quiet_shows_nothing(kind: type[LaunchProgress], capsys: pytest.CaptureFixture[str]) -> None:
    with kind(Output(quiet=True)) as progress:
        progress.phase("start")
        progress.tick(1.0, None)
        if isinstance(progress, SearchProgress):
            progress.trial_finished(replace(studies.small().trials[0], number=8))
            progress.note("a note")
    assert capsys.readouterr() == ("", "")
