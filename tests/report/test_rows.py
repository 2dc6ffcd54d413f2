"""How trials stand, what their doubts are, and where the time went."""

import re
from dataclasses import replace
from math import inf

import pytest

from tests.report import studies
from tests.report.studies import configuration, level, measurement, pair
from tuner.machine import Placement
from tuner.report import trial_table
from tuner.report.advice import ADVICE, doubt_groups
from tuner.report.effort import effort
from tuner.report.pareto.chart import chart
from tuner.report.rows import Standing, points, rows
from tuner.report.verdict import verdict
from tuner.report.write import report_files
from tuner.study.objectives import Slo
from tuner.study.study import Study
from tuner.study.trial import Doubt, DoubtKind, Interval, Measurement
from tuner.study.workload import opened
from tuner.units import format_rate, format_seconds


def standings(study: Study) -> list[Standing]:
    return [row.standing for row in rows(study, verdict(study))]


def test_standings_and_roles() -> None:
    study = studies.small()
    table = rows(study, verdict(study))
    assert standings(study) == [Standing.DOMINATED, Standing.DOMINATED, Standing.FAILED, Standing.FRONT]
    assert [row.roles for row in table] == [("default",), ("finalist",), (), ("winner",)]
    assert table[2].reason == "crashed: the server ended under load (SIGKILL)"


def test_a_trial_that_misses_the_slo_is_infeasible_with_its_reason() -> None:
    study = studies.small(slo=Slo(metric="p99", limit=0.048))
    table = rows(study, verdict(study))
    assert table[1].standing is Standing.INFEASIBLE
    assert table[1].reason == "p99 12.0 ms above the SLO"


def test_the_front_is_over_every_load() -> None:
    light = pair(500.0, 0.005, 510.0, 0.080)
    heavy = pair(300.0, 0.009, 900.0, 0.050)
    study = studies.study([(configuration(), light), (configuration(workers=2), heavy)])
    assert [sorted(row.front) for row in rows(study, verdict(study))] == [[0], [1]]


def test_a_point_without_a_finite_p99_is_counted_and_not_drawn() -> None:
    broken = level(32, 400.0, 0.1, p99=Interval(value=inf, low=0.2, high=None))
    study = studies.study([(configuration(), measurement([level(4, 300.0, 0.01), broken]))])
    drawn = chart(study, rows(study, verdict(study)))
    assert (drawn.drawn, drawn.unbounded, drawn.untold) == (1, 1, 0)
    assert len(points(rows(study, verdict(study)))) == 1


def test_a_p99_of_too_few_requests_is_told_apart_from_an_infinite_one() -> None:
    slo = Slo(metric="p99", limit=0.05)
    few = level(32, 40.0, 0.1, requests=367)
    failed = level(32, 400.0, 0.1, p99=Interval(value=inf, low=0.2, high=None))
    outcomes = [(configuration(), measurement([level(4, 300.0, 0.01), one])) for one in (few, failed)]
    study = studies.study(outcomes, slo=slo)
    table = rows(study, verdict(study))
    assert [row.reason for row in table] == [
        "whether p99 meets the SLO is not known: too few requests to tell",
        "p99 has no bound: too many requests failed",
    ]
    drawn = chart(study, table)
    assert (drawn.drawn, drawn.unbounded, drawn.untold) == (2, 1, 1)
    shown = trial_table.trial_table(study, table)
    place = [(column.label, column.note) for column in shown.columns].index(("p99", "at 32 users"))
    assert [shown.cells[number][place].text for number in (0, 1)] == ["–", "∞"]


def test_what_too_few_requests_measured_ties_with_nothing() -> None:
    (load,) = opened((20.0,))
    outcomes = [
        (configuration(max_batch_size=number), measurement([level(load, 20.0, 0.030, requests=requests)]))
        for number, requests in ((1, 400), (2, 400), (4, 200))
    ]
    study = studies.study(outcomes, loads=(load,), noise=studies.NOISE)
    assert [row.ties_best for row in rows(study, verdict(study))] == [False, True, False]


@pytest.mark.parametrize(("metric", "line"), [("p99", True), ("p95", False)])
def test_only_an_slo_on_p99_has_a_line(metric: str, line: bool) -> None:
    study = studies.small(slo=Slo(metric=metric, limit=0.050))
    drawn = chart(study, rows(study, verdict(study)))
    assert drawn.slo is line
    assert bool(drawn.figure["layout"].get("shapes")) is line


