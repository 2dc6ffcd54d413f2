"""What is known is on the page: each section shows every text that was made for it."""

import re
from dataclasses import replace
from functools import cache
from typing import TypeVar

import pytest

from tests.report import studies
from tests.report.odd import ODD
from tests.report.sections import facts, pieces, section, source, table, text, words
from tuner.report import finalist_table, headline, method, trial_table
from tuner.report.advice import doubt_groups
from tuner.report.effort import PHASES, effort
from tuner.report.rows import Standing, rows
from tuner.report.text import ladder, moment, short
from tuner.report.verdict import verdict
from tuner.report.write import report_files
from tuner.study.objectives import Slo
from tuner.study.study import Study
from tuner.study.trial import Confirmation, Doubt, DoubtKind, Measurement, Trial
from tuner.units import format_bytes, format_duration, format_seconds, format_share

STALL = Doubt(kind=DoubtKind.STALL, message="at 32 users: no answer came for 240 ms")
FEW = Doubt(kind=DoubtKind.FEW_SAMPLES, message="at 4 users: p99 rests on 400 requests")
SLO = Slo(metric="p99", limit=0.048)
One = TypeVar("One", Trial, Confirmation)


def raised(one: One, trial: int, doubt: Doubt) -> One:
    """The same launch with a doubt, if it is one of this trial."""
    number = one.number if isinstance(one, Trial) else one.trial
    if number != trial or not isinstance(one.outcome, Measurement):
        return one
    return replace(one, outcome=replace(one.outcome, doubts=(doubt,)))


def doubted() -> Study:
    """Stalls in the three launches that confirmed the winner, too few requests in one of another configuration."""
    study = studies.small()
    return replace(
        study,
        trials=tuple(raised(one, 1, FEW) for one in study.trials),
        confirmations=tuple(raised(one, 3, STALL) for one in study.confirmations),
    )


def lost() -> Study:
    """Of the default every confirming launch failed."""
    study = studies.small()
    return replace(
        study,
        confirmations=tuple(
            replace(one, outcome=studies.failure()) if one.trial == 0 else one for one in study.confirmations
        ),
    )


STUDIES = {
    **ODD,
    "small": studies.small,
    "slo": lambda: studies.small(slo=SLO),
    "slo that nobody keeps": lambda: studies.small(slo=Slo(metric="p99", limit=0.001)),
    "doubted": doubted,
    "lost": lost,
    "simulated": lambda: studies.simulated(31, slo=Slo(metric="p99", limit=0.05)),
}


@cache
def shown(name: str) -> tuple[Study, str]:
    """A study and its page."""
    study = STUDIES[name]()
    return study, report_files(study)["index.html"]


@pytest.mark.parametrize("name", STUDIES)
def test_the_verdict_stands_with_its_badge_and_its_figures(name: str) -> None:
    study, page = shown(name)
    found = verdict(study)
    badge = headline.badge(study, found)
    said = section(page, "verdict")
    assert said.startswith(words(badge.sign, badge.text, found.sentence))
    for tile in headline.tiles(study, found):
        assert words(tile.label, tile.value, tile.interval, tile.compared) in said
    tones = re.findall(r'class="value (\w*)"', source(page, "verdict"))
    assert tones == [tile.tone for tile in headline.tiles(study, found)]


@pytest.mark.parametrize("name", STUDIES)
def test_the_table_of_finalists_shows_every_figure_with_its_interval(name: str) -> None:
    study, page = shown(name)
    found = verdict(study)
    heads = [words(column.label, column.note) for column in finalist_table.columns(study, found)]
    expected = [
        (
            words(f"#{one.trial}", short(one.configuration, study.default)),
            words(finalist_table.note(found, one), one.objection or ""),
            *(words(each.text, each.interval, each.compared) for each in finalist_table.cells(study, found, one)),
        )
        for one in found.finalists
    ]
    head, *body = table(source(page, "verdict")) or [()]
    assert list(head[2:]) == (heads if found.finalists or found.lost else [])
    assert body[: len(expected)] == expected
    assert [row[0].partition(" ")[0] for row in body[len(expected) :]] == [f"#{number}" for number in found.lost]


@pytest.mark.parametrize("name", STUDIES)
def test_a_doubt_stands_with_its_meaning_its_advice_and_every_remark(name: str) -> None:
    study, page = shown(name)
    chosen = verdict(study).chosen
    groups = doubt_groups(study, chosen.trial if chosen else None)
    articles = pieces(source(page, "doubts"), "article")
    assert len(articles) == len(groups)
    for group, article in zip(groups, articles, strict=True):
        said = text(article)
        assert said.startswith(words(group.kind))
        assert words(group.meaning, group.advice) in said
        assert [text(one) for one in pieces(article, "li")] == [words(one.where, one.message) for one in group.remarks]


def test_a_doubt_says_how_many_launches_it_touches_and_that_the_chosen_one_is_among_them() -> None:
    study, page = shown("doubted")
    chosen = verdict(study).chosen
    assert chosen is not None
    marks = {}
    for group, article in zip(
        doubt_groups(study, chosen.trial), pieces(source(page, "doubts"), "article"), strict=True
    ):
        count, *touches = map(text, re.findall(r'<span class="count[^"]*">.*?</span>', article))
        marks[group.kind] = (re.findall(r"\d+", count), len(list(filter(None, touches))))
    assert marks[DoubtKind.STALL] == (["3", "13"], 1)
    assert marks[DoubtKind.FEW_SAMPLES] == (["1", "13"], 0)
    assert marks[DoubtKind.SHARED_CORES] == ([], 0)


