"""What the terminal shows of a study and of one measurement."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import MACHINE
from tests.report import studies
from tests.report.odd import hostile, noisy
from tests.report.screen import assert_inert
from tuner import console
from tuner.report import finalist_table
from tuner.report.console import print_measurement, print_verdict
from tuner.report.finalist_table import cells, note
from tuner.report.text import short
from tuner.report.verdict import verdict
from tuner.report.write import write_report
from tuner.study.objectives import Slo
from tuner.study.study import Study
from tuner.study.trial import dump_outcome
from tuner.terminal import Output


def test_a_measurement_shows_what_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    measured = studies.rates().trials[0].measurement
    assert measured is not None
    print_measurement(measured, Path("here"))
    shown = capsys.readouterr().out
    for text in ("load", "200 req/s", "goodput", "198 req/s", "session p99", "144 ms", "43.2 to 52.8 ms"):
        assert text in shown
    assert "accuracy 94.0 %, 940 of 1,000 answers right, selection set" in shown
    plain = [replace(level, batch_size=None, goodput=None, session_p99=None) for level in measured.levels]
    print_measurement(replace(measured, levels=tuple(plain)), Path("here"))
    shown = capsys.readouterr().out
    assert not any(text in shown for text in ("goodput", "session", "batch size"))


def test_the_finalists_show_their_ties_and_the_open_loop(capsys: pytest.CaptureFixture[str]) -> None:
    print_verdict(noisy(studies.small()), Path("index.html"))
    shown = capsys.readouterr().out
    assert "(open loop)" in shown
    assert "1.15× [1.15, 1.15]" in shown
    assert "−0.5 pt" in shown
    assert "[−1.3, +0.1]" in shown, "no cell is cut"
    print_verdict(studies.rates(noise=studies.NOISE), Path("index.html"))
    assert "winner; tie with #4" in capsys.readouterr().out


def in_columns(shown: str) -> list[str]:
    """What stands in each column of the table, on one line; a column that was cut is missing."""
    lines = [re.split("[┃│]", line)[1:-1] for line in shown.splitlines() if line[:1] in ("┃", "│")]
    return [" ".join(" ".join(column).split()) for column in zip(*lines, strict=True)]


@pytest.mark.parametrize("study", [noisy(studies.small()), studies.rates(noise=studies.NOISE)], ids=["closed", "open"])
@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_cell_of_the_finalists_is_lost_however_narrow_the_terminal(
    width: int, study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "_WIDE", width)
    print_verdict(study, Path("index.html"))
    table, _, _ = capsys.readouterr().out.partition(verdict(study).sentence)
    found, squeezed = verdict(study), " ".join(table.split())
    columns = in_columns(table)
    assert bool(columns) == (width == 160)
    assert max(map(len, table.splitlines())) <= width
    for finalist in found.finalists:
        name, part = f"#{finalist.trial} {short(finalist.configuration, study.default)}", note(found, finalist)
        shown = list(zip(finalist_table.columns(study, found), cells(study, found, finalist), strict=True))
        if columns:
            assert name in columns[0]
            assert part in columns[1]
            for whole, (heading, one) in zip(columns[2:], shown, strict=True):
                assert whole.startswith(str(heading))
                told = (one.text, one.compared, one.interval if heading.label == finalist_table.RATIO else "")
                assert " ".join(filter(None, told)) in whole
        else:
            lines = " ".join(f"{heading}: {one}" for heading, one in shown)
            assert f"{name} part: {part} {lines}" in squeezed


def test_what_speaks_against_a_finalist_stands_whole_between_the_table_and_the_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_verdict(studies.small(slo=Slo(metric="p99", limit=0.048)), Path("index.html"))
    shown = capsys.readouterr().out.splitlines()
    found = [line for line in shown if "cannot win" in line]
    assert found == [
        f"#{number} cannot win: p99 {p99} ms misses p99 ≤ 48.0 ms" for number, p99 in ((1, 61.0), (0, 95.0))
    ]
    table = max(number for number, line in enumerate(shown) if line.startswith("└"))
    sentence = next(number for number, line in enumerate(shown) if line.startswith("Deploy "))
    assert table < shown.index(found[0]) < shown.index(found[1]) < sentence
    print_verdict(studies.rates(noise=studies.NOISE), Path("index.html"))
    assert "cannot win" not in capsys.readouterr().out


def test_a_hostile_study_is_inert_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    study = hostile()
    print_verdict(replace(study, trials=study.trials[:1], confirmations=()), Path("index.html"))
    print_verdict(study, Path("index.html"))
    shown = capsys.readouterr().out
    assert "=cmd" in shown
    assert_inert(shown)


def test_a_measurement_as_a_document_is_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measured = studies.rates().trials[0].measurement
    assert measured is not None
    (tmp_path / "measurement.json").write_text(dump_outcome(measured, MACHINE))
    output = Output("measure", as_json=True)
    print_measurement(measured, tmp_path, output)
    output.close()
    found = json.loads(capsys.readouterr().out)["result"]
    assert (found["folder"], found["machine"]["cpu"]) == (str(tmp_path), MACHINE.cpu)
    assert found == {"folder": str(tmp_path), **json.loads((tmp_path / "measurement.json").read_text())}


def test_a_verdict_as_a_document_is_the_report_for_other_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = noisy(studies.small())
    page, output = write_report(study, tmp_path), Output("report", as_json=True)
    print_verdict(study, page, output)
    output.close()
    found = json.loads(capsys.readouterr().out)["result"]
    assert found == {"report": str(page), **json.loads((tmp_path / "report.json").read_text())}
