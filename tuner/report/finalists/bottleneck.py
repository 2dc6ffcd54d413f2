"""One plain sentence a finalist: what limits it, and which knob to try next."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.report.finalists.breakdown import TIMES, Breakdown
from tuner.report.finalists.launches import Runs
from tuner.report.text import show
from tuner.search.importance import Importance
from tuner.study.space import ChoiceKnob, Configuration, Knob, RangeKnob, Value
from tuner.study.study import Study
from tuner.study.trial import LevelSummary
from tuner.units import format_seconds, format_share

BUSY = 0.85
"""From this share of its cores on the server has hardly any left for bursts."""

_QUOTA_PERIOD = 0.1
_OFTEN = 0.1
_NEEDED = ("queue", "compute", "total")
_OVERLAP = 0.05
_NEAR_EDGE = 0.02
_GAP = 0.05
_SHOWN = 0.05
_FOREIGN = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """How many of its cores the server had busy, and how many of the same the load and other programs."""

    server: float
    load: float
    others: float
    all: int

    @property
    def full(self) -> bool:
        """Whether hardly any core time was left."""
        return self.server + self.load + self.others >= BUSY * self.all

    def __str__(self) -> str:
        rest = [(self.load, "the load"), (self.others, "other programs")]
        shared = "".join(f", {who} on {used:.1f}" for used, who in rest if used >= _SHOWN)
        return f"the server was busy on {self.server:.1f} of {self.all} core{'' if self.all == 1 else 's'}{shared}"


def sentence(
    study: Study, one: Runs, found: Breakdown | None, importance: Importance | None, model: Configuration | None
) -> str:
    """Say what limits a configuration at the target load, and what to try next; `model` is the winner's."""
    levels = [launch.measured.target for launch in one.launches]
    configuration = study.trial(one.trial).configuration
    return f"{_limit(cores(study, levels), found, _throttled(levels))} {_next(study, configuration, importance, model)}"


def cores(study: Study, levels: Sequence[LevelSummary]) -> Cores | None:
    """Add up the core time under some levels; None where the server's is not known."""
    busy = [one.cpu_per_request * one.throughput for one in levels if one.cpu_per_request is not None]
    if not busy:
        return None
    seen = [one.conditions for one in levels if one.conditions is not None]
    load = [one.load_cpu for one in seen if one.load_cpu is not None] if study.placement.shared else []
    others = [one.other_programs for one in seen if one.other_programs is not None]
    count = len(study.placement.server)
    return Cores(server=_mean(busy), load=_mean(load), others=_mean(others) * count, all=count)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _throttled(levels: Sequence[LevelSummary]) -> float:
    """Return in which share of its periods, of 100 ms each as Linux has it, a quota stopped the server."""
    known = [(one.conditions.throttled, one.seconds) for one in levels if one.conditions and one.conditions.throttled]
    return (
        min(sum(count for count, _ in known) * _QUOTA_PERIOD / sum(one.seconds for one in levels), 1.0)
        if known
        else 0.0
    )


def _limit(busy: Cores | None, found: Breakdown | None, throttled: float) -> str:
    if throttled >= _OFTEN:
        return (
            "A processor quota of the container limits it: "
            f"it was stopped while it had work in {format_share(throttled)} of the periods."
        )
    used = f"{busy}" if busy else "how busy its cores were is not known"
    spent = _spent(found)
    if busy is not None and busy.full:
        whose = ", which it had to share with other programs" if busy.others >= _FOREIGN * busy.all else ""
        return f"The processor limits it{whose}: {used}{spent}."
    if found is None:
        return f"What limits it is not known: there are no requests to see where their time went, and {used}."
    if hidden := _hidden(found):
        return f"What limits it cannot be determined: {hidden}, and {used}."
    return f"{_slowest(found)}: {used}{spent}."


def _hidden(found: Breakdown) -> str:
    """Say what keeps the parts of a request from naming a cause; nothing where they do."""
    missing = [TIMES[name] for name in _NEEDED if name in found.untold]
    if missing:
        return f"the server does not report {_listed(missing)}"
    return "the times that the server reports overlap" if found.overlap > _OVERLAP * found.mean else ""


