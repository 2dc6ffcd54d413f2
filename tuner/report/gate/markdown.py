"""`summary.md` of a gate, which is also what GitHub shows as the summary of a job."""

import re
from collections.abc import Iterator, Sequence

from tuner.gate.result import WHOLE, Gate
from tuner.report.gate import words
from tuner.report.method import placed, protocol
from tuner.report.text import clean, in_markdown

MOST_BYTES = 60_000
"""GitHub refuses larger ones where they are most wanted: a comment has 65,536 characters."""

_MOST_LOG_LINES, _MOST_OF_A_LINE, _MOST_OF_A_LOG = 30, 500, 8_000
"""Of a log so many lines of so many bytes, and of all of it so many: what is escaped may take three times as many."""

_MOST_LAUNCHES = 40


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
    if rows := words.rows(gate):
        yield f"| at {gate.settings.workload.target} | baseline | new | change | allowed | |"
        yield "|---|--:|--:|--:|--:|---|"
        yield from (f"| {' | '.join(cells)} |" for cells in rows)


def _failure(gate: Gate) -> Iterator[str]:
    if gate.failure is not None:
        yield f"The new one: **{in_markdown(gate.failure.kind)}**, {in_markdown(_cut(gate.failure.reason))}\n"
        if gate.failure.log_tail:
            yield _fenced(gate.failure.log_tail[-_MOST_LOG_LINES:])
    if gate.error is not None:
        yield "It ended early:\n"
        yield _fenced(gate.error.splitlines()[:_MOST_LOG_LINES])


def _fenced(lines: Sequence[str]) -> str:
    """Write lines as one block of Markdown that is shown as it is; no line ends it, or is a command in a CI log."""
    text = _cut("\n".join(_cut(" ".join(line.split("\n"))) for line in lines), _MOST_OF_A_LOG)
    text = text.replace("::", ":\u200b:").replace("##[", "##\u200b[")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def _cut(text: str, most: int = _MOST_OF_A_LINE) -> str:
    """Shorten a text to so many bytes, so that it takes no room from what comes after it."""
    content = clean(text).encode()
    return content.decode() if len(content) <= most else f"{content[:most].decode(errors='ignore')} …"


def _doubts(gate: Gate) -> Iterator[str]:
    doubts = words.doubts(gate)
    without_figures = dict(gate.without_figures())
    if doubts or without_figures:
        yield "### Doubts\n"
    for where, reason in list(without_figures.items())[:_MOST_LAUNCHES]:
        yield f"- **{where}** gave no figures: {in_markdown(_cut(reason))}"
    if len(without_figures) > _MOST_LAUNCHES:
        yield f"- {len(without_figures) - _MOST_LAUNCHES} more launches gave no figures; `index.html` has their reasons"
    for group in doubts:
        kind = in_markdown(group.kind)
        for remark in group.remarks:
            if remark.where == WHOLE:
                yield f"- **{kind}**: {in_markdown(remark.message)}. {group.advice}"
        if group.launches:
            launches = f"{group.launches} of {2 * len(gate.rounds)} launches"
            yield f"- **{kind}** ({launches}): {group.meaning} {group.advice}"


def _method(gate: Gate) -> Iterator[str]:
    yield "### What was compared\n"
    for name, what in words.sides(gate):
        yield f"- {name}: {in_markdown(what)}"
    yield f"- {in_markdown(gate.machine.cpu)}, {gate.machine.cores} cores; {placed(gate.placement)}"
    yield f"- {protocol(gate.settings.workload)}; launches in turns, intervals of 95 % that hold at every look"
    yield f"- {in_markdown(gate.command)}"
