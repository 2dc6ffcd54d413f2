"""The section on the finalists, from samples whose summary is known."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import numpy.lib.recfunctions as columns
import pytest

from tests.report import samples, studies
from tests.report.studies import configuration, level, measurement
from tuner.load.samples import COLUMNS
from tuner.report.detail import detail
from tuner.report.figure import Key
from tuner.report.finalists.bottleneck import sentence
from tuner.report.finalists.breakdown import Breakdown, Part, of_samples
from tuner.report.finalists.curves import curves
from tuner.report.finalists.launches import Launch, Runs, runs
from tuner.report.finalists.tail import curve, tail
from tuner.report.finalists.timeline import series
from tuner.report.rows import rows
from tuner.report.verdict import verdict
from tuner.report.write import report_files
from tuner.search.importance import Importance
from tuner.study import places
from tuner.study.space import RangeKnob, SearchSpace
from tuner.study.study import Study
from tuner.study.trial import Conditions, LevelSummary
from tuner.study.workload import closed


def found_runs(study: Study, folder: Path | None) -> tuple[Runs, ...]:
    return runs(study, verdict(study), folder)


def test_the_launches_of_every_finalist_are_found_with_their_samples(tmp_path: Path) -> None:
    study = samples.leave(studies.small(), tmp_path)
    found = found_runs(study, tmp_path)
    assert [(one.trial, one.role, len(one.sampled)) for one in found] == [
        (3, "winner", 3),
        (1, "finalist", 3),
        (0, "default", 3),
    ]
    launch = found[0].launches[0]
    window = launch.window(1)
    target = launch.measured.target
    assert window["intended"].min() >= target.opened
    assert window["intended"].max() < target.opened + target.seconds


def zipped(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, samples=np.zeros(3))


SPOILT: dict[str, Callable[[Path], object]] = {
    "torn head": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "torn rows": lambda path: path.write_bytes(path.read_bytes()[:-1000]),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("no array"),
    "a zip archive": zipped,
    "the head of a zip archive": lambda path: path.write_bytes(b"PK\x03\x04 and no more"),
    "no row": lambda path: np.save(path, samples.request_rows(0, 0.01)),
    "one row that is no list": lambda path: np.save(path, samples.request_rows(1, 0.01)[0]),
    "plain numbers": lambda path: np.save(path, np.zeros(3)),
    "texts": lambda path: np.save(path, np.zeros(3, dtype=[(name, "U3") for name in COLUMNS])),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_samples_that_are_damaged_are_left_out_and_said_to_be(spoil: str, tmp_path: Path) -> None:
    study = samples.leave(studies.small(), tmp_path)
    SPOILT[spoil](places.confirmation_folder(tmp_path, 0, 3) / places.SAMPLES)
    shown = detail(study, verdict(study), rows(study, verdict(study)), tmp_path).finalists
    assert (shown.missing, shown.damaged) == (0, 1)
    assert [one.breakdown is not None for one in shown.where] == [True, True, True]
    assert "The samples of 1 launch cannot be read" in report_files(study, tmp_path)["index.html"]


def test_samples_that_are_not_there_are_missing_and_said_to_be(tmp_path: Path) -> None:
    study = samples.leave(studies.small(), tmp_path)
    (places.confirmation_folder(tmp_path, 0, 3) / places.SAMPLES).unlink()
    shown = detail(study, verdict(study), rows(study, verdict(study)), tmp_path).finalists
    assert (shown.missing, shown.damaged) == (1, 0)
    assert "The samples of 1 launch were not found" in report_files(study, tmp_path)["index.html"]
    elsewhere = detail(study, verdict(study), rows(study, verdict(study)), None).finalists
    assert (elsewhere.missing, elsewhere.damaged) == (9, 0)


def test_what_was_not_confirmed_is_shown_as_measured_once(tmp_path: Path) -> None:
    study = samples.leave(replace(studies.small(), confirmations=()), tmp_path)
    found = found_runs(study, tmp_path)
    assert [(one.trial, one.once, len(one.sampled)) for one in found] == [(3, True, 1), (0, True, 1)]


@pytest.mark.parametrize("study", [studies.study([]), studies.study([(configuration(), studies.failure())])])
def test_where_nothing_was_measured_nothing_is_shown(study: Study, tmp_path: Path) -> None:
    shown = detail(study, verdict(study), rows(study, verdict(study)), tmp_path).finalists
    assert (shown.where, shown.drawings, shown.tails, shown.times, shown.missing) == ((), (), (), (), 0)
    assert shown.damaged == 0


def parts(found: Breakdown | None) -> dict[str, float]:
    assert found is not None
    return {part.name: round(part.seconds * 1e3, 6) for part in found.parts}


TIMES = {"queue": 0.002, "batch": 0.001, "compute": 0.004, "total": 0.008}


@pytest.mark.parametrize(
    ("known", "cut", "untold"),
    [
        (TIMES, {"client": 2.0, "queue": 2.0, "batch": 1.0, "compute": 4.0, "rest": 1.0}, ()),
        ({**TIMES, "batch": np.nan}, {"client": 2.0, "queue": 2.0, "compute": 4.0, "rest": 2.0}, ("batch",)),
        ({"total": 0.008}, {"client": 2.0, "server": 8.0}, ("queue", "batch", "compute")),
        ({"queue": 0.002, "compute": 0.004}, {"client": 4.0, "queue": 2.0, "compute": 4.0}, ("batch", "total")),
        ({}, {"unknown": 10.0}, ("queue", "batch", "compute", "total")),
    ],
)
def test_a_request_of_ten_milliseconds_is_cut_into_its_parts(
    known: Mapping[str, float], cut: dict[str, float], untold: tuple[str, ...]
) -> None:
    found = of_samples([samples.request_rows(50, 0.010, **known)])
    assert parts(found) == cut
    assert found is not None
    assert (found.untold, found.mean, found.requests, found.overlap) == (untold, pytest.approx(0.010), 50, 0.0)


@pytest.mark.parametrize(
    ("known", "cut", "over"),
    [
        # Of a request with several rows the slowest of each part is told, and together they may be more than all.
        ({**TIMES, "compute": 0.009}, {"client": 2.0, "queue": 2.0, "batch": 1.0, "compute": 9.0}, 4.0),
        # A server that counts more than the client saw.
        ({**TIMES, "total": 0.013}, {"queue": 2.0, "batch": 1.0, "compute": 4.0, "rest": 6.0}, 3.0),
    ],
)
def test_parts_that_are_more_than_the_request_are_said_to_overlap(
    known: Mapping[str, float], cut: dict[str, float], over: float
) -> None:
    found = of_samples([samples.request_rows(50, 0.010, **known)])
    assert parts(found) == cut
    assert found is not None
    assert found.overlap == pytest.approx(over / 1e3)
    assert sum(part.seconds for part in found.parts) == pytest.approx(found.drawn)
    assert told(found).startswith("What limits it cannot be determined: the times that the server reports overlap")


def test_one_answer_without_its_times_does_not_hide_those_of_all_others() -> None:
    rows = samples.request_rows(2000, 0.010, **TIMES)
    for name in ("queue", "batch", "compute", "total"):
        rows[name][7] = np.nan
    rows["queue"][8] = np.nan
    found = of_samples([rows])
    assert parts(found) == {"client": 2.0, "queue": 2.0, "batch": 1.0, "compute": 4.0, "rest": 1.0}
    assert found is not None
    assert (found.requests, found.valid, found.untold) == (1998, 2000, ())


def test_what_a_server_tells_of_few_requests_is_not_told() -> None:
    rows = samples.request_rows(100, 0.010, **TIMES)
    rows["batch"][40:] = np.nan
    found = of_samples([rows])
    assert parts(found) == {"client": 2.0, "queue": 2.0, "compute": 4.0, "rest": 2.0}
    assert found is not None
    assert (found.requests, found.valid, found.untold) == (100, 100, ("batch",))


def test_a_late_start_of_an_open_loop_is_a_part_and_failed_requests_do_not_count() -> None:
    rows = samples.request_rows(10, 0.010, **TIMES)
    rows["sent"] += 0.001
    rows["end"] += 0.001
    rows["ok"][:4], rows["end"][:4] = 0, inf
    assert parts(of_samples([rows]))["late"] == 1.0
    rows["ok"] = 0
    assert of_samples([rows]) is None
    assert of_samples([]) is None


def test_samples_of_an_earlier_version_do_not_tell_the_wait_for_a_batch() -> None:
    old = columns.drop_fields(samples.request_rows(50, 0.010, **TIMES), "batch", usemask=False)
    new = samples.request_rows(50, 0.010, **TIMES)
    found = of_samples([new, old])
    assert parts(found) == {"client": 2.0, "queue": 2.0, "compute": 4.0, "rest": 2.0}
    assert found is not None
    assert found.untold == ("batch",)


def spent(**shares: float) -> Breakdown:
    """A request of 10 ms with these shares of it."""
    cut = tuple(Part(name=name, seconds=0.01 * share, share=share) for name, share in shares.items())
    hidden = tuple(name for name in ("queue", "compute", "total") if shares.keys() & {"server", "unknown"})
    return Breakdown(requests=1000, valid=1000, mean=0.01, parts=cut, untold=hidden, overlap=0.0)


MATTERS = Importance(
    objective="throughput at 32 users", shares={"workers": 0.6, "max_batch_size": 0.4}, trials=50, best=5
)


def told(found: Breakdown | None, importance: Importance | None = None, **changes: Any) -> str:
    """The sentence on the default, alone on two cores, whose server used 0.8 of them."""
    made: LevelSummary = replace(level(32, 400.0, 0.02), **{"cpu_per_request": 0.002, **changes})
    measured = measurement([level(4, 300.0, 0.01), made])
    study = studies.study([(configuration(), measured)])
    one = Runs(trial=0, name="#0", role="winner", once=True, launches=(Launch(measured=measured, samples=None),))
    return sentence(study, one, found, importance, None)


CALM = Conditions(lag_p99=0.0, lag_most=0.0, load_cpu=0.1)


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        (
            {"client": 0.1, "queue": 0.7, "compute": 0.2},
            "Its own concurrency limits it, because requests queue while cores",
        ),
        ({"queue": 0.1, "batch": 0.7, "compute": 0.2}, "Waiting for fuller batches limits it"),
        ({"queue": 0.1, "compute": 0.9}, "The computation of a single batch limits it"),
        ({"compute": 0.1, "rest": 0.9}, "Reading and writing requests limits it, not the model"),
        ({"client": 0.9, "compute": 0.1}, "The server does not limit it: the time passes in the client"),
        (
            {"client": 0.1, "server": 0.9},
            "What limits it cannot be determined: the server does not report queue, compute",
        ),
        ({"unknown": 1.0}, "What limits it cannot be determined"),
    ],
)
def test_with_cores_to_spare_the_largest_part_limits(shares: dict[str, float], words: str) -> None:
    assert told(spent(**shares)).startswith(words)


def test_the_processor_limits_a_server_without_cores_to_spare() -> None:
    queueing = spent(client=0.1, queue=0.7, compute=0.2)
    full = told(queueing, cpu_per_request=0.00425, conditions=CALM)
    assert full.startswith(
        "The processor limits it: the server was busy on 1.7 of 2 cores, the load on 0.1, and 70.0 % of the mean "
        "10.0 ms of a request is waiting in the queue."
    )
    crowded = told(queueing, conditions=replace(CALM, other_programs=0.45))
    assert crowded.startswith("The processor limits it, which it had to share with other programs: ")
    assert "other programs on 0.9" in crowded
    assert told(None, cpu_per_request=None).startswith("What limits it is not known: there are no requests to see")
    assert told(replace(queueing, untold=("total",))).startswith(
        "What limits it cannot be determined: the server does not report its total time, and the server was busy on 0.8"
    )


def test_without_the_wait_for_a_batch_the_rest_of_the_server_is_not_called_reading_and_writing() -> None:
    unsplit = replace(spent(compute=0.1, rest=0.9), untold=("batch",))
    assert told(unsplit).startswith(
        "Neither queue nor computation limits it; the rest of the server does, which may include"
    )


@pytest.mark.parametrize(("periods", "blamed"), [(3, False), (4, True), (400, True)])
def test_a_quota_limits_from_a_tenth_of_its_periods_on(periods: int, blamed: bool) -> None:
    # A level of 3.2 s has 32 periods of 100 ms.
    said = told(spent(queue=0.8, compute=0.2), conditions=replace(CALM, throttled=periods))
    assert said.startswith("A processor quota of the container limits it: it was stopped") == blamed
    assert ("in 12.5 % of the periods." in said) == (periods == 4)
    assert ("in 100.0 % of the periods." in said) == (periods == 400)


def advised(importance: Importance | None, model: Mapping[str, Any] | None = None, **knobs: Any) -> str:
    """The advice for a configuration of the small study."""
    study = studies.small()
    chosen = {**study.trial(3).configuration, **knobs}
    trials = tuple(replace(one, configuration=chosen) if one.number == 3 else one for one in study.trials)
    one = Runs(trial=3, name="#3", role="winner", once=False, launches=())
    return sentence(replace(study, trials=trials), one, None, importance, model)


def test_the_knob_to_try_next_is_the_one_that_matters_most_and_has_something_left() -> None:
    few = replace(MATTERS, trials=12)
    assert (
        "Try max_batch_size next, which has 40.0 % of the importance for throughput at 32 users: it stands at 8, and "
        "no other value between 1 and 32 was tried." in advised(MATTERS)
    )
    assert "with low confidence from 12 trials" in advised(few)
    highest = "it stands at 2, the highest value of its range, so a wider range may hold a better one"
    assert f"Try workers next, which has 60.0 % of the importance for throughput at 32 users: {highest}." in advised(
        MATTERS, workers=2
    )
    model = {**studies.small().default, "workers": 2}
    assert (
        "Try workers next, which has 60.0 % of the importance for throughput at 32 users: the winner has 2."
        in advised(MATTERS, model)
    )
    providers = replace(MATTERS, shares={"precision": 1.0})
    assert "Every knob's neighbouring values were tried." in advised(providers)
    assert "Which knob to try next is not known" in advised(None)


LOG = RangeKnob(name="batch", low=1, high=64, default=1, integer=True, log=True)
WAIT = RangeKnob(name="wait", low=0.0, high=20.0, default=5.0)


@pytest.mark.parametrize(
    ("knob", "value", "tried", "words"),
    [
        (LOG, 64, (), "it stands at 64, the highest value of its range, so a wider range may hold a better one"),
        (
            LOG,
            63,
            (64,),
            "it stands at 63, near the highest value of its range, so a wider range may hold a better one",
        ),
        (LOG, 2, (1,), "it stands at 2, and no other value between 1 and 64 was tried"),
        (LOG, 8, (7, 9), ""),
        (LOG, 40, (36, 44), ""),
        (LOG, 8, (6, 11), "it stands at 8, and no other value between 6 and 11 was tried"),
        (WAIT, 0.3, (), "it stands at 0.3, near the lowest value of its range, so a wider range may hold a better one"),
        (WAIT, 10.0, (9.1, 10.9), ""),
        (WAIT, 10.0, (8.0, 10.9), "it stands at 10, and no other value between 8 and 10.9 was tried"),
    ],
)
def test_what_is_near_is_near_on_the_scale_of_the_knob(
    knob: RangeKnob, value: float, tried: tuple[float, ...], words: str
) -> None:
    space = SearchSpace(knobs=(knob,))
    trials = [({knob.name: one}, studies.failure()) for one in (value, *tried)]
    one = Runs(trial=0, name="#0", role="winner", once=False, launches=())
    matters = Importance(objective="throughput", shares={knob.name: 1.0}, trials=40, best=4)
    said = sentence(replace(studies.study(trials), space=space), one, None, matters, None)
    assert said.endswith(f"{words}." if words else "Every knob's neighbouring values were tried.")


def test_values_count_as_tried_where_their_knob_mattered() -> None:
    only = replace(MATTERS, shares={"batch_timeout_ms": 1.0})
    study = studies.small()
    tried = [{**study.trial(3).configuration, "batch_timeout_ms": wait} for wait in (10.0, 9.5, 10.5)]
    idle = [{**study.default, "batch_timeout_ms": 10.0}]
    one = Runs(trial=0, name="#0", role="winner", once=False, launches=())
    for configurations, words in (
        (tried, "neighbouring values were tried"),
        ([tried[0], *idle], "no other value between 0 and"),
    ):
        trials = [(chosen, studies.failure()) for chosen in configurations]
        assert words in sentence(studies.study(trials), one, None, only, None)


def test_a_knob_that_does_not_matter_in_a_configuration_is_not_advised() -> None:
    only = replace(MATTERS, shares={"batch_timeout_ms": 1.0})
    assert "Try batch_timeout_ms next" in advised(only)
    assert "Try batch_timeout_ms next" not in advised(only, max_batch_size=1)


def test_the_curve_of_known_launches() -> None:
    launches = tuple(
        Launch(measured=studies.pair(light, 0.010, target, 0.040), samples=None)
        for light, target in ((200.0, 400.0), (800.0, 1600.0))
    )
    one = Runs(trial=5, name="#5", role="winner", once=False, launches=launches)
    drawn = curves([one], {5: ("accent", "circle", "solid")}, ())
    assert drawn is not None
    p99 = drawn.figure["data"][0]
    assert list(p99["x"]) == pytest.approx([400.0, 800.0]), "the geometric mean over launches"
    assert list(p99["y"]) == pytest.approx([10.0, 40.0])
    assert drawn.table is not None
    assert drawn.table.rows[1] == ("#5", "32 users", "800 req/s", "24.0 ms", "40.0 ms (40.0 to 40.0 ms)")
    assert "Two loads are the ends of a curve only: search with more, such as --users 1,4,16,64." in drawn.told


def test_in_open_loop_more_loads_are_more_rates(tmp_path: Path) -> None:
    study = studies.rates()
    shown = detail(study, verdict(study), rows(study, verdict(study)), tmp_path)
    (drawn,) = (one for one in shown.finalists.drawings if one.id == "curves")
    assert "search with more, such as --rate 25,50,100,200." in drawn.told


def test_a_load_with_an_infinite_p99_in_one_launch_has_no_point_and_is_in_the_table() -> None:
    def launched(slow: LevelSummary) -> Launch:
        return Launch(measured=measurement([level(4, 300.0, 0.010), slow]), samples=None)

    fine = level(32, 400.0, 0.040)
    failed = replace(fine, p99=replace(fine.p99, value=inf))
    few = replace(fine, requests=367)
    found = [
        Runs(trial=5, name="#5", role="winner", once=False, launches=(launched(fine), launched(failed))),
        Runs(trial=6, name="#6", role="finalist", once=False, launches=(launched(fine), launched(few))),
        Runs(trial=7, name="#7", role="default", once=False, launches=(launched(fine), launched(fine))),
    ]
    look = {one.trial: ("accent", "circle", "solid") for one in found}
    drawn = curves(found, look, ())
    assert drawn is not None
    assert [list(trace["x"]) for trace in drawn.figure["data"][::2]] == [
        pytest.approx([300.0]),
        pytest.approx([300.0]),
        pytest.approx([300.0, 400.0]),
    ]
    assert drawn.table is not None
    assert drawn.table.rows[1::2] == (
        ("#5", "32 users", "400 req/s", "24.0 ms", "∞ in 1 of 2 launches"),
        ("#6", "32 users", "400 req/s", "24.0 ms", "too few requests to tell in 1 of 2 launches"),
        ("#7", "32 users", "400 req/s", "24.0 ms", "40.0 ms (40.0 to 40.0 ms)"),
    )
    assert drawn.told.endswith(
        " Where a launch has no finite p99 there is no point: #5 winner at 32 users, #6 finalist at 32 users. "
        "The table says why."
    )


def test_a_configuration_without_a_point_has_no_key() -> None:
    failed = replace(level(4, 300.0, 0.01), p99=replace(level(4, 300.0, 0.01).p99, value=inf))
    found = [
        Runs(trial=trial, name=f"#{trial}", role="", once=True, launches=(Launch(measured=one, samples=None),))
        for trial, one in ((0, measurement([failed])), (1, measurement([level(4, 300.0, 0.01)])))
    ]
    keys = tuple(Key(group=str(trial), label="", symbol="circle", colour="ink") for trial in (0, 1))
    drawn = curves(found, dict.fromkeys((0, 1), ("ink", "star", "solid")), keys)
    assert drawn is not None
    assert [key.group for key in drawn.keys] == ["1"]


def test_a_tail_that_ends_in_failures_says_so() -> None:
    made = samples.request_rows(1000, 0.010, begin=100.0, every=0.003)
    measured = measurement([replace(level(4, 300.0, 0.01), opened=100.0)])
    failed = made.copy()
    failed["ok"][::20] = 0
    (load,) = closed((4,))
    said = {}
    dead = made.copy()
    dead["ok"] = 0
    for name, windows in (("whole", made), ("failed", failed), ("all", dead)):
        launch = Launch(measured=measured, samples=windows)
        one = Runs(trial=0, name="#0", role="default", once=True, launches=(launch,))
        drawn = tail([one], 0, load, {0: ("ink", "star", "solid")}, ())
        said[name] = drawn.told if drawn else None
    ends = "a curve ends where only 10 requests were slower"
    assert f"{ends}. The table" in str(said["whole"])
    assert f"{ends}, and of #0 default before that, where requests failed: those are infinitely" in str(said["failed"])
    assert said["all"] is None


def test_a_load_without_a_finite_p99_has_no_point() -> None:
    broken = measurement([replace(level(4, 300.0, 0.01), p99=replace(level(4, 1.0, 1.0).p99, value=inf))])
    one = Runs(trial=0, name="#0", role="default", once=True, launches=(Launch(measured=broken, samples=None),))
    assert curves([one], {0: ("ink", "star", "solid")}, ()) is None


def test_the_tail_ends_where_too_few_requests_were_slower() -> None:
    x, y = curve(np.arange(1.0, 1001.0))
    assert (x[0], y[0]) == (1.0, 1.0)
    assert (x[-1], y[-1]) == (100.0, 990.0)
    assert y[x.index(2.0)] == 500.0
    assert y[x.index(10.0)] == 900.0
    assert len(x) <= 200
    x, y = curve(np.append(np.arange(1.0, 951.0), [inf] * 50))
    assert max(y) == 950.0, "failed requests are infinitely slow, so the curve leaves the chart"


def test_slices_of_time_count_what_ended_in_them() -> None:
    made = samples.request_rows(400, 0.010, begin=100.0, every=0.005)
    made["end"][made["intended"] >= 101.0] += 0.030
    made["ok"][:40] = 0
    found = series(made, 100.0, 102.0)
    assert found.width == 0.05
    assert len(found.middle) == 40
    assert found.middle[0] == pytest.approx(0.025)
    assert found.throughput[10] == pytest.approx(200.0)
    assert found.throughput[1] == 0.0, "failed requests are no throughput"
    assert found.p50[10] == pytest.approx(0.010)
    assert found.p99[-1] == pytest.approx(0.040)
    empty = series(samples.request_rows(10, 0.010, begin=100.0), 100.0, 110.0)
    assert np.isnan(empty.p99[-1])


def test_a_slice_that_is_cut_short_is_no_drop_of_throughput() -> None:
    found = series(samples.request_rows(410, 0.010, begin=100.0, every=0.005), 100.0, 102.03)
    assert len(found.middle) == 40
    assert found.throughput[-1] == pytest.approx(200.0)


def test_the_warm_up_is_shaded_and_every_chart_has_words_and_a_name(tmp_path: Path) -> None:
    study = samples.leave(studies.small(), tmp_path)
    shown = detail(study, verdict(study), rows(study, verdict(study)), tmp_path)
    assert [one.id for one in shown.finalists.tails] == ["tail-1", "tail-0"]
    assert [one.id for one in shown.finalists.times] == ["time-3", "time-1", "time-0"]
    shades = [one for one in shown.finalists.times[0].figure["layout"]["shapes"] if "fillcolor" in one]
    told = shown.finalists.times[0].told
    assert "Shaded is the warm-up, which no figure counts: 500 ms and 500 ms." in told
    assert ", p50 from " in told
    assert ", p99 from " in told
    # The samples of a level begin half a second before its window, and levels last 3.2 s.
    assert [(round(one["x0"], 1), round(one["x1"], 1)) for one in shades] == [(0.0, 0.5), (3.7, 4.2)]
    for drawing in shown.drawings:
        assert drawing.label.endswith(".")
        assert drawing.told.rstrip().endswith(".")
    assert len({one.id for one in shown.drawings}) == len(list(shown.drawings))
