"""The chart of throughput over p99, as plotly.js is told to draw it."""

from typing import Any

import pytest

from tests.report import studies
from tests.report.studies import configuration, failure, level, measurement
from tuner.report.axes import in_ms
from tuner.report.hover import hovers
from tuner.report.pareto.chart import chart
from tuner.report.quality import answered
from tuner.report.rows import points, rows
from tuner.report.text import interval
from tuner.report.verdict import verdict
from tuner.study.objectives import Slo
from tuner.study.study import Study
from tuner.units import format_rate, format_seconds


def drawn(study: Study) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The layout and the traces."""
    figure = chart(study, rows(study, verdict(study))).figure
    return figure["layout"], figure["data"]


def of_group(traces: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [trace for trace in traces if trace.get("legendgroup") == name]


def test_the_side_that_misses_the_slo_is_shaded() -> None:
    study = studies.small(slo=Slo(metric="p99", limit=0.050))
    layout, _ = drawn(study)
    edge = chart(study, rows(study, verdict(study))).axes.edge
    shaded, line = layout["shapes"]
    assert (shaded["type"], shaded["x0"], shaded["x1"]) == ("rect", pytest.approx(50.0), edge)
    assert edge > 60.0
    assert shaded["fillcolor"]
    assert (line["type"], line["x0"], line["x1"]) == ("line", pytest.approx(50.0), pytest.approx(50.0))
    assert line["label"]["text"] == "SLO p99 ≤ 50.0 ms at 32 users"


def test_every_point_has_the_interval_of_its_p99() -> None:
    study = studies.study([(configuration(), measurement([level(4, 300.0, 0.020), level(32, 400.0, 0.080)]))])
    _, traces = drawn(study)
    light, target = of_group(traces, "front")[:2]
    for trace, p99, throughput in ((light, 20.0, 300.0), (target, 80.0, 400.0)):
        assert (list(trace["x"]), list(trace["y"])) == ([pytest.approx(p99)], [throughput])
        assert list(trace["error_x"]["array"]) == [pytest.approx(p99 / 10.0)]
        assert list(trace["error_x"]["arrayminus"]) == [pytest.approx(p99 / 10.0)]


def test_standings_differ_in_shape_and_not_only_in_colour() -> None:
    loads = [(1, 400.0), (2, 500.0), (4, 600.0), (8, 700.0), (16, 800.0), (32, 900.0)]
    fine = measurement([level(users, rate, 0.001 * users) for users, rate in loads])
    slow = measurement([level(users, rate / 2.0, 0.010 * users) for users, rate in loads])
    outcomes = [(configuration(), fine), (configuration(workers=2, intra_op_threads=1), slow)]
    ladder = tuple(one.load for one in fine.levels)
    _, traces = drawn(studies.study(outcomes, loads=ladder, slo=Slo(metric="p99", limit=0.050)))
    symbols = {
        name: [trace["marker"]["symbol"] for trace in of_group(traces, name) if trace["mode"] == "markers"]
        for name in ("front", "dominated", "infeasible")
    }
    kept, missed = symbols["front"] + symbols["dominated"], symbols["infeasible"]
    assert len({*kept, *missed}) == 2 * len(loads)
    assert all(symbol.endswith("-open") for symbol in missed)


def test_the_front_is_a_step_line_and_failures_have_a_strip_with_their_reason() -> None:
    study = studies.small()
    _, traces = drawn(study)
    (front,) = (trace for trace in of_group(traces, "front") if trace["mode"] == "lines")
    assert front["line"]["shape"] == "hv"
    (failed,) = of_group(traces, "failed")
    assert (failed["yaxis"], failed["marker"]["symbol"]) == ("y2", "x-thin-open")
    assert "crashed: the server ended under load (SIGKILL)" in failed["hovertext"][0]


def test_default_and_winner_are_ringed_and_a_point_tells_its_whole_configuration() -> None:
    study = studies.small()
    _, traces = drawn(study)
    ringed = {
        trace["text"][0]: (trace["x"][0], trace["y"][0])
        for trace in traces
        if trace["mode"] == "markers+text" and trace["x"]
    }
    assert ringed == {"default": (95.0, 420.0), "winner": (45.0, 900.0)}
    told = hovers(study, rows(study, verdict(study)))["knobs"][3]
    assert all(f"{name} = " in told for name in study.space.default())


def test_colour_tells_the_accuracy_where_it_differs() -> None:
    marker = of_group(drawn(studies.small())[1], "front")[0]["marker"]
    assert (marker["cmin"], marker["cmax"], list(marker["color"])) == (0.935, 0.94, [0.935])
    alike = studies.study(
        [
            (configuration(), measurement([level(4, 300.0, 0.02), level(32, 400.0, 0.08)])),
            (configuration(workers=2), failure()),
        ]
    )
    assert isinstance(of_group(drawn(alike)[1], "front")[0]["marker"]["color"], str)


def test_dominated_points_are_fainter_than_those_on_the_front() -> None:
    _, traces = drawn(studies.small())
    strong, faint = ({trace["opacity"] for trace in of_group(traces, name) if trace["mode"] == "markers"}
                     for name in ("front", "dominated"))  # fmt: skip
    assert max(faint) < min(strong)


def test_a_point_tells_its_figures_with_the_interval_of_its_p99_and_why_it_cannot_win() -> None:
    study = studies.small(slo=Slo(metric="p99", limit=0.048))
    table = rows(study, verdict(study))
    told = {(trace["customdata"][i], trace["x"][i]): text
            for trace in drawn(study)[1] if trace.get("hovertext") and trace.get("yaxis") is None
            for i, text in enumerate(trace["hovertext"])}  # fmt: skip
    found = points(table)
    assert len(found) == len(told) == 6
    for point in found:
        p99, row = point.level.p99, point.row
        for said in (
            f"#{row.trial.number}",
            str(point.level.load),
            format_rate(point.level.throughput),
            format_seconds(p99.value),
            interval(p99.low, p99.high, format_seconds),
            answered(studies.quality(0.935 if row.trial.number == 3 else 0.94)),
            row.reason or row.standing,
            *row.roles,
        ):
            assert said in told[row.trial.number, in_ms(p99.value)]
    assert [row.trial.number for row in table if row.reason] == [0, 1, 2]
