"""The loop: propose a configuration, measure it, store it; then confirm the best."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tuner.errors import TargetStartError
from tuner.search.confirm import finalists, schedule
from tuner.search.sampler import propose
from tuner.search.storage import Store
from tuner.study.space import Configuration, identity
from tuner.study.trial import Confirmation, Failure, FailureKind, Outcome, Trial

Measure = Callable[[Configuration, Path], Outcome]
"""Launch a configuration once and leave its raw material in the folder."""

_NEVER_UP = (FailureKind.PREPARE, FailureKind.START, FailureKind.NOT_READY)


class Progress(Protocol):
    """Who watches a search."""

    def trial_started(self, number: int, configuration: Configuration) -> None:
        """Report that a trial begins."""

    def trial_finished(self, trial: Trial) -> None:
        """Report that a trial ended, measured or failed."""

    def confirmation_started(self, done: int, total: int, trial: int) -> None:
        """Report that a finalist is launched again."""

    def note(self, message: str) -> None:
        """Report something a person should know."""


def search(store: Store, starts: Sequence[Configuration], measure: Measure, progress: Progress) -> None:
    """Spend what is left of the budget, then confirm; everything is stored as soon as it is known."""
    with _timed(store):
        store.settle()
        _spend(store, starts, measure, progress)
        _confirm(store, measure, progress)


@contextmanager
def _timed(store: Store) -> Iterator[None]:
    """Count the time of this session, however it ends."""
    started = time.monotonic()
    try:
        yield
    finally:
        store.add_seconds(time.monotonic() - started)


def _spend(store: Store, starts: Sequence[Configuration], measure: Measure, progress: Progress) -> None:
    settings, space = store.header.settings, store.header.space
    while len(trials := store.trials) < settings.budget:
        proposal = propose(space, trials, settings.limits, starts=starts, seed=settings.seed)
        if proposal is None:
            progress.note(f"every configuration of the space was measured after {len(trials)} trials")
            return
        trial = _run(store, proposal, measure, progress)
        if trial.failure is not None and identity(proposal) == identity(space.default()):
            _require_start(trial.failure)


def _run(store: Store, proposal: Configuration, measure: Measure, progress: Progress) -> Trial:
    number, configuration = store.begin(proposal)
    progress.trial_started(number, configuration)
    outcome = _measure_twice_if_invalid(configuration, store.trial_folder(number), measure, progress)
    trial = store.finish(number, configuration, outcome)
    progress.trial_finished(trial)
    return trial


def _measure_twice_if_invalid(
    configuration: Configuration, folder: Path, measure: Measure, progress: Progress
) -> Outcome:
    """Measure again, once, when it was the measurement that failed and not the configuration."""
    outcome = measure(configuration, folder)
    if isinstance(outcome, Failure) and outcome.kind.ours:
        progress.note(f"measured again: {outcome.reason}")
        outcome = measure(configuration, folder / "again")
    return outcome


def _require_start(failure: Failure) -> None:
    """Stop at once when not even the default configuration starts: nothing can be learnt."""
    if failure.kind in _NEVER_UP:
        tail = "".join(f"\n  {line}" for line in failure.log_tail)
        raise TargetStartError(f"the target does not start in its default configuration: {failure.reason}{tail}")


def _confirm(store: Store, measure: Measure, progress: Progress) -> None:
    settings = store.header.settings
    study = store.study()
    chosen = finalists(study)
    if len(chosen) < 2:
        return
    plan = list(schedule(chosen, settings.rounds, settings.seed))
    done = {(confirmation.round, confirmation.trial) for confirmation in study.confirmations}
    for index, (number, trial) in enumerate(plan):
        if (number, trial) in done:
            continue
        progress.confirmation_started(index, len(plan), trial)
        folder = store.folder / "confirmation" / f"{number:02d}-{trial:04d}"
        outcome = _measure_twice_if_invalid(study.trial(trial).configuration, folder, measure, progress)
        store.confirm(Confirmation(trial=trial, round=number, outcome=outcome))
