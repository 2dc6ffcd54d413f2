"""What is known of a gate is on its page, section by section."""

from functools import cache

import pytest

from tests.report.gate.gates import ALL
from tests.report.sections import facts, pieces, source, table, text, words
from tuner.gate.reliability import MOST_P
from tuner.gate.result import WHOLE, Gate
from tuner.report import method
from tuner.report.advice import ADVICE
from tuner.report.gate import words as said_of
from tuner.report.gate.write import gate_files
from tuner.study.trial import Measurement, Outcome
from tuner.units import format_bytes, format_duration, format_rate, format_seconds


@cache
def shown(name: str) -> tuple[Gate, str]:
    """A gate and its page."""
    gate = ALL[name]()
    return gate, gate_files(gate)["index.html"]


@pytest.mark.parametrize("name", ALL)
def test_the_verdict_says_each_figure_why_it_failed_and_why_it_ended(name: str) -> None:
    gate, page = shown(name)
    verdict = source(page, "verdict")
    told, badge = text(verdict), text(pieces(verdict, "h2")[0])
    assert badge.startswith(said_of.MARKS[gate.ruling])
    assert badge.endswith(gate.ruling.capitalize())
    assert said_of.sentence(gate).startswith(gate.ruling.capitalize()), "both say the same"
    assert words(said_of.sentence(gate)) in told
    drawn = verdict.split('<div class="effect">')[1:]
    for effect, one in zip(gate.effects, drawn, strict=True):
        head = text(pieces(one, "h3")[0])
        limit = effect.limit
        for said in (limit.figure, said_of.change(effect), effect.ruling, said_of.allowed_alone(limit)):
            assert said in head
    failure = gate.failure
    for said in (failure.kind, failure.reason, *failure.log_tail) if failure else ():
        assert words(said) in told
    assert words(gate.error or "") in told
    assert said_of.compared_answers(gate) in told


@pytest.mark.parametrize("name", ALL)
def test_a_doubt_stands_with_its_meaning_its_advice_and_every_remark(name: str) -> None:
    gate, page = shown(name)
    raised = list(gate.doubts())
    kinds = [kind for kind in ADVICE if any(doubt.kind is kind for _, doubt in raised)]
    articles = pieces(source(page, "doubts"), "article")
    for kind, article in zip(kinds, articles, strict=False):
        remarks = [words(where, doubt.message) for where, doubt in raised if doubt.kind is kind]
        launches = {where for where, doubt in raised if doubt.kind is kind and where != WHOLE}
        count = f"{len(launches)} of {2 * len(gate.rounds)} launches" if launches else WHOLE
        assert text(article).startswith(words(kind, count))
        assert words(*ADVICE[kind]) in text(article)
        assert [text(one) for one in pieces(article, "li")] == remarks
    without = [words(*one) for one in gate.without_figures()]
    rest = [[text(one) for one in pieces(article, "li")] for article in articles[len(kinds) :]]
    assert rest == ([without] if without else [])


def figures(outcome: Outcome) -> tuple[str, str]:
    """What the table of launches has of one: p99 and throughput, or why there are none."""
    if isinstance(outcome, Measurement):
        return format_seconds(outcome.target.told_p99), format_rate(outcome.target.throughput)
    return words(outcome.kind), "–"


@pytest.mark.parametrize("name", ALL)
def test_the_table_of_launches_has_every_round_with_both_sides(name: str) -> None:
    gate, page = shown(name)
    head, *body = table(source(page, "launches"))
    assert len(head) == 6
    expected = []
    for number, one in enumerate(gate.rounds, 1):
        (p99, rate), (p99_now, rate_now) = figures(one.baseline), figures(one.new)
        expected.append((str(number), "new" if one.new_first else "baseline", p99, p99_now, rate, rate_now))
    assert body == expected


@pytest.mark.parametrize("name", ALL)
def test_machine_and_method_are_told_and_how_it_was_decided(name: str) -> None:
    gate, page = shown(name)
    settings, machine = gate.settings, gate.machine
    told = facts(source(page, "method"))
    for term, parts in {
        **{side: (what,) for side, what in said_of.sides(gate)},
        "load": tuple(each(settings.workload) for each in (method.load, method.warm_up, method.measured)),
        "processor": (machine.cpu, str(machine.cores), format_bytes(machine.memory), method.placed(gate.placement)),
        "system": (machine.system, machine.python),
        **{words(package): (version,) for package, version in machine.versions.items()},
        "time": (format_duration(gate.seconds), format_duration(settings.seconds), str(settings.seed)),
    }.items():
        assert all(words(part) in told[term] for part in parts), term
    assert text(pieces(source(page, "method"), "pre")[0]) == words(gate.command)
    _, _, how = source(page, "method").split("<h3")
    decided = text(pieces(how, "p")[0])
    assert ", ".join(str(look.pairs) for look in gate.looks) in decided
    assert len(decided.split()) > 100, "the test is named, and what it holds"
    assert f"p of at most {MOST_P * 100:g} %" in decided
