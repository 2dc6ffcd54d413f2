"""The charts and the figures beside them: true to their samples, and on the page with all that was made for them."""

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.report import samples, studies
from tests.report.odd import noisy
from tests.report.sections import pieces, source, table, text, words
from tests.report.studies import level, measurement
from tuner.load.samples import Samples
from tuner.report.detail import Detail, detail
from tuner.report.finalists.breakdown import PARTS
from tuner.report.finalists.launches import Launch, Runs
from tuner.report.finalists.tail import tail
from tuner.report.finalists.timeline import timeline
from tuner.report.rows import rows
from tuner.report.text import short
from tuner.report.verdict import verdict
from tuner.report.write import report_files
from tuner.search.importance import importances
from tuner.study.study import Study
from tuner.study.trial import Measurement
from tuner.study.workload import closed
from tuner.units import format_seconds, format_share


def only(rows: Samples, measured: Measurement) -> Runs:
    """A configuration with a single launch that left these requests."""
    return Runs(trial=0, name="#0", role="default", once=True, launches=(Launch(measured=measured, samples=rows),))


LOOK = ("ink", "star", "solid")


def test_each_further_nine_takes_the_same_room_on_the_axis_of_the_tail() -> None:
    count = 20_000
    made = samples.request_rows(count, 0.0, begin=100.0, every=3.0 / count)
    made["end"] += np.linspace(1.0, count, count) / 1e6
    measured = measurement([replace(level(4, 300.0, 0.01), opened=100.0)])
    drawn = tail([only(made, measured)], 0, closed((4,))[0], {0: LOOK}, ())
    assert drawn is not None
    (line,), axis = drawn.figure["data"], drawn.figure["layout"]["xaxis"]
    place = {"log": np.log10, "linear": lambda x: x}[axis.get("type", "linear")]
    at = {latency: place(x) for x, latency in zip(line["x"], line["y"], strict=True)}
    # Of 20,000 requests that take 1, 2, 3 … µs, 0.9 took 18 ms and less, and so on.
    median, nine, two, three = (at[latency] for latency in (10.0, 18.0, 19.8, 19.98))
    assert (two - nine, three - two) == (pytest.approx(1.0), pytest.approx(1.0))
    assert nine - median == pytest.approx(math.log10(5.0))
    named = dict(zip(axis["ticktext"], map(place, axis["tickvals"]), strict=True))
    assert [named[share] for share in ("50 %", "90 %", "99 %", "99.9 %")] == pytest.approx([median, nine, two, three])
    assert drawn.table is not None
    assert drawn.table.rows == (("#0", "20,000", "10.0 ms", "18.0 ms", "19.8 ms", "20.0 ms"),)


def test_a_tail_of_few_requests_tells_only_what_ten_were_slower_than() -> None:
    made = samples.request_rows(999, 0.010, begin=100.0, every=0.003)
    measured = measurement([replace(level(4, 300.0, 0.01), opened=100.0)])
    drawn = tail([only(made, measured)], 0, closed((4,))[0], {0: LOOK}, ())
    assert drawn is not None
    assert drawn.table is not None
    ((*told, rare, rarest),) = drawn.table.rows
    assert told == ["#0", "999", "10.0 ms", "10.0 ms"]
    assert rare == rarest != "10.0 ms"


def test_the_launch_in_the_middle_is_drawn_over_time_with_throughput_p50_and_p99() -> None:
    made = samples.request_rows(400, 0.010, begin=100.0, every=0.01)
    made["end"][::5] += 0.030
    measured = measurement([replace(level(4, 100.0, 0.04), opened=100.0, seconds=4.0)])
    drawn = timeline(only(made, measured), LOOK)
    assert drawn is not None
    by_axis: dict[str, list[Any]] = {}
    for trace in drawn.figure["data"]:
        by_axis.setdefault(trace.get("yaxis", "y"), []).append(trace)
    p50, p99 = sorted(by_axis["y"], key=lambda trace: trace["y"][5])
    assert (p50["y"][5], p99["y"][5]) == (pytest.approx(10.0), pytest.approx(40.0))
    assert "p50 10.0 ms" in p50["hovertext"][5]
    assert "p99 40.0 ms" in p99["hovertext"][5]
    assert p50["opacity"] < p99["opacity"]
    (throughput,) = by_axis["y2"]
    assert throughput["y"][5] == pytest.approx(100.0)
    assert "100 req/s" in throughput["hovertext"][5]


@pytest.fixture(scope="module")
def closely(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, str, Detail]:
    """A study with samples, its page, and what was found in the samples."""
    folder = tmp_path_factory.mktemp("study")
    study = samples.leave(noisy(studies.simulated(31)), folder)
    found = verdict(study)
    return study, report_files(study, folder)["index.html"], detail(study, found, rows(study, found), folder)


def test_where_the_time_of_a_finalist_goes_is_said_drawn_and_tabled(closely: tuple[Study, str, Detail]) -> None:
    study, page, found = closely
    articles = pieces(source(page, "finalists"), "article")
    assert len(articles) == len(found.finalists.where) == 3
    for one, article in zip(found.finalists.where, articles, strict=True):
        configuration = study.trial(one.runs.trial).configuration
        assert text(article).startswith(
            words(f"#{one.runs.trial}", one.runs.role, short(configuration, study.default), one.sentence)
        )
        assert one.breakdown is not None
        parts = one.breakdown.parts
        drawn = re.findall(r'<span class="part-(\w+)" style="width:([\d.]+)%"', article)
        assert [name for name, _ in drawn] == [part.name for part in parts]
        assert [float(width) for _, width in drawn] == pytest.approx([100.0 * part.share for part in parts], abs=0.006)
        head, *body = table(article)
        assert format_seconds(one.breakdown.mean) in head[0]
        assert body == [(PARTS[part.name], format_seconds(part.seconds), format_share(part.share)) for part in parts]


def test_which_knobs_matter_is_a_row_for_each_with_its_share(closely: tuple[Study, str, Detail]) -> None:
    study, page, _ = closely
    tables = [one for one in pieces(source(page, "search"), "table") if "<caption" in one]
    found = importances(study)
    assert len(tables) == len(found) == 2
    for one, shared in zip(found, tables, strict=True):
        assert one.objective in text(pieces(shared, "caption")[0])
        assert table(shared)[1:] == [(name, format_share(share), "") for name, share in one.shares.items()]
        widths = list(map(float, re.findall(r"width:([\d.]+)%", shared)))
        assert widths == pytest.approx([100.0 * share for share in one.shares.values()], abs=0.006)


def test_every_chart_has_its_title_its_legend_its_words_and_its_figures(closely: tuple[Study, str, Detail]) -> None:
    _, page, found = closely
    drawn = [one for name in ("finalists", "search") for one in pieces(source(page, name), "figure")]
    figures = {re.findall(r'id="([\w-]+)"', one)[0]: one for one in drawn}
    drawings = {one.id: one for one in found.drawings}
    assert figures.keys() == drawings.keys()
    for name, one in drawings.items():
        head, *body = table(figures[name]) or [()]
        assert f'aria-label="{one.label}"' in figures[name]
        assert text(pieces(figures[name], "h3")[0]) == words(one.title)
        assert [text(key) for key in pieces(figures[name], "li")] == [words(key.label) for key in one.keys]
        assert text(pieces(figures[name], "figcaption")[0]) == words(one.told)
        assert (head, body) == (((), []) if one.table is None else (one.table.heads, list(one.table.rows)))
        assert all(len(row) == len(head) for row in body), "each column has a heading"
    assert {one.id for one in drawings.values() if one.table} == {"curves", "tail-1", "tail-0", "gain"}
