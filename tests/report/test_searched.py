"""The section on the search: what it gained, and what its charts show."""

import math
from dataclasses import replace
from math import inf

import pytest

from tests.report import studies
from tests.report.studies import configuration, level, measurement, pair
from tuner.report.rows import rows
from tuner.report.searched.gain import box, gain, gains
from tuner.report.searched.parallel import parallel
from tuner.report.searched.scales import ends, place
from tuner.report.searched.slices import slices
from tuner.report.verdict import verdict
from tuner.report.write import report_files
from tuner.study.objectives import Slo
from tuner.study.space import ChoiceKnob, RangeKnob, SearchSpace, Value
from tuner.study.study import Study
from tuner.study.trial import Interval, Measurement
from tuner.study.workload import Load, closed, opened


def measured(*figures: tuple[float, float], **changes: object) -> Study:
    """Trials with a throughput at the target and a p99 in milliseconds under the light load."""
    outcomes = [
        (configuration(max_batch_size=number + 1), pair(200.0, p99 / 1e3, throughput, 0.05))
        for number, (throughput, p99) in enumerate(figures)
    ]
    return studies.study(outcomes, **changes)


def test_the_hypervolume_of_known_points() -> None:
    # The box is 400 to 800 req/s by 5 to 20 ms, and 10 ms lie in the middle of that on a logarithm.
    study = measured((400.0, 20.0), (600.0, 10.0), (500.0, 15.0), (800.0, 20.0), (800.0, 5.0))
    assert [one.share for one in gains(study)] == pytest.approx([0.0, 0.25, 0.25, 0.25, 1.0])
    assert [one.improved for one in gains(study)] == [False, True, False, False, True]
    drawn = gain(study)
    assert drawn is not None
    assert "2 of 5 trials raised it, the last of them #4, the last trial of all." in drawn.told
    assert "within the limits: 400 req/s at 32 users, p99 20.0 ms at 4 users; latencies" in drawn.told
    assert drawn.table is not None
    assert drawn.table.rows == (("#1", "25.0 %", "max_batch_size=2"), ("#4", "100.0 %", "max_batch_size=5"))


def test_one_slow_trial_does_not_make_all_others_alike() -> None:
    figures = [(400.0, 20.0), (600.0, 10.0), (800.0, 5.0)]
    plain, outlier = (gains(measured(*found))[1].share for found in (figures, [*figures, (400.0, 2000.0)]))
    assert (plain, outlier) == (pytest.approx(0.25), pytest.approx(0.5 * math.log(200) / math.log(400)))


def test_only_the_default_and_trials_within_the_limits_span_the_box() -> None:
    def launched(target: float, light: float, share: float = 0.94) -> Measurement:
        return measurement([level(4, 300.0, light), level(32, target, 0.05)], share)

    outcomes = [
        (configuration(), launched(400.0, 0.020, share=0.5)),
        (configuration(workers=2), launched(800.0, 0.005)),
        (configuration(max_batch_size=2), launched(100.0, 0.500, share=0.5)),
        (configuration(max_batch_size=4), launched(600.0, 0.010)),
    ]
    found = box(studies.study(outcomes))
    assert found.worst == pytest.approx((400.0, 0.020))
    assert set(found.places) == {0, 1, 3}
    assert found.places[3] == pytest.approx((0.5, 0.5))


def test_trials_that_miss_a_limit_do_not_fill_the_box() -> None:
    slow = measurement([level(4, 300.0, 0.030), level(32, 400.0, 0.200)])
    quick = measurement([level(4, 300.0, 0.010), level(32, 800.0, 0.050)])
    study = studies.study(
        [(configuration(), slow), (configuration(workers=2), quick)], slo=Slo(metric="p99", limit=0.1)
    )
    assert [one.share for one in gains(study)] == [0.0, 1.0]


def test_no_feasible_trial_no_hypervolume() -> None:
    assert gain(studies.study([])) is None
    assert gain(measured((400.0, 30.0), slo=Slo(metric="p99", limit=0.001))) is None
    broken = level(4, 400.0, 0.1, p99=Interval(value=inf, low=None, high=None))
    assert gain(studies.study([(configuration(), measurement([broken, level(32, 500.0, 0.1)]))])) is None


def test_a_third_objective_and_a_single_one_have_a_hypervolume_too() -> None:
    three = replace(studies.small(), settings=replace(studies.small().settings, quality_objective=True))
    assert [round(one.share, 3) for one in gains(three)] == sorted(round(one.share, 3) for one in gains(three))
    one_rate = studies.simulated(12, loads=opened((200.0,)))
    assert gains(one_rate)[-1].share == pytest.approx(1.0)


LOG = RangeKnob(name="batch", low=1, high=64, default=1, integer=True, log=True)
KIND = ChoiceKnob(name="kind", choices=("a", "b", "c"), default="a")


