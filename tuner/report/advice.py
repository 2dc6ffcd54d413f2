"""What each doubt means and what to do about it, and all doubts of a study in groups."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tuner.study.judgement import feasible
from tuner.study.study import Study
from tuner.study.trial import Doubt, DoubtKind, Measurement

_WHOLE = "the whole study"

ADVICE: dict[DoubtKind, tuple[str, str]] = {
    DoubtKind.NO_DEFAULT: (
        "The default configuration gave no measurement, so a loss of accuracy could not be judged, nor any gain.",
        "See why it failed in the table of trials; if it was only disturbed, continue with tuner resume.",
    ),
    DoubtKind.NOT_CONFIRMED: (
        "No finalist was measured again. The best of many trials looks better than it is, because luck helped to "
        "choose it.",
        "Finish the study with tuner resume, and do not rely on figures measured once.",
    ),
    DoubtKind.PROCESS_LOST: (
        "A process of the server ended under load while others went on, so the figures are those of a smaller server.",
        "Read the server's log at that time; memory is the usual reason, and fewer workers need less of it.",
    ),
    DoubtKind.WORSE_UNDER_LOAD: (
        "The server answered fewer requests right under load than before it, beyond chance: what users are given is "
        "worse than what was verified.",
        "Compare answers of one request at a time and of many at once; look for state that requests share, or for an "
        "answer that the server gives when it is short of time.",
    ),
    DoubtKind.BATCH_DEPENDENT: (
        "Fewer requests were answered right under load than before it, beyond chance, and every answer that changed "
        "was computed in a batch: what a request is answered depends on the requests beside it.",
        "A scale that is taken over the whole batch does this, as in dynamic quantization: try static quantization, or "
        "hold the batch size at 1.",
    ),
    DoubtKind.QUALITY_UNDECIDED: (
        "The interval of the change in the answers contains the limit, so the requests at hand cannot show whether it "
        "is met. A search goes by the value itself; a gate decides nothing where that is beyond the limit.",
        "Give more requests in [answers], as many as are named here, or a limit further away.",
    ),
    DoubtKind.MACHINE_CHANGED: (
        "Cores, frequency governor or sleep state of the machine are no longer what they were at the beginning, so the "
        "figures of this launch and the earlier ones come from two machines.",
        "Undo the change and measure again: keep the machine awake, hold the governor, leave the cores alone.",
    ),
    DoubtKind.LATE: (
        "The load process woke or sent its requests late, so the server saw a different load from the one requested, "
        "and part of the latency is the load's own.",
        "Lower the load, spread it with --load-processes 2, or give the load a core of its own on a larger machine.",
    ),
    DoubtKind.LOAD_PAUSE: (
        "The load process itself stood still for a while; every answer that came then looks as late as the pause was "
        "long.",
        "End other programs, and see whether the machine swaps or its virtual processor was taken away; then measure "
        "again.",
    ),
    DoubtKind.OTHER_PROGRAMS: (
        "Other programs ran on the cores of server and load, which can only make figures worse.",
        "End them, or run at a quieter time; backups, browsers and indexers are the usual ones.",
    ),
    DoubtKind.STOLEN: (
        "The hypervisor gave part of our time to other virtual machines, so pauses stand in the figures that no "
        "configuration caused.",
        "Measure again at another time; for figures to keep, take an instance whose processors are not shared.",
    ),
    DoubtKind.THROTTLED: (
        "A processor quota of the container stopped us for part of the time, which shows as pauses of tens of "
        "milliseconds.",
        "Raise or lift the quota (cpu.max of the cgroup, or the container's CPU limit), or search with fewer threads "
        "and workers than it allows.",
    ),
    DoubtKind.NOT_STEADY: (
        "Latencies still drifted when the measurement began or ended, so the figures depend on when one looks.",
        "Look for what fills up or warms: caches, memory, a queue under a load that cannot be sustained; then lower "
        "the load or measure for longer.",
    ),
    DoubtKind.STALL: (
        "No answer came for a long while. In closed loop nothing is asked then either, so it cannot see how long "
        "stalls hurt: its percentiles understate what users feel.",
        "Measure in open loop with --rate, where requests keep coming whatever the server does; and look into the "
        "server's log at that time: garbage collection, a page of memory that was swapped, a full queue.",
    ),
    DoubtKind.STARVED: (
        "A few requests waited many times p99 while others were served at once: the server does not serve in order.",
        "Look for the queue that is left behind: a worker with connections of its own, a batch that is never full, "
        "a lock that favours the newest.",
    ),
    DoubtKind.LITTLE: (
        "Throughput × mean latency is not the concurrency: for part of the time users were between two requests, or "
        "requests are missing from the figures.",
        "About 5 % at one level is the load generator's own time between requests and touches that level only; much "
        "more means a busy client core, or a server that starves some requests.",
    ),
    DoubtKind.ERRORS: (
        "Some requests failed; each counts as infinitely slow, so a percentile can become infinite.",
        "Read the server's log; any failure needs an explanation.",
    ),
    DoubtKind.OVERLOADED: (
        "In open loop this configuration could not carry the rate that the finalists are compared at.",
        "Its figures in closed loop stand; users who do not wait need more of these servers, or another finalist.",
    ),
    DoubtKind.UNFINISHED: (
        "Some requests had no answer when the measurement ended; each counts as infinitely slow.",
        "The server is overloaded or hangs: lower the load, or look for a request that never returns.",
    ),
    DoubtKind.SHARED_CORES: (
        "Load and server compete for the same cores, so latencies include waiting that a real client would not cause.",
        "Read the figures as a comparison between configurations; for absolute ones run on four cores or more, or "
        "drive the server from another machine.",
    ),
    DoubtKind.OUTSIDE: (
        "A large part of the latency that the client sees is not the server's: it passed in the network stack, in "
        "queues before the server's clock starts, or in the client.",
        "Compare configurations by it only with care; look for connections that wait to be accepted, large bodies, or "
        "a load process on a busy core.",
    ),
    DoubtKind.FEW_SAMPLES: (
        "A p99 rests on the slowest hundredth of the requests, and here that is only a handful.",
        "Trust the interval and not the single figure.",
    ),
    DoubtKind.FEWER_LAUNCHES: (
        "Fewer launches confirm a finalist than were planned, so its intervals are wider, and from a single launch "
        "there are none.",
        "Continue with tuner resume; where launches failed or were disturbed, their reasons stand below the trials.",
    ),
    DoubtKind.NO_NOISE_FLOOR: (
        "How much one and the same configuration varies on this machine was not measured, so nothing says how large "
        "a difference must be to be more than noise.",
        "Run tuner doctor once on this machine; searches begun after it show the smaller differences as ties.",
    ),
    DoubtKind.NOT_AVAILABLE: (
        "The server does not report something that tuner would check.",
        "This need not be a problem; to have the check, let the server send what is named here.",
    ),
}
"""What each kind means and what to do about it, the gravest kind first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One doubt and where it was raised; `trial` is None for a study as a whole, and in a gate."""

    where: str
    trial: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtGroup:
    """All doubts of one kind; `launches` is how many raised it, 0 when it concerns the whole."""

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
    if study.placement.shared:
        message = f"the server and the load generator shared {len(study.placement.server)} cores"
        yield Doubt(kind=DoubtKind.SHARED_CORES, message=message)
    if study.noise is None:
        message = "tuner doctor had not measured this machine's noise when the study began"
        yield Doubt(kind=DoubtKind.NO_NOISE_FLOOR, message=message)
    default = study.default_trial
    if default is not None and default.failure is not None:
        message = f"trial #{default.number}, the default, {default.failure.kind}: {default.failure.reason}"
        yield Doubt(kind=DoubtKind.NO_DEFAULT, message=message)
    yield from _confirmation(study)


def _confirmation(study: Study) -> Iterator[Doubt]:
    """Yield what is missing of the launches that should have confirmed the finalists."""
    rounds = study.settings.rounds
    launches = Counter({one.trial: 0 for one in study.confirmations})
    launches.update(one.trial for one in study.confirmations if isinstance(one.outcome, Measurement))
    if not any(launches.values()):
        if any(feasible(trial, study.settings.limits) for trial in study.trials):
            message = f"none of the {len(study.confirmations) or 'planned'} launches gave a measurement"
            yield Doubt(kind=DoubtKind.NOT_CONFIRMED, message=message)
        return
    fewer = [f"#{trial} was measured in {count}" for trial, count in launches.items() if count < rounds]
    if fewer:
        yield Doubt(kind=DoubtKind.FEWER_LAUNCHES, message=f"of {rounds} launches {', '.join(fewer)}")


def doubt_groups(study: Study, chosen: int | None) -> tuple[DoubtGroup, ...]:
    """Group the doubts of a study by kind: those that touch the chosen trial first, then the graver kind first."""
    return tuple(sorted(grouped(_remarks(study), _WHOLE), key=lambda group: not group.concerns(chosen)))


def grouped(remarks: Iterable[tuple[DoubtKind, Remark]], whole: str) -> tuple[DoubtGroup, ...]:
    """Group remarks by kind, the gravest kind first; those on the `whole` are raised by no launch."""
    by_kind: dict[DoubtKind, list[Remark]] = {kind: [] for kind in ADVICE}
    for kind, remark in remarks:
        by_kind[kind].append(remark)
    return tuple(
        DoubtGroup(
            kind=kind,
            meaning=meaning,
            advice=advice,
            launches=len({remark.where for remark in by_kind[kind]} - {whole}),
            remarks=tuple(by_kind[kind]),
        )
        for kind, (meaning, advice) in ADVICE.items()
        if by_kind[kind]
    )


def _remarks(study: Study) -> Iterator[tuple[DoubtKind, Remark]]:
    for doubt in study_doubts(study):
        yield doubt.kind, Remark(where=_WHOLE, trial=None, message=doubt.message)
    for trial in study.trials:
        for doubt in trial.measurement.doubts if trial.measurement else ():
            yield doubt.kind, Remark(where=f"trial #{trial.number}", trial=trial.number, message=doubt.message)
    for confirmation in study.confirmations:
        if isinstance(confirmation.outcome, Measurement):
            where = f"confirmation of #{confirmation.trial}, round {confirmation.round}"
            for doubt in confirmation.outcome.doubts:
                yield doubt.kind, Remark(where=where, trial=confirmation.trial, message=doubt.message)
