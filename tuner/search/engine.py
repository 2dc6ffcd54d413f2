"""The loop: propose a configuration, measure it, store it; then confirm the best."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tuner.measure.failed import as_error
from tuner.measure.protocol import Repetition
from tuner.search.confirm import common_arrivals, finalists, first_round, schedule
from tuner.search.sampler import propose
from tuner.search.storage import Store
from tuner.study.space import Configuration, identity
from tuner.study.trial import Confirmation, Failure, Outcome, Trial
from tuner.units import count

Measure = Callable[[Configuration, Path, Repetition], Outcome]
"""Measure a configuration once and leave its raw material in the folder."""


class Progress(Protocol):
    """Who watches a search."""

    def trial_started(self, number: int, configuration: Configuration) -> None:
        """Report that a trial begins."""

    def trial_finished(self, trial: Trial) -> None:
        """Report that a trial ended, measured or failed."""

    def confirmation_started(self, done: int, total: int, trial: int) -> None:
        """Report that a finalist is launched again."""

    def confirmation_finished(self) -> None:
        """Report that the launch of the finalist ended."""

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
        proposal = propose(
            space,
            trials,
            settings.limits,
            starts=starts,
            seed=settings.seed,
            with_quality=settings.quality_objective,
        )
        if proposal is None:
            progress.note(f"every configuration of the space was measured after {count(len(trials), 'trial')}")
            return
        trial = _run(store, proposal, measure, progress)
        # Nothing can be learnt where the configuration as it comes does not start, gives no answers to compare with, or
        # cannot be measured.
        failure, is_default = trial.failure, identity(trial.configuration) == identity(space.default())
        if failure is not None and is_default and (failure.kind.unanswered or failure.kind.ours):
            raise as_error(failure, "in its default configuration: ")


def _run(store: Store, proposal: Configuration, measure: Measure, progress: Progress) -> Trial:
    number, configuration = store.begin(proposal)
    progress.trial_started(number, configuration)
    repetition = Repetition(trial=number)
    outcome = _measure_twice_if_invalid(configuration, store.trial_folder(number), repetition, measure, progress)
    trial = store.finish(number, configuration, outcome)
    progress.trial_finished(trial)
    return trial


def _is_invalid(outcome: Outcome) -> bool:
    return isinstance(outcome, Failure) and outcome.kind.ours


def _measure_twice_if_invalid(
    configuration: Configuration, folder: Path, repetition: Repetition, measure: Measure, progress: Progress
) -> Outcome:
    """Measure again, once, when it was the measurement that failed and not the configuration."""
    outcome = measure(configuration, folder, repetition)
    if isinstance(outcome, Failure) and _is_invalid(outcome):
        progress.note(f"measured again: {outcome.reason}")
        # Out of the way: a trial's folder holds the measurement that counts.
        aside = folder.with_name(f"{folder.name}-invalid")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        outcome = measure(configuration, folder, repetition)
    return outcome


def _confirm(store: Store, measure: Measure, progress: Progress) -> None:
    settings = store.header.settings
    study = store.study()
    chosen = finalists(study)
    arrivals = common_arrivals(study, chosen)
    first = first_round(chosen, study.confirmations)
    plan = list(schedule(chosen, first, settings.rounds, settings.seed))
    done = {(one.round, one.trial) for one in study.confirmations if not _is_invalid(one.outcome)}
    for index, (number, trial) in enumerate(plan):
        if (number, trial) in done:
            continue
        progress.confirmation_started(index, len(plan), trial)
        folder = store.confirmation_folder(number, trial)
        repetition = Repetition(round=number + 1, arrivals=arrivals, confirming=True)
        outcome = _measure_twice_if_invalid(study.trial(trial).configuration, folder, repetition, measure, progress)
        store.confirm(Confirmation(trial=trial, round=number, outcome=outcome))
        progress.confirmation_finished()