@pytest.mark.parametrize("name", STUDIES)
def test_the_table_of_trials_shows_how_each_stands_and_why(name: str) -> None:
    study, page = shown(name)
    found = rows(study, verdict(study))
    cells = trial_table.trial_table(study, found).cells
    body = table(source(page, "trials"))[1:]
    assert len(body) == len(found)
    for row, (number, standing, *figures) in zip(found, body, strict=True):
        failure = row.trial.failure
        assert number == f"#{row.trial.number}"
        assert standing == words(failure.kind if failure else row.standing, *row.roles, "" if failure else row.reason)
        best = ["≈ best", *[""] * len(figures)] if row.ties_best else [""] * len(figures)
        assert figures == [words(cell.text, tie) for cell, tie in zip(cells[row.trial.number], best, strict=False)]
    failed = [one.outcome for one in (*study.trials, *study.confirmations) if not isinstance(one.outcome, Measurement)]
    listed = [text(one) for one in pieces(source(page, "trials"), "summary")]
    assert [one.endswith(words(f"{why.kind}: {why.reason}")) for one, why in zip(listed, failed, strict=True)] == [
        True
    ] * len(failed)


def test_some_trial_of_a_study_with_an_slo_misses_it() -> None:
    study, _ = shown("slo")
    assert [row.trial.number for row in rows(study, verdict(study)) if row.standing is Standing.INFEASIBLE] == [0, 1]


@pytest.mark.parametrize("name", STUDIES)
def test_the_time_is_told_phase_by_phase(name: str) -> None:
    study, page = shown(name)
    spent = effort(study)
    told = text(pieces(source(page, "time"), "p")[0])
    assert all(said in told for said in (spent.count, format_duration(spent.seconds), format_share(spent.load_share)))
    if not study.trials:
        assert table(source(page, "time")) == []
        return
    *body, between = table(source(page, "time"))[1:]
    assert len(body) == len(spent.phases)
    for phase, (called, *figures) in zip(spent.phases, body, strict=True):
        assert called.startswith(PHASES.get(phase.name, phase.name))
        assert (called != PHASES.get(phase.name, phase.name)) == phase.under_load, "a phase under load is marked"
        each = format_seconds(phase.seconds / spent.launches)
        assert figures == [format_duration(phase.seconds), each, format_share(phase.share)]
    assert between[1:] == (
        format_duration(spent.between),
        format_seconds(spent.between / spent.launches),
        format_share(spent.between_share),
    )
    widths = re.findall(r'<span class="(?:load|rest|between)" style="width:([\d.]+)%"', source(page, "time"))
    shares = (spent.load_share, spent.launch_share, spent.between_share)
    assert list(map(float, widths)) == pytest.approx([100.0 * share for share in shares], abs=0.006)


def machine_and_settings(study: Study) -> dict[str, str]:
    """What must be known to measure it again."""
    machine, settings = study.machine, study.settings
    return {
        "processor": machine.cpu,
        "cores": f"{machine.cores}; {method.placed(study.placement)}",
        "memory": format_bytes(machine.memory),
        "system": machine.system,
        "frequency governor": machine.governor,
        "Python": machine.python,
        **machine.versions,
        "target": settings.target,
        **{name: value or "–" for name, value in settings.options.items()},
        "load": method.load(settings.workload),
        "objectives": method.objectives(study),
        "limits": str(settings.limits),
        "seed": str(settings.seed),
        "started": study.started,
    }


@pytest.mark.parametrize("name", ["small", "slo", "open loop", "noise and arrivals", "third objective"])
def test_machine_settings_and_method_are_told(name: str) -> None:
    study, page = shown(name)
    settings, workload = study.settings, study.settings.workload
    machine, asked, how = map(facts, pieces(source(page, "method"), "dl"))
    told = {**machine, **asked}
    assert {term: told.get(term) for term in machine_and_settings(study)} == machine_and_settings(study)
    assert str(settings.budget) in told["budget"]
    assert {str(settings.finalists), str(settings.rounds)} <= set(re.findall(r"\d+", told["confirmation"]))
    assert words(study.command) == text(pieces(source(page, "method"), "pre")[0])
    for term, said in (
        ("Load", ladder(workload.loads)),
        ("Load", method.warm_up(workload)),
        ("Load", method.measured(workload)),
        ("Load", format_duration(workload.patience)),
        ("Sample sizes", method.sample_sizes(study)),
        ("Noise", method.noise(study) or "tuner doctor"),
        ("Limits", str(settings.limits)),
    ):
        assert said[1:] in how[term], term
    assert {"p99", "Throughput", "Interval of one p99", "Confirmation", "Front"} <= how.keys()
    assert min(len(said.split()) for said in how.values()) > 5, "each of them is defined"


def test_what_was_held_and_given_is_told() -> None:
    study = studies.small()
    given = {"runtime_python": "/env/bin/python", "locustfile": "mine.py", "pinned": {"precision": "int8"}}
    study = replace(study, settings=replace(study.settings, **given))
    told = facts(source(report_files(study)["index.html"], "method"))
    assert "int8" in told["precision"]
    assert {"/env/bin/python", "mine.py"} <= set(told.values())


def test_the_head_says_what_was_tuned_where_and_when() -> None:
    study, page = shown("small")
    said = text(pieces(page, "header")[0])
    for each in (study.settings.name, study.settings.target, study.machine.cpu, moment(study.started)):
        assert each in said
