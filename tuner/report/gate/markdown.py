"""`summary.md` of a gate, which is also what GitHub shows as the summary of a job."""

from collections import Counter
from collections.abc import Iterator

from tuner.gate.effect import Effect, Ruling
from tuner.gate.result import Gate
from tuner.report.advice import ADVICE
from tuner.report.gate import words
from tuner.report.method import placed, protocol
from tuner.report.text import in_markdown
from tuner.study.trial import DoubtKind
from tuner.units import format_share

MOST_BYTES = 60_000
"""GitHub refuses larger ones where they are most wanted: a comment has 65,536 characters."""

_MOST_LOG_LINES = 30


def markdown(gate: Gate) -> str:
    """Write the summary; what is too long is cut at the end of a line."""
    parts = ["\n".join(part) for part in (_verdict(gate), _table(gate), _failure(gate), _doubts(gate), _method(gate))]
    text = "\n\n".join(part for part in parts if part) + "\n"
    if len(text.encode()) <= MOST_BYTES:
        return text
    kept = text.encode()[:MOST_BYTES].decode(errors="ignore")
    return kept[: kept.rindex("\n")] + "\n\n… cut here; the rest is in `index.html`.\n"


def _verdict(gate: Gate) -> Iterator[str]:
    mark = words.MARKS[gate.ruling]
    yield f"## {mark} tuner gate: {gate.ruling}\n"
    yield in_markdown(words.sentence(gate))


def _table(gate: Gate) -> Iterator[str]:
    if not gate.effects:
        return
    yield f"| at {gate.settings.workload.target} | baseline | new | change | allowed | |"
    yield "|---|--:|--:|--:|--:|---|"
    yield from map(_row, gate.effects)
    if gate.accuracy is not None:
        before, now = map(format_share, gate.accuracy)
        ruling = Ruling.REGRESSION if gate.less_accurate else Ruling.NO_REGRESSION
        most = f"at most {gate.settings.max_accuracy_drop * 100:g} pt less"
        yield f"| accuracy | {before} | {now} | | {most} | {words.MARKS[ruling]} {ruling} |"


def _row(effect: Effect) -> str:
    write, limit = words.WRITE[effect.limit.figure], effect.limit
    before, now = (write(found.value if found else None) for found in (effect.baseline, effect.new))
    return (
        f"| {limit.figure} | {before} | {now} | {words.change(effect)} | {words.allowed_alone(limit)} | "
        f"{words.MARKS[effect.ruling]} {effect.ruling} |"
    )


def _failure(gate: Gate) -> Iterator[str]:
    if gate.failure is None:
        return
    yield f"The new one: **{in_markdown(gate.failure.kind)}**, {in_markdown(gate.failure.reason)}\n"
    yield from (f"> {in_markdown(line)}  " for line in gate.failure.log_tail[-_MOST_LOG_LINES:])


def _doubts(gate: Gate) -> Iterator[str]:
    counts = Counter(kind for kind, _ in {(doubt.kind, where) for where, doubt in gate.doubts()})
    disturbed = dict(gate.disturbed())
    if counts or disturbed:
        yield "### Doubts\n"
    for where, reason in disturbed.items():
        yield f"- **{where}** gave no figures: {in_markdown(reason)}"
    for kind in (kind for kind in ADVICE if kind in counts):
        meaning, advice = ADVICE[DoubtKind(kind)]
        yield f"- **{in_markdown(kind)}** ({counts[kind]} of {2 * len(gate.rounds)} launches): {meaning} {advice}"


def _method(gate: Gate) -> Iterator[str]:
    yield "### What was compared\n"
    for name, what in words.sides(gate):
        yield f"- {name}: {in_markdown(what)}"
    yield f"- {in_markdown(gate.machine.cpu)}, {gate.machine.cores} cores; {placed(gate.placement)}"
    yield f"- {protocol(gate.settings.workload)}; launches in turns, intervals of 95 % that hold at every look"
    yield f"- {in_markdown(gate.command)}"
