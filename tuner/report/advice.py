"""What each doubt means and what to do about it, and all doubts of a study in groups."""

from collections.abc import Iterator
from dataclasses import dataclass

from tuner.study.study import Study
from tuner.study.trial import Doubt, DoubtKind, Measurement

_ENOUGH_CORES = 4

ADVICE: dict[DoubtKind, tuple[str, str]] = {
    DoubtKind.NO_DEFAULT: (
        "The default configuration gave no measurement, so a loss of accuracy could not be judged, nor any gain.",
        "See why it failed in the table of trials; when it was disturbed, go on with tuner resume.",
    ),
    DoubtKind.SHARED_CORES: (
        "Load and server compete for the same cores, so latencies hold waiting that a real client would not cause.",
        "Read the figures as a comparison between configurations; for absolute ones run on four cores or more, or "
        "drive the server from another machine.",
    ),
    DoubtKind.STALL: (
        "No answer came for a long while; a closed loop stops asking then, so percentiles understate what users feel.",
        "Look into the server's log at that time: garbage collection, a page of memory that was swapped, a full queue.",
    ),
    DoubtKind.LITTLE: (
        "Throughput × mean latency is not the concurrency: for part of the time users were between two requests, or "
        "requests are missing from the figures.",
        "About 5 % at one level is the load generator's own time between requests and touches that level only; much "
        "more means a busy client core, or a server that starves some requests.",
    ),
    DoubtKind.ERRORS: (
        "Some requests failed; each counts as infinitely slow, so a percentile can become infinite.",
        "Read the server's log; no failure is the only share that needs no explanation.",
    ),
    DoubtKind.UNFINISHED: (
        "Some requests had no answer when the measurement ended; each counts as infinitely slow.",
        "The server is overloaded or hangs: lower the concurrency, or look for a request that never returns.",
    ),
    DoubtKind.FEW_SAMPLES: (
        "A p99 rests on the slowest hundredth of the requests, and here that is only a handful.",
        "Trust the interval and not the single figure.",
    ),
    DoubtKind.NOT_AVAILABLE: (
        "The server does not tell something that would have been checked.",
        "Nothing has to be wrong; to have the check, let the server send what is named here.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One doubt and where it was raised; `trial` is None for the study as a whole."""

    where: str
    trial: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtGroup:
    """All doubts of one kind; `launches` is how many raised it, 0 when it concerns the study as a whole."""

    kind: DoubtKind
    meaning: str
    advice: str
    launches: int
    remarks: tuple[Remark, ...]

    def concerns(self, trial: int | None) -> bool:
        """Whether the doubt touches the figures of a trial's configuration."""
        return trial is not None and any(remark.trial in (None, trial) for remark in self.remarks)


def study_doubts(study: Study) -> Iterator[Doubt]:
    """Yield the doubts that concern all figures of a study."""
    if study.machine.cores < _ENOUGH_CORES:
        message = f"the server and the load generator shared {study.machine.cores} cores"
        yield Doubt(kind=DoubtKind.SHARED_CORES, message=message)
    default = study.default_trial
    if default is not None and default.failure is not None:
        message = f"trial #{default.number}, the default, {default.failure.kind}: {default.failure.reason}"
        yield Doubt(kind=DoubtKind.NO_DEFAULT, message=message)


def doubt_groups(study: Study) -> tuple[DoubtGroup, ...]:
    """Group every doubt of a study by its kind, the gravest kind first."""
    remarks: dict[DoubtKind, list[Remark]] = {kind: [] for kind in ADVICE}
    for kind, remark in _remarks(study):
        remarks[kind].append(remark)
    return tuple(
        DoubtGroup(
            kind=kind,
            meaning=meaning,
            advice=advice,
            launches=len({remark.where for remark in remarks[kind] if remark.trial is not None}),
            remarks=tuple(remarks[kind]),
        )
        for kind, (meaning, advice) in ADVICE.items()
        if remarks[kind]
    )


def _remarks(study: Study) -> Iterator[tuple[DoubtKind, Remark]]:
    for doubt in study_doubts(study):
        yield doubt.kind, Remark(where="the whole study", trial=None, message=doubt.message)
    for trial in study.trials:
        for doubt in trial.measurement.doubts if trial.measurement else ():
            yield doubt.kind, Remark(where=f"trial #{trial.number}", trial=trial.number, message=doubt.message)
    for confirmation in study.confirmations:
        if isinstance(confirmation.outcome, Measurement):
            where = f"confirmation of #{confirmation.trial}, round {confirmation.round}"
            for doubt in confirmation.outcome.doubts:
                yield doubt.kind, Remark(where=where, trial=confirmation.trial, message=doubt.message)