def _spent(found: Breakdown | None) -> str:
    """Name the largest part of a request that is known."""
    parts = [part for part in found.parts if part.name not in ("unknown", "server")] if found else []
    if found is None or not parts:
        return ""
    most = max(parts, key=lambda part: part.seconds)
    words = {
        "late": "waiting to be sent",
        "client": "outside the server, in client and network",
        "queue": "waiting in the queue",
        "batch": "waiting for a fuller batch",
        "compute": "computing",
        "rest": "reading, writing and the rest of the server",
    }
    share = format_share(most.share)
    return f", and {share} of the mean {format_seconds(found.mean)} of a request is {words[most.name]}"


def _slowest(found: Breakdown) -> str:
    """Name what limits a server that has cores to spare."""
    shares = {name: found.share(name) for name in ("queue", "batch", "compute", "rest", "client")}
    rest = "Reading and writing requests limits it, not the model"
    if "batch" in found.untold:
        rest = (
            "Neither queue nor computation limits it; the rest of the server does, which may include waiting for "
            "batches"
        )
    return {
        "queue": "Its own concurrency limits it, because requests queue while cores are free",
        "batch": "Waiting for fuller batches limits it",
        "compute": "The computation of a single batch limits it, not the number of cores",
        "rest": rest,
        "client": "The server does not limit it: the time passes in the client and the network",
    }[max(shares, key=lambda name: shares[name])]


def _next(
    study: Study, configuration: Configuration, importance: Importance | None, model: Configuration | None
) -> str:
    """Name the knob that matters most of those with something left: the winner's value, or one that was not tried."""
    if importance is None:
        return "Which knob to try next is not known: too few trials differ."
    names = [name for name in importance.shares if study.space.matters(name, configuration)]
    theirs = {name: model[name] for name in names if model and model.get(name) != configuration[name]}
    advice = next(((name, f"the winner has {show(value)}") for name, value in theirs.items()), None)
    untried = ((name, _untried(study, study.space.knob(name), configuration)) for name in names)
    advice = advice or next((found for found in untried if found[1]), None)
    if advice is None:
        return "Every knob's neighbouring values were tried."
    name, words = advice
    weight = f"{format_share(importance.shares[name])} of the importance for {importance.objective}"
    doubt = f", with low confidence from {importance.trials} trials" if importance.low_confidence else ""
    return f"Try {name} next, which has {weight}{doubt}: {words}."


def _untried(study: Study, knob: Knob, configuration: Configuration) -> str:
    """Say what of a knob was not tried near a configuration's value; nothing when all of it was."""
    value = configuration[knob.name]
    # Where a knob does not matter it stands at its default, which was not tried then.
    matters = [one.configuration for one in study.trials if study.space.matters(knob.name, one.configuration)]
    tried = {one[knob.name] for one in matters}
    if isinstance(knob, ChoiceKnob):
        missing = [choice for choice in knob.choices if choice not in tried]
        return f"{_listed(missing)} {'was' if len(missing) == 1 else 'were'} not tried" if missing else ""
    return _range(knob, float(value), sorted(float(one) for one in tried))


def _listed(values: Sequence[Value]) -> str:
    return " and ".join([", ".join(map(show, values[:-1])), show(values[-1])] if len(values) > 1 else map(show, values))


def _range(knob: RangeKnob, value: float, tried: Sequence[float]) -> str:
    at, width = f"it stands at {_shown(knob, value)}", _apart(knob, knob.low, knob.high)
    for end, word in ((knob.high, "highest"), (knob.low, "lowest")):
        if end != knob.default and _apart(knob, value, end) <= _NEAR_EDGE * width:
            near = "" if value == end else "near "
            return f"{at}, {near}the {word} value of its range, so a wider range may hold a better one"
    lower = max((one for one in tried if one < value), default=knob.low)
    upper = min((one for one in tried if one > value), default=knob.high)
    if all(
        _apart(knob, value, one) <= _GAP * width or (knob.integer and abs(value - one) <= 1) for one in (lower, upper)
    ):
        return ""
    return f"{at}, and no other value between {_shown(knob, lower)} and {_shown(knob, upper)} was tried"


def _apart(knob: RangeKnob, one: float, other: float) -> float:
    """Return how far two values lie apart on the scale of their knob."""
    return abs(math.log(one / other) if knob.log else one - other)


def _shown(knob: RangeKnob, value: float) -> str:
    return show(int(value) if knob.integer else value)