@pytest.mark.parametrize(
    ("knob", "value", "at"),
    [(LOG, 1, 0.0), (LOG, 8, 0.5), (LOG, 64, 1.0), (KIND, "b", 0.5), (replace(KIND, choices=("a",)), "a", 0.0)],
)
def test_a_value_has_its_place_on_the_axis(knob: RangeKnob | ChoiceKnob, value: int | str, at: float) -> None:
    assert place(knob, value) == pytest.approx(at)


def test_the_ends_of_an_axis_are_named() -> None:
    assert ends(LOG) == ((0.0, "1"), (1.0, "64"))
    assert [text for _, text in ends(KIND)] == ["a", "b", "c"]


def test_every_trial_is_a_line_and_a_failed_one_ends_at_its_last_knob() -> None:
    study = studies.small()
    drawn = parallel(study, rows(study, verdict(study)))
    assert drawn is not None
    by_group = {trace["legendgroup"]: trace for trace in drawn.figure["data"]}
    assert set(by_group) == {"failed", "dominated", "front"} == {key.group for key in drawn.keys}
    knobs = len(study.space.free)
    # Throughput and p99 at the target, and p99 under the light load; a gap ends every line.
    assert len(by_group["failed"]["x"]) == knobs + 1
    assert len(by_group["front"]["x"]) == knobs + 3 + 1
    assert by_group["front"]["y"][knobs] == 1.0, "the most throughput is up"
    assert set(by_group["dominated"]["customdata"]) == {0, 1}


def test_a_slice_shows_the_trials_in_which_its_knob_matters() -> None:
    study = studies.small()
    drawn = slices(study, rows(study, verdict(study)))
    assert drawn is not None
    titles = [axis["title"]["text"] for name, axis in drawn.figure["layout"].items() if name.startswith("xaxis")]
    assert titles == [knob.name for knob in study.space.free]
    by_axis: dict[str, list[int]] = {}
    for trace in drawn.figure["data"]:
        by_axis.setdefault(trace.get("xaxis", "x"), []).extend(trace["customdata"])
    assert sorted(by_axis["x"]) == [0, 1, 3]
    assert sorted(by_axis["x2"]) == [1, 3], "the default has no batches, so their time-out does not matter"


@pytest.mark.parametrize(
    ("choices", "told", "angle"),
    [
        (("a", "b"), ("a", "b"), 0),
        (("none", "fixed", "dynamic"), ("none", "fixed", "dynamic"), 0),
        (("fp32", "fp16", "int8_dynamic", "int4"), ("fp32", "fp16", "int8_dynamic", "int4"), 35),
        ((1, 2, 4, 8, 16), ("1", "2", "4", "8", "16"), 0),
        ((1, 2, 3, 4, 6, 8, 12, 16, 24, 32), ("32", "16", "8", "4", "2"), 0),
    ],
)
def test_a_slice_names_values_and_not_their_places(
    choices: tuple[Value, ...], told: tuple[str, ...], angle: int
) -> None:
    knob = ChoiceKnob(name="kind", choices=choices, default=choices[0])
    study = replace(
        studies.small(),
        space=SearchSpace(knobs=(knob,)),
        trials=tuple(replace(one, configuration={"kind": choices[-1]}) for one in studies.small().trials),
        confirmations=(),
    )
    drawn = slices(study, rows(study, verdict(study)))
    assert drawn is not None
    axis = drawn.figure["layout"]["xaxis"]
    assert (tuple(axis["ticktext"]), axis["tickangle"]) == (told, angle)


@pytest.mark.parametrize(
    ("study", "title"), [(studies.small(), "Throughput by knob"), (studies.rates(), "p99 by knob")]
)
def test_slices_are_of_the_figure_that_decides(study: Study, title: str) -> None:
    drawn = slices(study, rows(study, verdict(study)))
    assert drawn is not None
    assert drawn.title == title


@pytest.mark.parametrize("study", [studies.study([]), studies.study([(configuration(), studies.failure())])])
def test_without_a_measured_trial_there_are_no_slices(study: Study) -> None:
    assert slices(study, rows(study, verdict(study))) is None


def test_without_a_free_knob_there_is_nothing_to_draw() -> None:
    study = replace(studies.small(), space=SearchSpace(knobs=(ChoiceKnob(name="only", choices=("a",), default="a"),)))
    study = replace(study, trials=tuple(replace(one, configuration={"only": "a"}) for one in study.trials))
    table = rows(study, verdict(study))
    assert (parallel(study, table), slices(study, table)) == (None, None)
    assert "Every knob was held at one value, so there was nothing to search." in report_files(study)["index.html"]


@pytest.mark.parametrize(("loads", "axes"), [(closed((32,)), ["throughput at 32 users", "p99 at 32 users"]),
                                             (opened((200.0,)), ["p99 at 200 req/s"])])  # fmt: skip
def test_one_load_has_one_axis_of_p99(loads: tuple[Load, ...], axes: list[str]) -> None:
    study = studies.simulated(12, loads=loads)
    drawn = parallel(study, rows(study, verdict(study)))
    assert drawn is not None
    assert drawn.label.endswith(f", precision, {', '.join(axes)}.")
