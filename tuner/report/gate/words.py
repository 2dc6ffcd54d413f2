"""What a gate found in words, the same ones in the terminal, in Markdown, in JUnit and on the page."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

from tuner.gate.effect import Effect, Figure, Limit, Ruling
from tuner.gate.result import Gate
from tuner.statistics.sequential import FIRST_LOOK
from tuner.study.space import differences
from tuner.units import format_duration, format_rate, format_ratio, format_ratios, format_seconds, format_share

MARKS = {Ruling.NO_REGRESSION: "✓", Ruling.REGRESSION: "✗", Ruling.INCONCLUSIVE: "?"}

WRITE: dict[Figure, Callable[[float | None], str]] = {Figure.P99: format_seconds, Figure.THROUGHPUT: format_rate}
"""How each figure is written, with its unit."""

_SLACK = 1.2
"""What is needed is an estimate itself."""


def allowed(limit: Limit) -> str:
    """Say what a limit allows, such as `p99 at most +5.0 %`."""
    way = "at most" if limit.figure.more_is_worse else "at least"
    return f"{limit.figure} {way} {format_ratio(limit.ratio)}"


def change(effect: Effect) -> str:
    """Write the change of a figure with its interval."""
    ratio = effect.ratio
    if ratio is None or ratio.low is None or ratio.high is None:
        return "not known"
    return format_ratios(ratio.value, ratio.low, ratio.high)


def sentence(gate: Gate) -> str:
    """Say the verdict, and what it rests on."""
    if gate.failure is not None:
        return f"Regression: the baseline can be measured, and the new one cannot: {gate.failure.kind}."
    parts = [_told(effect, gate) for effect in gate.effects]
    if gate.less_accurate:
        parts.append(accuracy(gate))
    after = f"{pairs(gate)} in {format_duration(gate.seconds)}"
    return " ".join(filter(None, (f"{gate.ruling.capitalize()}: {'; '.join([*parts, after])}.", more(gate))))


def _told(effect: Effect, gate: Gate) -> str:
    limit = effect.limit
    return f"{limit.figure} at {gate.settings.workload.target} {change(effect)} (allowed: {allowed_alone(limit)})"


def allowed_alone(limit: Limit) -> str:
    """Say what a limit allows, without its name."""
    return allowed(limit).removeprefix(f"{limit.figure} ")


def accuracy(gate: Gate) -> str:
    """Say how many requests each side answers right; empty where nothing is labelled."""
    if gate.accuracy is None:
        return ""
    before, now = gate.accuracy
    most = f"at most {gate.settings.max_accuracy_drop * 100:g} pt less is allowed"
    return f"accuracy {format_share(now)} against {format_share(before)} ({most})"


def short(gate: Gate) -> str:
    """Say the verdict and what it is about, for the last line of a log."""
    about = [effect.limit.figure.value for effect in gate.effects if effect.ruling is gate.ruling]
    about += ["accuracy"] if gate.less_accurate else []
    about += [f"the new one: {gate.failure.kind}"] if gate.failure is not None else []
    return f"{gate.ruling}: {', '.join(about) or 'too few launches'}"


def pairs(gate: Gate) -> str:
    """Say how many launches there were."""
    count = len(gate.rounds)
    told = f"{count} launch{'' if count == 1 else 'es'} of each"
    return f"{told}, {gate.invalid} of them disturbed" if gate.invalid else told


def more(gate: Gate) -> str:
    """Say of an inconclusive gate how many more launches would decide it."""
    if gate.ruling is not Ruling.INCONCLUSIVE:
        return ""
    if gate.needed is not None:
        each = gate.seconds / max(len(gate.rounds), 1)
        minutes = math.ceil((gate.seconds + each * gate.needed) * _SLACK / 60.0)
        return f"About {gate.needed} more launches of each would decide it: give it --at-most {minutes}min."
    told = len(gate.rounds) - gate.invalid
    for effect in gate.effects:
        if effect.ratio is None and effect.pairs < FIRST_LOOK <= told:
            name = effect.limit.figure
            return (
                f"{name} was known in only {effect.pairs} of {told} pairs: measure for longer, with --measure-at-most."
            )
    if any(effect.ratio is None for effect in gate.effects):
        return "Too few launches could be compared to say how many more it takes: give it a longer --at-most."
    return "What was seen lies too near the limit: no number of launches that anybody has would decide it."


def target(gate: Gate) -> str:
    """Return the name of what was launched: the same on every machine, wherever its folder lies."""
    return Path(gate.settings.new.target).name


def sides(gate: Gate) -> Iterator[tuple[str, str]]:
    """Yield each side with what it runs."""
    settings = gate.settings
    for name, side in (("baseline", settings.baseline), ("new", settings.new)):
        options = " ".join(f"--{key} {value}" for key, value in side.options.items() if value)
        other = settings.new if side is settings.baseline else settings.baseline
        knobs = " ".join(
            f"{key}={value}" for key, value in differences(side.configuration, other.configuration).items()
        )
        yield name, " ".join(filter(None, (side.source if name == "baseline" else side.target, options, knobs)))