def test_an_end_that_the_sample_does_not_bound_is_an_arrow_and_does_not_stretch_the_chart() -> None:
    wide = level(32, 400.0, 0.1, p99=Interval(value=0.1, low=0.08, high=None))
    study = studies.study([(configuration(), measurement([level(4, 300.0, 0.05), wide]))])
    drawn = chart(study, rows(study, verdict(study)))
    assert drawn.axes.linear[1] < 120.0
    assert drawn.one_sided == 1
    (arrow,) = (trace for trace in drawn.figure["data"] if trace.get("marker", {}).get("symbol") == "triangle-right")
    assert (list(arrow["x"]), list(arrow["y"])) == ([pytest.approx(112.0)], [400.0])
    told = "An arrow stands for an end that the requests at hand do not bound (1 point)."
    assert told in report_files(study)["index.html"]


def test_every_kind_of_doubt_has_advice() -> None:
    assert set(ADVICE) == set(DoubtKind)
    assert all(meaning.endswith(".") and advice.endswith(".") for meaning, advice in ADVICE.values())


def test_what_speaks_against_a_launch_is_told_in_words_that_hold_for_a_gate_too() -> None:
    of_studies = {DoubtKind.NO_DEFAULT, DoubtKind.NOT_CONFIRMED, DoubtKind.FEWER_LAUNCHES, DoubtKind.OVERLOADED}
    told = {kind: " ".join(texts) for kind, texts in ADVICE.items() if kind not in of_studies}
    assert not [kind for kind, text in told.items() if re.search("default|study|trial|finalist", text)]


def test_doubts_are_grouped_by_kind_and_counted_by_launch() -> None:
    stall = Doubt(kind=DoubtKind.STALL, message="at 32 users: no answer came for 240 ms")
    doubtful = measurement([level(4, 300.0, 0.01), level(32, 400.0, 0.1)], doubts=(stall, stall))
    study = studies.confirmed(
        studies.study([(configuration(), doubtful)], noise=studies.NOISE, rounds=1), {0: [doubtful]}
    )
    found, shared = doubt_groups(study, None)
    assert (shared.kind, shared.launches) == (DoubtKind.SHARED_CORES, 0)
    assert (found.kind, found.launches, len(found.remarks)) == (DoubtKind.STALL, 2, 4)
    assert found.concerns(0)
    assert not found.concerns(1)


def test_doubts_that_touch_what_is_chosen_come_first() -> None:
    study = replace(studies.small(), noise=studies.NOISE)

    def told(chosen: int | None) -> list[DoubtKind]:
        stall, few = (Doubt(kind=kind, message="m") for kind in (DoubtKind.STALL, DoubtKind.FEW_SAMPLES))
        doubts = {0: (stall,), 1: (few,)}
        trials = [
            replace(one, outcome=replace(one.outcome, doubts=doubts.get(one.number, ())))
            if isinstance(one.outcome, Measurement)
            else one
            for one in study.trials
        ]
        return [group.kind for group in doubt_groups(replace(study, trials=tuple(trials)), chosen)]

    assert told(None) == [DoubtKind.STALL, DoubtKind.SHARED_CORES, DoubtKind.FEW_SAMPLES]
    assert told(1) == [DoubtKind.SHARED_CORES, DoubtKind.FEW_SAMPLES, DoubtKind.STALL]


def test_cores_of_their_own_and_a_known_noise_are_not_doubted() -> None:
    parted = Placement(server=(0, 1, 2), load=(3,))
    assert doubt_groups(studies.study([], placement=parted, noise=studies.NOISE), None) == ()


def test_shared_cores_and_an_unknown_noise_are_doubted() -> None:
    assert [group.kind for group in doubt_groups(studies.study([]), None)] == [
        DoubtKind.SHARED_CORES,
        DoubtKind.NO_NOISE_FLOOR,
    ]


def test_what_was_not_confirmed_or_not_often_enough_is_doubted() -> None:
    def messages(study: Study) -> dict[DoubtKind, str]:
        return {group.kind: group.remarks[0].message for group in doubt_groups(study, None)}

    whole = replace(studies.small(), noise=studies.NOISE)
    assert set(messages(whole)) == {DoubtKind.SHARED_CORES}
    never = replace(whole, confirmations=())
    assert messages(never)[DoubtKind.NOT_CONFIRMED] == "none of the planned launches gave a measurement"
    lost = replace(whole, confirmations=tuple(replace(one, outcome=studies.failure()) for one in whole.confirmations))
    assert messages(lost)[DoubtKind.NOT_CONFIRMED] == "none of the 9 launches gave a measurement"
    first = replace(whole, confirmations=whole.confirmations[:-1])
    assert messages(first)[DoubtKind.FEWER_LAUNCHES] == "of 3 launches #3 was measured in 2"
    failed = replace(whole, confirmations=(*first.confirmations, lost.confirmations[-1]))
    assert messages(failed)[DoubtKind.FEWER_LAUNCHES] == "of 3 launches #3 was measured in 2"
    nothing = studies.study([(configuration(), studies.failure())], noise=studies.NOISE)
    assert DoubtKind.NOT_CONFIRMED not in messages(nothing), "there is nothing to confirm"


