"""`summary.md`: the study on one screen, for a pull request or a chat."""

from collections.abc import Iterator, Sequence

from tuner.report import commands
from tuner.report.advice import DoubtGroup
from tuner.report.effort import Effort
from tuner.report.rows import Row, Standing
from tuner.report.text import figure, in_markdown, short, span, times
from tuner.report.verdict import Finalist, Verdict
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
    users = study.settings.workload.users
    yield f"## Confirmed in up to {study.settings.rounds} fresh launches each (95 % intervals)\n"
    headings = ("configuration", "note", f"throughput at {users[-1]} users", "× default")
    numbers = (*(f"p99 at {count}" for count in users), "accuracy")
    rows = [_finalist(study, found, finalist) for finalist in found.finalists]
    yield from _table((*headings, *numbers), len(users) + 3, rows)


def _finalist(study: Study, found: Verdict, finalist: Finalist) -> list[str]:
    note = "default" if finalist is found.default else ""
    if finalist is found.chosen:
        note = f"**{note or 'winner'}**"
    elif finalist.objection:
        note = f"{note}: {finalist.objection}" if note else finalist.objection
    return [
        f"\\#{finalist.trial} {in_markdown(short(finalist.configuration, study.default))}",
        note if note.startswith("**") else in_markdown(note),
        f"{format_rate(finalist.throughput.value)} ({span(finalist.throughput, format_rate)})",
        figure(finalist.throughput_ratio.value, times),
        *(f"{format_seconds(one.value)} ({span(one, format_seconds)})" for one in finalist.p99.values()),
        format_share(finalist.accuracy.share if finalist.accuracy else None),
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
    chosen.sort(key=lambda row: -row.measurement.target.throughput if row.measurement else 0.0)
    users = study.settings.workload.users
    yield f"## Front: {len(chosen)} of {len(table)} trials, measured once each\n"
    headings = ("trial", f"throughput at {users[-1]} users", *(f"p99 at {count}" for count in users), "accuracy")
    rows = [_trial(study, row) for row in chosen[:_MOST_ROWS]]
    yield from _table(headings, len(users) + 2, rows)
    if len(chosen) > _MOST_ROWS:
        yield f"\nand {len(chosen) - _MOST_ROWS} more in `trials.csv`."


def _trial(study: Study, row: Row) -> list[str]:
    measurement = row.measurement
    assert measurement is not None
    return [
        f"\\#{row.trial.number} {in_markdown(short(row.trial.configuration, study.default))}",
        format_rate(measurement.target.throughput),
        *(format_seconds(level.p99.value) for level in measurement.levels),
        format_share(measurement.accuracy.share if measurement.accuracy else None),
    ]


def _failed(table: Sequence[Row]) -> Iterator[str]:
    failed = [row for row in table if row.standing is Standing.FAILED]
    if failed:
        yield f"## Failed: {len(failed)} of {len(table)} trials\n"
    yield from (f"- \\#{row.trial.number} {in_markdown(row.reason)}" for row in failed[:_MOST_ROWS])
    if len(failed) > _MOST_ROWS:
        yield f"- and {len(failed) - _MOST_ROWS} more in `trials.csv`"


def _method(study: Study, spent: Effort) -> Iterator[str]:
    workload, machine = study.settings.workload, study.machine
    users = " then ".join(map(str, workload.users))
    yield "## Machine and method\n"
    yield f"- {in_markdown(machine.cpu)}, {machine.cores} cores, {format_bytes(machine.memory)}"
    yield (
        f"- closed loop at {users} users: {workload.warm_up:g} s warm-up, {workload.measure:g} s measured; "
        f"limits: {in_markdown(str(study.settings.limits))}"
    )
    yield (
        f"- {spent.launches} launches in {format_duration(spent.seconds)}, "
        f"{format_share(spent.load_share)} of it under load; seed {study.settings.seed}"
    )
