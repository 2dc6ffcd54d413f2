"""`summary.md`: the study on one screen, for a pull request or a chat."""

from collections.abc import Iterator, Sequence

from tuner.report import commands, finalist_table
from tuner.report.advice import DoubtGroup
from tuner.report.effort import Effort
from tuner.report.finalist import Finalist
from tuner.report.method import noise, objectives, placed, protocol
from tuner.report.quality import basis_of
from tuner.report.rows import Row, Standing
from tuner.report.text import in_markdown, short
from tuner.report.verdict import Verdict
from tuner.study.judgement import ranked
from tuner.study.study import Study
from tuner.units import format_bytes, format_duration, format_rate, format_seconds, format_share

_MOST_ROWS = 20


def summary(study: Study, found: Verdict, table: Sequence[Row], doubts: Sequence[DoubtGroup], spent: Effort) -> str:
    """Write the summary."""
    parts = [
        f"# {in_markdown(study.settings.name)}\n\n**{in_markdown(found.sentence)}**",
        "\n".join(_command(study, found)),
        "\n".join(_finalists(study, found)),
        "\n".join(_doubts(doubts)),
        "\n".join(_front(study, table)),
        "\n".join(_failed(table)),
        "\n".join(_method(study, spent)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _command(study: Study, found: Verdict) -> Iterator[str]:
    if found.configuration is not None:
        command = " ".join(commands.serve(study.settings, found.configuration))
        longest = max((len(run) for run in _backticks(command)), default=0)
        fence = "`" * max(3, longest + 1)
        yield from (f"{fence}sh", command, fence)


def _backticks(text: str) -> list[str]:
    return "".join(character if character == "`" else " " for character in text).split()


def _table(headings: Sequence[str], numbers: int, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table whose last `numbers` columns are aligned to the right."""
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * (len(headings) - numbers)}{'---:|' * numbers}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _finalists(study: Study, found: Verdict) -> Iterator[str]:
    if not found.finalists:
        return
    yield f"## Confirmed in up to {study.settings.rounds} fresh launches each (95 % intervals)\n"
    headings = list(map(str, finalist_table.columns(study, found)))
    rows = [_finalist(study, found, finalist) for finalist in found.finalists]
    yield from _table(("configuration", "note", *headings), len(headings), rows)


def _finalist(study: Study, found: Verdict, finalist: Finalist) -> list[str]:
    note = in_markdown("; ".join(filter(None, (finalist_table.note(found, finalist), finalist.objection))))
    return [
        f"\\#{finalist.trial} {in_markdown(short(finalist.configuration, study.default))}",
        f"**{note}**" if finalist is found.chosen else note,
        *map(str, finalist_table.cells(study, found, finalist)),
    ]


def _doubts(doubts: Sequence[DoubtGroup]) -> Iterator[str]:
    if doubts:
        yield "## Doubts\n"
    for group in doubts:
        where = f"{group.launches} launches" if group.launches else "the whole study"
        yield f"- **{in_markdown(group.kind)}** ({where}): {in_markdown(group.meaning)} {in_markdown(group.advice)}"


def _front(study: Study, table: Sequence[Row]) -> Iterator[str]:
    chosen = [row for row in table if row.standing is Standing.FRONT]
    if not chosen:
        return
    order = {trial.number: place for place, trial in enumerate(ranked(row.trial for row in chosen))}
    chosen.sort(key=lambda row: order[row.trial.number])
    workload = study.settings.workload
    yield f"## Front: {len(chosen)} of {len(table)} trials, measured once each\n"
    p99 = (f"p99 at {load}" for load in workload.loads)
    headings = ("trial", f"throughput at {workload.target}", *p99, str(basis_of(study)))
    rows = [_trial(study, row) for row in chosen[:_MOST_ROWS]]
    yield from _table(headings, len(workload.loads) + 2, rows)
    if len(chosen) > _MOST_ROWS:
        yield f"\nand {len(chosen) - _MOST_ROWS} more in `trials.csv`."


def _trial(study: Study, row: Row) -> list[str]:
    measurement = row.measurement
    assert measurement is not None
    tie = " (≈ best)" if row.ties_best else ""
    return [
        f"\\#{row.trial.number} {in_markdown(short(row.trial.configuration, study.default))}{tie}",
        format_rate(measurement.target.throughput),
        *(format_seconds(level.told_p99) for level in measurement.levels),
        format_share(measurement.quality.share if measurement.quality else None),
    ]


def _failed(table: Sequence[Row]) -> Iterator[str]:
    failed = [row for row in table if row.standing is Standing.FAILED]
    if failed:
        yield f"## Failed: {len(failed)} of {len(table)} trials\n"
    yield from (f"- \\#{row.trial.number} {in_markdown(row.reason)}" for row in failed[:_MOST_ROWS])
    if len(failed) > _MOST_ROWS:
        yield f"- and {len(failed) - _MOST_ROWS} more in `trials.csv`"


def _method(study: Study, spent: Effort) -> Iterator[str]:
    machine = study.machine
    yield "## Machine and method\n"
    cores = f"{machine.cores} cores, {format_bytes(machine.memory)}; {placed(study.placement)}"
    yield f"- {in_markdown(machine.cpu)}, {cores}"
    yield f"- {protocol(study.settings.workload)}; limits: {in_markdown(str(study.settings.limits))}"
    if study.settings.quality_objective:
        yield f"- objectives: {in_markdown(objectives(study))}"
    if found := noise(study):
        yield f"- {in_markdown(found)}"
    yield (
        f"- {spent.count} in {format_duration(spent.seconds)}, "
        f"{format_share(spent.load_share)} of it under load; seed {study.settings.seed}"
    )
