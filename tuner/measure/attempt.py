"""One launch by the protocol of a search, and once more when it was the measurement that failed."""

import shutil
from dataclasses import replace
from pathlib import Path

from tuner.measure.measurement import measure
from tuner.measure.protocol import ONCE, Protocol, Repetition
from tuner.study.space import Configuration
from tuner.study.trial import Failure, Outcome


def attempt(
    protocol: Protocol, configuration: Configuration, folder: Path, title: str, repetition: Repetition = ONCE
) -> Outcome:
    """Measure one launch as a search does; `title` is shown before its phases."""
    told = replace(protocol, watcher=protocol.watcher.titled(title))
    outcome = measure(told, configuration, folder, repetition)
    if isinstance(outcome, Failure) and outcome.kind.ours:
        shutil.rmtree(folder)
        outcome = measure(told, configuration, folder, repetition)
    return outcome
