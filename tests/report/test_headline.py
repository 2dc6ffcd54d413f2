"""The head of the report: the verdict in two words, and the figures that it rests on."""

import re
from dataclasses import replace

import pytest

from tests.report import studies
from tests.report.judged import DEFAULT, FAST, STEADY, arriving, chosen, judged, relaunched
from tuner.report.headline import badge, tiles
from tuner.report.verdict import verdict
from tuner.study.objectives import Slo
from tuner.study.study import Study
from tuner.study.trial import Failure, FailureKind, Measurement, Outcome

BETTER = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060))


@pytest.mark.parametrize(
    ("study", "text", "tone"),
    [
        (BETTER, "Confirmed winner", "good"),
        (arriving((0.020, 0.060), (0.015, 0.030)), "Confirmed winner", "good"),
        (judged((0.012, 401.0, 0.090), (0.012, 399.0, 0.090)), "Keep the default", "plain"),
        (judged((0.020, 390.0, 0.080), (0.020, 380.0, 0.080)), "Keep the default", "plain"),
        (
            judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.075), slo=Slo(metric="p99", limit=0.07)),
            "No winner",
            "warn",
        ),
    ],
)
def test_the_badge_says_what_the_sentence_says(study: Study, text: str, tone: str) -> None:
    found = badge(study, verdict(study))
    assert (found.text, found.tone) == (text, tone)


def test_badges_differ_without_colour_too() -> None:
    kept = judged((0.012, 401.0, 0.090), (0.012, 399.0, 0.090))
    none = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.075), slo=Slo(metric="p99", limit=0.07))
    assert len({badge(study, verdict(study)).sign for study in (BETTER, kept, none)}) == 3


@pytest.mark.parametrize(
    ("study", "figures"),
    [
        (
            studies.small(),
            [
                ("889 req/s", "867 to 912 req/s", ["2.10", "2.09", "2.12"]),
                ("10.2 ms", "10.2 to 10.2 ms", ["0.85", "0.85", "0.85"]),
                ("46.0 ms", "46.0 to 46.0 ms", ["0.48", "0.48", "0.48"]),
            ],
        ),
        (
            studies.with_arrivals(BETTER, 322.0, {DEFAULT: 0.030, STEADY: 0.040, FAST: 0.050}),
            [
                ("700 req/s", "694 to 706 req/s", ["1.75", "1.75", "1.75"]),
                ("11.0 ms", "11.0 to 11.0 ms", ["0.92", "0.92", "0.92"]),
                ("60.0 ms", "60.0 to 60.0 ms", ["0.63", "0.63", "0.63"]),
                ("50.2 ms", "49.8 to 50.7 ms", ["1.67", "1.67", "1.67"]),
            ],
        ),
        (
            judged((0.012, 401.0, 0.090), (0.012, 399.0, 0.090)),
            [
                ("400 req/s", "396 to 404 req/s", []),
                ("12.0 ms", "12.0 to 12.0 ms", []),
                ("95.0 ms", "95.0 to 95.0 ms", []),
            ],
        ),
    ],
    ids=["small", "arrivals", "default"],
)
def test_a_tile_has_a_figure_its_interval_and_how_many_times_the_default_it_is(
    study: Study, figures: list[tuple[str, str, list[str]]]
) -> None:
    *found, quality = tiles(study, verdict(study))
    assert [(one.value, one.interval, re.findall(r"\d+\.\d+", one.compared)) for one in found] == figures
    assert quality.label == "Accuracy"


def test_the_tile_of_the_accuracy_has_its_count_and_its_difference_to_the_default() -> None:
    found = tiles(studies.small(), verdict(studies.small()))[-1]
    assert (found.value, re.findall(r"\d[\d,]*\b", found.interval)) == ("93.5 %", ["935", "1,000"])
    assert "−0.5 pt [−1.3, +0.1]" in found.compared


@pytest.mark.parametrize(
    ("p99s", "kept", "tone"),
    [
        ((0.060, 0.060, 0.060, 0.060), ["4", "4"], "good"),
        ((0.060, 0.071, 0.060, 0.060), ["3", "4"], "mixed"),
        ((0.060, None, 0.060, 0.060), ["3", "3"], "good"),
    ],
    ids=["always", "on average", "disturbed"],
)
def test_the_tile_of_the_slo_counts_the_launches_that_kept_it(
    p99s: tuple[float | None, ...], kept: list[str], tone: str
) -> None:
    slo = Slo(metric="p99", limit=0.07)
    study = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060), slo=slo)
    disturbed = Failure(kind=FailureKind.INVALID, reason="the load process was late")

    def launched(number: int, one: Measurement) -> Outcome:
        p99 = p99s[number]
        if p99 is None:
            return disturbed
        target = replace(one.target, p99=replace(one.target.p99, value=p99))
        return replace(one, levels=(*one.levels[:-1], target))

    study = relaunched(study, FAST, launched)
    assert chosen(study) == FAST
    found = tiles(study, verdict(study))[-1]
    assert str(slo) in found.label
    assert (re.findall(r"\d+", found.interval), found.tone) == (kept, tone)
    assert bool(found.compared) == (tone == "mixed"), "what is mixed is said to be"


@pytest.mark.parametrize(
    ("study", "labels"),
    [
        (studies.small(), ["Throughput at 32 users", "p99 at 4 users", "p99 at 32 users", "Accuracy"]),
        (
            studies.rates(slo=None),
            ["p99 at 200 req/s", "Throughput at 200 req/s", "p99 at 50 req/s", "Accuracy"],
        ),
    ],
)
def test_the_head_begins_with_the_figure_that_decides(study: Study, labels: list[str]) -> None:
    assert [tile.label for tile in tiles(study, verdict(study))] == labels
