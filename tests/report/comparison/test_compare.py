"""Two stored studies, or folders of measurements: what is worse, what only differs, and what is refused."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.report import studies
from tests.report.studies import configuration, level, measurement
from tests.report.test_write import HOSTILE, hostile
from tuner.errors import RegressionError, StorageError, UsageError
from tuner.gate.effect import Ruling
from tuner.report.comparison.console import document, print_comparison, sentence
from tuner.report.comparison.judge import Comparison, compare
from tuner.report.comparison.sources import Source, of_measurements, of_study
from tuner.study.study import Study
from tuner.study.trial import Failure, FailureKind, Outcome, dump_outcome
from tuner.terminal import Output

SCATTER = (0.99, 1.01, 1.0, 1.005)


def launches(throughput: float, p99: float) -> list[Outcome]:
    return [measurement([level(4, 100.0, 0.01), level(32, throughput * each, p99 / each)]) for each in SCATTER]


def study(throughput: float = 400.0, p99: float = 0.08, **changes: Any) -> Study:
    """A study that kept its default, with so much throughput, over four confirming launches."""
    confirming = launches(throughput, p99)
    return studies.confirmed(studies.study([(configuration(), confirming[0])], **changes), {0: confirming})


def compared(before: Study, after: Study, *, other_machine: bool = False) -> Comparison:
    return compare(of_study(before, "monday"), of_study(after, "tuesday"), other_machine=other_machine)


def rulings(found: Comparison) -> set[tuple[str, str, Ruling]]:
    return {(one.name, one.figure.value, one.ruling) for one in found.changes}


def test_a_study_and_itself_differ_in_nothing() -> None:
    found = compared(study(), study())
    assert {ruling for _, _, ruling in rulings(found)} == {Ruling.INCONCLUSIVE}
    assert found.differences == ()
    assert sentence(found) == "No figure differs beyond noise."
    found.require_no_worse()


def test_what_is_worse_beyond_noise_is_a_regression() -> None:
    found = compared(study(), study(throughput=360.0, p99=0.0795))
    throughput = next(one for one in found.changes if one.figure == "throughput")
    assert throughput.ruling is Ruling.REGRESSION
    assert throughput.ratio.value == pytest.approx(0.9)
    assert "worse beyond noise: throughput of default −10.0 % [" in sentence(found)
    with pytest.raises(RegressionError, match="regression: throughput of default"):
        found.require_no_worse()


def test_what_is_better_is_told_and_no_regression() -> None:
    found = compared(study(), study(throughput=440.0, p99=0.07))
    assert "better beyond noise: p99 of default −12.5 % [" in sentence(found)
    found.require_no_worse()


def test_the_noise_that_the_doctor_knows_widens_the_interval() -> None:
    noisy = replace(studies.NOISE, throughput=0.10, p99=(0.1, 0.1))
    found = compared(study(), replace(study(throughput=360.0), noise=noisy))
    assert {ruling for _, _, ruling in rulings(found)} == {Ruling.INCONCLUSIVE}


def test_what_was_measured_once_has_an_interval_only_where_noise_is_known() -> None:
    once = replace(study(), confirmations=())
    found = compared(once, once)
    assert all(one.ratio.low is None for one in found.changes)
    assert any("launched once has no interval" in doubt for doubt in found.doubts)
    known = compared(replace(once, noise=studies.NOISE), once)
    assert all(one.ratio.low is not None for one in known.changes)


def test_settings_versions_and_answers_that_differ_are_told() -> None:
    other = study()
    worse = replace(other.machine, versions={**other.machine.versions, "onnxruntime": "1.25.0"})
    other = replace(other, machine=worse, settings=replace(other.settings, seed=8))
    found = {one.what: (one.before, one.after) for one in compared(study(), other).differences}
    assert found == {"seed": ("7", "8"), "onnxruntime": ("1.24.4", "1.25.0")}


def test_different_machines_are_refused_unless_they_are_allowed() -> None:
    other = study()
    other = replace(other, machine=replace(other.machine, cores=8))
    with pytest.raises(UsageError, match=r"measured on different machines.*--other-machine"):
        compared(study(), other)
    found = compared(study(), other, other_machine=True)
    assert any("the machines differ" in doubt for doubt in found.doubts)
    assert "processor" in {one.what for one in found.differences}


def test_different_loads_are_refused_always() -> None:
    other = replace(study(), settings=replace(study().settings, workload=studies.rates().settings.workload))
    with pytest.raises(UsageError, match="different loads"):
        compared(study(), other, other_machine=True)


def write(folder: Path, outcomes: Sequence[Outcome]) -> Source:
    for number, outcome in enumerate(outcomes):
        place = folder / f"measure-{number}"
        place.mkdir(parents=True)
        (place / "measurement.json").write_text(dump_outcome(outcome))
    return of_measurements(folder)


def test_folders_of_measurements_are_compared(tmp_path: Path) -> None:
    before, after = (write(tmp_path / name, launches(*figures)) for name, figures in
                     (("a", (400.0, 0.08)), ("b", (300.0, 0.10))))  # fmt: skip
    found = compare(before, after, other_machine=False)
    assert rulings(found) == {
        ("measured", "throughput", Ruling.REGRESSION),
        ("measured", "p99", Ruling.REGRESSION),
    }
    assert any("do not say which machine" in doubt for doubt in found.doubts)
    assert of_measurements(tmp_path / "a" / "measure-0").launches[0].measured == before.launches[0].measured[:1]


def test_measurements_without_figures_or_under_different_loads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of its measurements gave figures"):
        write(tmp_path / "failed", [Failure(kind=FailureKind.CRASH, reason="it ended")])
    with pytest.raises(UsageError, match="under different loads"):
        write(tmp_path / "mixed", [launches(400.0, 0.08)[0], measurement([level(8, 400.0, 0.08)])])


def test_a_measurement_that_cannot_be_read_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "measurement.json").write_text('{"version": 1}')
    with pytest.raises(StorageError):
        of_measurements(tmp_path)


def test_an_infinite_p99_is_said_to_be_left_out(tmp_path: Path) -> None:
    lost = measurement([level(4, 100.0, 0.01), level(32, 400.0, math.inf)])
    found = compare(write(tmp_path / "a", [lost, lost]), write(tmp_path / "b", [lost, lost]), other_machine=False)
    assert {one.figure.value for one in found.changes} == {"throughput"}
    assert "p99 of measured is not known in every launch, so it is not compared" in found.doubts


def test_it_is_written_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    found = compared(study(), study(throughput=360.0))
    print_comparison(found, Output())
    text = capsys.readouterr().out
    assert "✗ worse" in text
    output = Output("compare", as_json=True)
    print_comparison(found, output)
    output.close()
    result = json.loads(capsys.readouterr().out)["result"]
    assert result == json.loads(json.dumps(document(found)))
    assert {one["ruling"] for one in result["changes"]} == {"regression", "inconclusive"}


def test_hostile_studies_are_inert(capsys: pytest.CaptureFixture[str]) -> None:
    found = compare(of_study(hostile(), HOSTILE), of_study(study(), HOSTILE), other_machine=True)
    print_comparison(found, Output())
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
