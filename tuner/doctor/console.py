"""A diagnosis in the terminal."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from tuner.doctor.conclusion import ROUNDS, percent, sentence, told_apart
from tuner.doctor.diagnosis import TRUTH, Ceiling, Check, Diagnosis, Provider, Rung
from tuner.doctor.providers import reasons
from tuner.statistics.compare import estimate
from tuner.study.study import Noise
from tuner.study.trial import DoubtKind
from tuner.terminal import PLAIN, Output, cell, inert
from tuner.units import format_rate, format_seconds


def print_diagnosis(diagnosis: Diagnosis, output: Output = PLAIN) -> None:
    """Write what was found, and the sentence that closes it."""
    output.show(_checks(diagnosis.checks))
    if diagnosis.providers:
        output.show(_providers(diagnosis.providers))
        for line in _excuses(diagnosis.providers):
            output.say(line)
    if diagnosis.noise is not None:
        output.show(_noise(diagnosis, diagnosis.noise))
    output.show(_ladder(diagnosis.rungs))
    for rung in diagnosis.rungs:
        if rung.invalid:
            output.say(rung.invalid)
    output.say(f"closed loop, {diagnosis.ceiling.users} users, answered at once: {_ceiling(diagnosis.ceiling)}")
    output.say(f"\n{sentence(diagnosis)}\n")


def _checks(checks: Sequence[Check]) -> Table:
    table = Table(title="This machine", title_justify="left")
    for heading in ("", "what", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        mark = "[green]ok[/]" if check.ok else "[yellow]look[/]"
        table.add_row(mark, cell(check.name), cell(check.found), cell(check.advice))
    return table


def _providers(providers: Sequence[Provider]) -> Table:
    """One row for each provider, with a mark where it runs a precision."""
    title = "Execution providers, tried with the model as it is; other precisions are built when asked for"
    table = Table(title=title, title_justify="left")
    precisions = list(dict.fromkeys(name for provider in providers for name in provider.precisions))
    table.add_column("provider", no_wrap=True)
    for heading in precisions:
        table.add_column(cell(heading), overflow="fold")
    for provider in providers:
        marks = ["–" if provider.precisions.get(name, "–") else "[green]ok[/]" for name in precisions]
        table.add_row(cell(provider.name), *marks)
    return table


def _excuses(providers: Sequence[Provider]) -> Iterator[str]:
    """Say why providers do not run a precision, and what to do: whole sentences, which no column is wide enough for."""
    for provider in providers:
        told = [reasons(provider), provider.advice and f"what to do: {provider.advice}"]
        if any(told):
            yield f"{provider.name}: {'; '.join(filter(None, told))}"


def _noise(diagnosis: Diagnosis, noise: Noise) -> Table:
    count = len(diagnosis.launched)
    launched = f"{escape(inert(diagnosis.target))} with its defaults, launched {count} times"
    title = f"Noise: {launched}; least differences told from it"
    table = Table(title=title, title_justify="left")
    for heading in ("figure", "typical", "noise (sd)", "1 launch each", f"{ROUNDS} launches each"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    for name, typical, spread in _figures(diagnosis, noise):
        once, confirmed = (percent(told_apart(spread, noise, launches)) for launches in (1, ROUNDS))
        table.add_row(name, typical, percent(spread), once, confirmed)
    return table


def _figures(diagnosis: Diagnosis, noise: Noise) -> Iterator[tuple[str, str, float]]:
    """Yield each figure with its mean and how much it differs between launches."""
    throughput = estimate([one.throughput for one in diagnosis.launched]).value
    yield f"throughput at {diagnosis.loads[-1]}", format_rate(throughput), noise.throughput
    for index, (load, spread) in enumerate(zip(diagnosis.loads, noise.p99, strict=True)):
        p99 = estimate([one.p99[index] for one in diagnosis.launched]).value
        yield f"p99 at {load}", format_seconds(p99), spread


def _ladder(rungs: Sequence[Rung]) -> Table:
    title = f"Load generator: one process, open loop, a server that takes {format_seconds(TRUTH)}"
    table = Table(title=title, title_justify="left")
    for heading in ("rate", "p99", "too long", "not server's", "sent late", "load cores", "judged"):
        table.add_column(heading, justify="left" if heading == "judged" else "right", overflow="fold")
    for rung in rungs:
        times = (rung.p99, rung.error, rung.own_error, rung.lateness)
        table.add_row(format_rate(rung.rate), *map(format_seconds, times), _cores(rung.load_cpu), cell(_judged(rung)))
    return table


def _judged(rung: Rung) -> str:
    if rung.invalid:
        return "invalid"
    kinds = [kind for kind in DoubtKind if any(doubt.kind is kind for doubt in rung.doubts)]
    return f"doubts: {', '.join(kinds)}" if kinds else "ok"


def _ceiling(ceiling: Ceiling) -> str:
    if ceiling.throughput is None:
        return ceiling.invalid
    used = f"load on {_cores(ceiling.load_cpu)} cores, server on {_cores(ceiling.server_cpu)}"
    return f"at most {format_rate(ceiling.throughput)} ({used})"


def _cores(used: float | None) -> str:
    return "–" if used is None else f"{used:.2f}"
