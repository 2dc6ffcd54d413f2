"""The two sections that look closer: the finalists under load, and the search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.report.figure import Drawing, Key, styles
from tuner.report.finalists.bottleneck import sentence
from tuner.report.finalists.breakdown import Breakdown, breakdown
from tuner.report.finalists.curves import curves
from tuner.report.finalists.launches import Runs, runs
from tuner.report.finalists.tail import tail
from tuner.report.finalists.timeline import timeline
from tuner.report.rows import Row
from tuner.report.searched.gain import gain
from tuner.report.searched.parallel import parallel
from tuner.report.searched.slices import slices
from tuner.report.verdict import Verdict
from tuner.search.importance import Importance, importances
from tuner.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where the time of one configuration goes at the target load, and what to try next."""

    runs: Runs
    breakdown: Breakdown | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalists:
    """The section on the finalists; of `missing` launches there were no samples, of `damaged` ones none readable."""

    where: tuple[Where, ...]
    drawings: tuple[Drawing, ...]
    tails: tuple[Drawing, ...]
    times: tuple[Drawing, ...]
    missing: int
    damaged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """The section on the search."""

    gain: Drawing | None
    importances: tuple[Importance, ...]
    drawings: tuple[Drawing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Both sections."""

    finalists: Finalists
    searched: Searched

    @property
    def drawings(self) -> Iterator[Drawing]:
        """Every chart of both."""
        shown, searched = self.finalists, self.searched
        yield from (*shown.drawings, *shown.tails, *shown.times, *searched.drawings)
        if searched.gain is not None:
            yield searched.gain


def detail(study: Study, found: Verdict, table: Sequence[Row], folder: Path | None) -> Detail:
    """Look closer at a study; `folder` is where its samples lie."""
    matters = importances(study)
    drawings = (slices(study, table), parallel(study, table))
    return Detail(
        finalists=_finalists(study, runs(study, found, folder), matters),
        searched=Searched(
            gain=gain(study), importances=matters, drawings=tuple(one for one in drawings if one is not None)
        ),
    )


def _finalists(study: Study, found: Sequence[Runs], matters: Sequence[Importance]) -> Finalists:
    look = styles({one.trial: one.role for one in found})
    keys = tuple(
        Key(
            group=str(one.trial),
            label=one.title,
            colour=look[one.trial][0],
            symbol=look[one.trial][1],
            dash=look[one.trial][2],
            line=True,
        )
        for one in found
    )
    loads, last = study.settings.workload.loads, len(study.settings.workload.loads) - 1
    curve = curves(found, look, keys)
    tails = (tail(found, level, loads[level], look, keys) for level in dict.fromkeys((last, 0)))
    times = (timeline(one, look[one.trial]) for one in found)
    return Finalists(
        where=tuple(_where(study, found, one, matters) for one in found),
        drawings=(curve,) if curve else (),
        tails=tuple(one for one in tails if one is not None),
        times=tuple(one for one in times if one is not None),
        missing=sum(launch.samples is None and not launch.damaged for one in found for launch in one.launches),
        damaged=sum(launch.damaged for one in found for launch in one.launches),
    )


def _where(study: Study, found: Sequence[Runs], one: Runs, matters: Sequence[Importance]) -> Where:
    winner = next((other.trial for other in found if other.role == "winner"), None)
    model = study.trial(winner).configuration if winner is not None else None
    spent = breakdown(one, len(study.settings.workload.loads) - 1)
    return Where(runs=one, breakdown=spent, sentence=sentence(study, one, spent, next(iter(matters), None), model))
