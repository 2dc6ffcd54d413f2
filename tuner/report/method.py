"""How a study was measured, in the words that the page, `summary.md` and the terminal share."""

import math
import statistics
from collections.abc import Iterator, Sequence
from itertools import groupby

from tuner.machine import Placement
from tuner.report.quality import basis_of
from tuner.report.text import ladder, moment, percent
from tuner.report.ties import least_difference
from tuner.study.judgement import criterion
from tuner.study.study import Noise, Study
from tuner.study.trial import Measurement
from tuner.study.workload import Load, Workload


def protocol(workload: Workload) -> str:
    """Say in one line what load a launch is under, and for how long."""
    return f"{load(workload)}; each level {warm_up(workload)}, then {measured(workload)}"


def load(workload: Workload) -> str:
    """Say what load a launch is under, and what makes it when that is more than one process here."""
    told = f"{workload.loop} at {ladder(workload.loads)}"
    if workload.processes > 1:
        told += f" from {workload.processes} load processes"
    return f"{told} on other machines" if workload.master is not None else told


def warm_up(workload: Workload) -> str:
    """Say until when a level is warmed up."""
    return f"warmed up until steady ({span(workload.warm_up, workload.warm_up_most)})"


def measured(workload: Workload) -> str:
    """Say until when a level is measured."""
    told = f"measured for {span(workload.measure, workload.measure_most)}"
    if workload.measure == workload.measure_most:
        return told
    return f"{told}, until the 95 % interval of p99 is within ±{workload.interval * 100:g} %"


def placed(placement: Placement) -> str:
    """Say which cores server and load ran on."""
    if placement.shared:
        return f"server and load shared {_count(placement.server)}"
    if not placement.load:
        return f"server on {_cores(placement.server)}"
    return f"server on {_cores(placement.server)}, load on {_cores(placement.load)}"


def objectives(study: Study) -> str:
    """Say what was optimised."""
    workload = study.settings.workload
    decides = criterion(workload.loop)
    way = "most" if decides.more else "least"
    told = [f"{way} {decides.name} at {workload.target}"]
    if decides.more or workload.light != workload.target:
        told.append(f"least p99 at {workload.light}")
    if study.settings.quality_objective:
        told.append(f"most {basis_of(study)}")
    return ", ".join(told)


def noise(study: Study) -> str | None:
    """Say what `tuner doctor` had found out about this machine's noise, and which differences are shown as ties."""
    if study.noise is None:
        return None
    return "".join(_noise(study, study.noise))


def tie_meaning(study: Study) -> str:
    """Say what a trial that ties with the best one has in common with it."""
    name = criterion(study.settings.workload.loop).name
    least = least_difference(study, name, 1)
    if least is None:
        return ""
    near = f"its {name} is within {percent(least)} of the best one's"
    return f"{near}, which one launch of each cannot resolve on this machine"


def _noise(study: Study, found: Noise) -> Iterator[str]:
    seen = f"tuner doctor, {moment(found.measured)}, {found.launches} launches of {found.target}"
    spread = f"throughput ±{_spread(found.throughput)}, p99 ±{_spread(found.p99[-1])}"
    yield f"this machine's noise ({seen}): {spread}"
    name, rounds = criterion(study.settings.workload.loop).name, study.settings.rounds
    once, often = least_difference(study, name, 1), least_difference(study, name, rounds)
    if once is not None and often is not None:
        yield (
            f"; differences in {name} below {percent(once)} between trials, and below {percent(often)} between "
            f"finalists of {rounds} launches, are shown as ties"
        )


def _spread(deviation: float) -> str:
    return percent(math.exp(deviation))


def sample_sizes(study: Study) -> str:
    """Say how many requests a level rests on, from launch to launch."""
    found: dict[Load, list[int]] = {}
    outcomes = [*(one.outcome for one in study.trials), *(one.outcome for one in study.confirmations)]
    for measured in (one for one in outcomes if isinstance(one, Measurement)):
        for level in (*measured.levels, *filter(None, [measured.arrivals])):
            found.setdefault(level.load, []).append(level.requests)
    return "; ".join(f"at {load} {_requests(counts)}" for load, counts in found.items())


def _requests(counts: Sequence[int]) -> str:
    least, most = min(counts), max(counts)
    told = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    launches = f"{len(counts)} launch{'' if len(counts) == 1 else 'es'}"
    return f"{told} requests per launch (median {statistics.median_low(counts):,} over {launches})"


def span(least: float, most: float) -> str:
    """Write a time that is between two, or exactly one, in seconds."""
    return f"{least:g} s" if least == most else f"{least:g} to {most:g} s"


def _count(cores: Sequence[int]) -> str:
    return f"{len(cores)} core{'' if len(cores) == 1 else 's'}"


def _cores(cores: Sequence[int]) -> str:
    """Write core numbers with each run of neighbours as its two ends."""
    runs = [[core for _, core in run] for _, run in groupby(enumerate(cores), key=lambda pair: pair[1] - pair[0])]
    listed = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"core{'' if len(cores) == 1 else 's'} {listed}"