def test_a_trial_on_the_front_shows_all_its_points_in_full() -> None:
    study = studies.third()
    found = points(rows(study, verdict(study)))
    assert {one.row.trial.number for one in found if one.standing is Standing.FRONT} == {0, 1, 3}
    assert not any(one.row.on_front(one.index) for one in found if one.row.trial.number == 0), "it is below the line"


def test_trials_that_noise_does_not_tell_from_the_best_one_tie_with_it() -> None:
    quiet = studies.study(
        [
            (configuration(), pair(400.0, 0.01, 420.0, 0.09)),
            (configuration(workers=2), pair(400.0, 0.01, 700.0, 0.09)),
            (configuration(max_batch_size=2), pair(400.0, 0.01, 690.0, 0.09)),
            (configuration(max_batch_size=4), pair(400.0, 0.01, 699.0, 0.09, share=0.5)),
        ]
    )
    noisy = replace(quiet, noise=studies.NOISE)
    assert not any(row.ties_best for row in rows(quiet, verdict(quiet)))
    assert [row.ties_best for row in rows(noisy, verdict(noisy))] == [False, False, True, False]


def test_in_open_loop_p99_at_the_target_decides_and_throughput_ties() -> None:
    study = studies.rates(noise=replace(studies.NOISE, p99=(0.01, 0.02)))
    table = rows(study, verdict(study))
    assert standings(study)[3] is Standing.FRONT
    assert [row.trial.number for row in table if row.ties_best] == [4]
    column = trial_table.trial_table(study, table).columns[0]
    assert (column.label, column.note) == ("p99", "at 200 req/s")
    assert [sorted(row.front) for row in table] == [[], [], [], [0, 1], []]


def test_the_table_of_trials_says_what_a_trial_gave_before_what_it_was() -> None:
    study = studies.small()
    shown = trial_table.trial_table(study, ())
    headings = [" ".join(filter(None, (column.label, column.note))) for column in shown.columns]
    judging = ["throughput at 32 users", "p99 at 4 users", "p99 at 32 users", "accuracy"]
    assert headings[:9] == [*judging, *(knob.name for knob in study.space.free)]
    assert headings[9:11] == ["throughput at 4 users", "p50 at 32 users"]


def test_goodput_and_sessions_have_a_column_where_they_exist() -> None:
    for study, there in ((studies.rates(), {"goodput", "session p99"}), (studies.small(), set())):
        labels = {column.label for column in trial_table.trial_table(study, ()).columns}
        assert labels & {"goodput", "session p99"} == there


def test_a_server_that_was_found_running_is_said_where_there_was_one() -> None:
    own = studies.small()
    assert effort(own).count == "13 launches"
    assert "server" not in {column.label for column in trial_table.trial_table(own, ()).columns}
    found = own.trials[3].measurement
    assert found is not None
    last = replace(own.trials[3], outcome=replace(found, server_of=1))
    study = replace(own, trials=(*own.trials[:3], last))
    assert effort(study).count == "13 measurements on 12 servers"
    shown = trial_table.trial_table(study, rows(study, verdict(study)))
    place = [column.label for column in shown.columns].index("server")
    assert [shown.cells[number][place].text for number in range(4)] == ["its own", "its own", "–", "#1"]


def test_the_time_adds_up() -> None:
    spent = effort(studies.small())
    assert spent.launches == 13
    assert [phase.name for phase in spent.phases][:2] == ["measure", "warm-up"]
    assert spent.load_share == pytest.approx(12 * 8.0 / spent.seconds)
    assert spent.seconds == studies.small().seconds
    assert spent.load_share + spent.launch_share + spent.between_share == pytest.approx(1.0)
    assert effort(studies.study([])).load_share == 0.0


def test_the_table_of_trials_holds_every_point_of_the_chart() -> None:
    study = studies.simulated(12)
    table = rows(study, verdict(study))
    shown = trial_table.trial_table(study, table)
    for point in points(table):
        row = {cell.text for cell in shown.cells[point.row.trial.number]}
        assert {format_rate(point.level.throughput), format_seconds(point.level.p99.value)} <= row
