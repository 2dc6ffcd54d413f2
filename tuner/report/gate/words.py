"""What a gate found in words, the same ones in the terminal, in Markdown, in JUnit and on the page."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

from tuner.gate import answers
from tuner.gate.effect import Effect, Figure, Limit, Ruling
from tuner.gate.result import WHOLE, Gate, figures
from tuner.report import quality
from tuner.report.advice import DoubtGroup, Remark, grouped
from tuner.settings.flags import flag_of
from tuner.statistics.compare import ratio
from tuner.study.quality import Basis
from tuner.study.space import differences
from tuner.units import (
    format_drop,
    format_duration,
    format_rate,
    format_ratio,
    format_ratios,
    format_seconds,
    format_share,
)

MARKS = {Ruling.NO_REGRESSION: "✓", Ruling.REGRESSION: "✗", Ruling.INCONCLUSIVE: "?"}

WRITE: dict[Figure, Callable[[float | None], str]] = {Figure.P99: format_seconds, Figure.THROUGHPUT: format_rate}
"""How each figure is written, with its unit."""

_SLACK = 1.2
"""What is needed is an estimate itself."""

_MOST_OF_A_REASON = 500
"""A server may give a reason of any length, and a sentence is to be read."""


def allowed(limit: Limit) -> str:
    """Say what a limit allows, such as `p99 at most +5.0 %`."""
    way = "at most" if limit.figure.more_is_worse else "at least"
    return f"{limit.figure} {way} {format_ratio(limit.ratio)}"


def change(effect: Effect) -> str:
    """Write the change of a figure with its interval."""
    found = effect.ratio
    if found is None or found.low is None or found.high is None:
        return "not known"
    return format_ratios(found.value, found.low, found.high)


def later(gate: Gate, effect: Effect) -> str:
    """Say what all pairs say of a figure that fewer of them had decided; empty where no pair came later."""
    before, now = figures(gate.rounds, effect.limit.figure.read)
    if effect.ruling is Ruling.INCONCLUSIVE or len(before) <= effect.pairs:
        return ""
    return f"decided by {effect.pairs} pairs; {format_ratio(ratio(now, before).value)} over all {len(before)}"


def row(gate: Gate, effect: Effect) -> tuple[str, ...]:
    """Write a limit as the cells of a table: figure, baseline, new, change, what is allowed, verdict."""
    write = WRITE[effect.limit.figure]
    before, now = (write(found.value if found else None) for found in (effect.baseline, effect.new))
    told = "; ".join(filter(None, (change(effect), later(gate, effect))))
    return effect.limit.figure.value, before, now, told, allowed_alone(effect.limit), marked(effect.ruling)


def answers_row(gate: Gate) -> tuple[str, ...] | None:
    """Write the answers as such cells; None where they were not compared."""
    found, ruling = gate.quality, gate.answers_ruling
    if found is None or ruling is None:
        return None
    before, now = format_share(answers.baseline_share(found)), format_share(found.share)
    return found.basis.value, before, now, quality.change(found), _drop_allowed(gate), marked(ruling)


def failed_row(gate: Gate) -> tuple[str, ...] | None:
    """Write how often each side failed alone as such cells; None where neither did, or the new one always fails."""
    found = gate.reliability
    if not found.new + found.baseline or gate.failure is not None:
        return None
    before, now = (f"{count} of {found.rounds} rounds" for count in (found.baseline, found.new))
    return "failed alone", before, now, f"p = {found.p:.2g}", "not more often", marked(found.ruling)


def rows(gate: Gate) -> list[tuple[str, ...]]:
    """Write everything that is judged as the rows of a table."""
    found = (*(row(gate, effect) for effect in gate.effects), answers_row(gate), failed_row(gate))
    return [one for one in found if one is not None]


def marked(ruling: Ruling) -> str:
    """Write a verdict with its mark."""
    return f"{MARKS[ruling]} {ruling}"


def sentence(gate: Gate) -> str:
    """Say the verdict, and what it rests on."""
    if gate.failure is not None and gate.error is None:
        return f"Regression: the baseline can be measured, and the new one cannot, twice in a row: {gate.failure.kind}."
    parts = [_told(effect, gate) for effect in gate.effects]
    if gate.answers_ruling not in (None, Ruling.NO_REGRESSION):
        parts.append(compared_answers(gate))
    parts += filter(None, [failed_alone(gate)])
    parts.append(f"{pairs(gate)} in {format_duration(gate.seconds)}")
    told = f"{gate.ruling.capitalize()}: {'; '.join(parts)}."
    return " ".join(filter(None, (told, ending(gate))))


def ending(gate: Gate) -> str:
    """Say why it ended before it was decided, or else how many more launches would decide it; empty where it is."""
    if gate.error is None:
        return more(gate)
    first, _, _ = gate.error.partition("\n")
    first = first if len(first) <= _MOST_OF_A_REASON else f"{first[:_MOST_OF_A_REASON]} …"
    return f"It ended early: {first.rstrip('.')}."


def _told(effect: Effect, gate: Gate) -> str:
    limit = effect.limit
    return f"{limit.figure} at {gate.settings.workload.target} {change(effect)} (allowed: {allowed_alone(limit)})"


def allowed_alone(limit: Limit) -> str:
    """Say what a limit allows, without its name."""
    return allowed(limit).removeprefix(f"{limit.figure} ")


def compared_answers(gate: Gate) -> str:
    """Say how the new side's answers compare with the baseline's; empty where they were not compared."""
    found = gate.quality
    if found is None:
        return ""
    against = f" against {format_share(answers.baseline_share(found))}" if found.basis is Basis.ACCURACY else ""
    return (
        f"{found.basis} {format_share(found.share)}{against} ({quality.change(found)}, by {found.total:,} requests; "
        f"allowed: {_drop_allowed(gate)})"
    )


def failed_alone(gate: Gate) -> str:
    """Say in how many rounds only one side had a launch that failed; empty as `failed_row` is."""
    found = gate.reliability
    if failed_row(gate) is None:
        return ""
    alone = f"only the new one failed in {found.new} of {found.rounds} rounds, only the baseline in {found.baseline}"
    return f"{alone} (sign test: p = {found.p:.2g})"


def _drop_allowed(gate: Gate) -> str:
    return f"at most {format_drop(gate.settings.max_accuracy_drop)} less"


def short(gate: Gate) -> str:
    """Say the verdict and what it is about, for the last line of a log."""
    about = [effect.limit.figure.value for effect in gate.effects if effect.ruling is gate.ruling]
    about += [gate.quality.basis.value] if gate.quality is not None and gate.answers_ruling is gate.ruling else []
    about += ["launches that fail"] if gate.reliability.ruling is gate.ruling is not Ruling.NO_REGRESSION else []
    about += [f"the new one: {gate.failure.kind}: {gate.failure.reason}"] if gate.failure is not None else []
    return f"{gate.ruling}: {', '.join(about) or 'too few launches'}"


def pairs(gate: Gate) -> str:
    """Say how many launches there were, and where not all of them were measured, in how many rounds."""
    count = len(gate.rounds)
    if gate.invalid:
        return f"{count} round{'' if count == 1 else 's'} ({gate.invalid} without figures of both)"
    return f"{count} launch{'' if count == 1 else 'es'} of each"


def more(gate: Gate) -> str:
    """Say of an inconclusive gate how many more launches would decide it, and of answers how many requests would."""
    if gate.ruling is not Ruling.INCONCLUSIVE:
        return ""
    if gate.quality is None or gate.answers_ruling is not Ruling.INCONCLUSIVE:
        return _more_launches(gate, "it")
    would = answers.would_decide(gate.quality, gate.settings.max_accuracy_drop)
    requests = f"{would} whether {gate.quality.basis} drops too far."
    rulings = {gate.reliability.ruling, *(effect.ruling for effect in gate.effects)}
    if gate.effects and Ruling.INCONCLUSIVE not in rulings:
        return f"No more launches would decide it; {requests}"
    return f"{_more_launches(gate, 'the rest')} No number of launches decides the answers; {requests}"


def _more_launches(gate: Gate, what: str) -> str:
    """Say how many more launches would decide what they can, or why none would."""
    if (needed := gate.needed_for_figures) is not None:
        each = gate.seconds / max(len(gate.rounds), 1)
        minutes = math.ceil((gate.seconds + each * needed) * _SLACK / 60.0)
        return f"About {needed} more launches of each would decide {what}: give it --at-most {minutes}min."
    for effect in gate.effects:
        if effect.missing:
            known = f"{effect.limit.figure} was known in only {effect.pairs} of {effect.pairs + effect.missing} pairs"
            return f"{known}, which decides nothing: measure for longer, with --measure-at-most."
    if any(effect.ratio is None for effect in gate.effects) or not gate.effects:
        return "Too few launches could be compared to say how many more it takes: give it a longer --at-most."
    return f"What was seen lies too near the limit: no practical number of launches would decide {what}."


def target(gate: Gate) -> str:
    """Return the name of what was launched: the same on every machine, wherever its folder lies."""
    return Path(gate.settings.new.target).name


def sides(gate: Gate) -> Iterator[tuple[str, str]]:
    """Yield each side with what it runs."""
    settings = gate.settings
    for name, side in (("baseline", settings.baseline), ("new", settings.new)):
        options = " ".join(f"{flag_of(key)} {value}" for key, value in side.options.items() if value)
        other = settings.new if side is settings.baseline else settings.baseline
        knobs = " ".join(
            f"{key}={value}" for key, value in differences(side.configuration, other.configuration).items()
        )
        yield name, " ".join(filter(None, (side.source if name == "baseline" else side.target, options, knobs)))


def doubts(gate: Gate) -> tuple[DoubtGroup, ...]:
    """Group all doubts of a gate by their kind, the gravest kind first."""
    remarks = ((doubt.kind, Remark(where=where, trial=None, message=doubt.message)) for where, doubt in gate.doubts())
    return grouped(remarks, WHOLE)
