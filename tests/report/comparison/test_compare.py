"""Two stored studies, or folders of measurements: what is worse, what only differs, and what is refused."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MACHINE, MakeTarget
from tests.report import studies
from tests.report.odd import HOSTILE, hostile
from tests.report.studies import configuration, level, measurement
from tuner import bundled
from tuner.errors import RegressionError, StorageError, UsageError
from tuner.machine import Machine
from tuner.report.comparison.console import document, print_comparison, sentence
from tuner.report.comparison.judge import ChangeKind, Comparison, compare
from tuner.report.comparison.sources import Source, of_measurements, of_study
from tuner.study.settings import MeasureSettings
from tuner.study.study import Study
from tuner.study.trial import Failure, FailureKind, Outcome, dump_outcome
from tuner.study.workload import closed, standard
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


def kinds(found: Comparison) -> set[tuple[str, str, ChangeKind]]:
    return {(one.name, one.figure.value, one.kind) for one in found.changes}


def test_a_study_and_itself_differ_in_nothing() -> None:
    found = compared(study(), study())
    assert {kind for _, _, kind in kinds(found)} == {ChangeKind.WITHIN_NOISE}
    assert found.differences == ()
    assert sentence(found) == "No figure differs beyond noise."
    found.require_no_worse()


def test_what_is_worse_beyond_noise_is_a_regression() -> None:
    found = compared(study(), study(throughput=360.0, p99=0.0795))
    throughput = next(one for one in found.changes if one.figure == "throughput")
    assert throughput.kind is ChangeKind.WORSE
    assert throughput.ratio.value == pytest.approx(0.9)
    assert "worse beyond noise: throughput of default −10.0 % [" in sentence(found)
    with pytest.raises(RegressionError, match="regression: throughput of default"):
        found.require_no_worse()


def test_what_is_better_is_told_and_no_regression() -> None:
    found = compared(study(), study(throughput=440.0, p99=0.07))
    assert {kind for _, _, kind in kinds(found)} == {ChangeKind.BETTER}
    assert "better beyond noise: p99 of default −12.5 % [" in sentence(found)
    found.require_no_worse()


def test_the_noise_that_the_doctor_knows_widens_the_interval() -> None:
    noisy = replace(studies.NOISE, throughput=0.10, p99=(0.1, 0.1))
    found = compared(study(), replace(study(throughput=360.0), noise=noisy))
    assert {kind for _, _, kind in kinds(found)} == {ChangeKind.WITHIN_NOISE}


def test_what_was_measured_once_has_an_interval_only_where_noise_is_known() -> None:
    once = replace(study(), confirmations=())
    found = compared(once, once)
    assert {kind for _, _, kind in kinds(found)} == {ChangeKind.NO_INTERVAL}
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


def under(given: Path | str | None, **workload: Any) -> Study:
    """A study with a locustfile of somebody's own, or with another workload."""
    settings = study().settings
    changed = replace(settings, locustfile=given and str(given), workload=replace(settings.workload, **workload))
    return replace(study(), settings=changed)


OWN = bundled.locustfiles() / "agent.py"
LIGHT, HEAVY = "light = 1", "heavy = 1"


@pytest.mark.parametrize(
    ("before", "after", "refused", "doubted"),
    [
        ({"mine.py": LIGHT}, {}, True, False),
        ({}, {"mine.py": LIGHT}, True, False),
        ({"mine.py": LIGHT}, {"mine.py": HEAVY}, True, False),
        ({"mine.py": LIGHT}, {"yours.py": LIGHT}, False, False),
        ({"mine.py": OWN.read_text()}, {}, False, False),
        ({"mine.py": None}, {"yours.py": None}, True, False),
        ({"mine.py": None}, {"mine.py": LIGHT}, False, True),
        ({"mine.py": None}, {}, True, False),
        ({"agent.py": None}, {}, False, True),
    ],
    ids=["one given", "the other", "another content", "another name", "a copy of the target's own", "both gone",
         "one gone", "gone against none", "a name as the target's own"],
)  # fmt: skip
def test_another_locustfile_is_another_load(
    tmp_path: Path, before: dict[str, str | None], after: dict[str, str | None], refused: bool, doubted: bool
) -> None:
    """A file is one by what is in it, or by its name where that cannot be read any more (None)."""
    sides = []
    for number, files in enumerate((before, after)):
        given = None
        for name, text in files.items():
            given = tmp_path / str(number) / name
            given.parent.mkdir()
            if text is not None:
                given.write_text(text)
        sides.append(under(given))
    if refused:
        with pytest.raises(UsageError, match=r"monday was measured with the locustfile .* say nothing"):
            compared(*sides, other_machine=True)
        return
    found = compared(*sides)
    assert any("not both can be read" in doubt for doubt in found.doubts) is doubted
    assert [one.what for one in found.differences] == ["locustfile"]


def test_the_targets_own_locustfile_is_as_good_as_none() -> None:
    assert compared(under(OWN), study()).differences == ()


def test_locustfiles_of_targets_are_compared_too(make_target: MakeTarget) -> None:
    toml = 'description = "x"\ncommand = ["x"]\nlocustfile = "load.py"\n[space]\n'
    folder = str(make_target(toml, load_py=HEAVY))
    other = replace(study(), settings=replace(study().settings, target=folder))
    with pytest.raises(UsageError, match=r"that of its target, .*mine/load\.py: figures under different loads"):
        compared(study(), other)
    moved = replace(other, settings=replace(other.settings, target=f"{folder}-moved"))
    assert [one.what for one in compared(study(), moved).differences] == ["target"]


@pytest.mark.parametrize(
    ("workload", "what", "before", "after"),
    [
        ({"measure_most": 20.0}, "each level measured", "3 s", "3 to 20 s"),
        ({"patience": 3.0}, "each level measured", "3 s, 30 s where p99 has too few requests", "3 s"),
        ({"interval": 0.05}, "p99 known within", "±10 %", "±5 %"),
        ({"processes": 2}, "load processes", "1", "2"),
        ({"master": "10.0.0.1:5557"}, "load processes", "1", "1 on other machines"),
    ],
)
def test_how_long_and_from_how_many_processes_differs(
    workload: dict[str, Any], what: str, before: str, after: str
) -> None:
    (found,) = compared(study(), under(None, **workload)).differences
    assert (found.what, found.before.startswith(before), found.after.startswith(after)) == (what, True, True)


def write(folder: Path, outcomes: Sequence[Outcome], machine: Machine | None = MACHINE) -> Source:
    for number, outcome in enumerate(outcomes):
        place = folder / f"measure-{number}"
        place.mkdir(parents=True)
        (place / "measurement.json").write_text(dump_outcome(outcome, machine))
    return of_measurements(folder)


def test_folders_of_measurements_are_compared(tmp_path: Path) -> None:
    before, after = (write(tmp_path / name, launches(*figures)) for name, figures in
                     (("a", (400.0, 0.08)), ("b", (300.0, 0.10))))  # fmt: skip
    found = compare(before, after, other_machine=False)
    assert kinds(found) == {
        ("measured", "throughput", ChangeKind.WORSE),
        ("measured", "p99", ChangeKind.WORSE),
    }
    assert of_measurements(tmp_path / "a" / "measure-0").launches[0].measured == before.launches[0].measured[:1]


@pytest.mark.parametrize("unknown", ["a", "b"])
def test_measurements_of_an_unknown_machine_are_refused_unless_they_are_allowed(tmp_path: Path, unknown: str) -> None:
    before, after = (
        write(tmp_path / name, launches(400.0, 0.08), None if name == unknown else MACHINE) for name in "ab"
    )
    with pytest.raises(UsageError, match=f"{unknown} does not say which machine.*--other-machine"):
        compare(before, after, other_machine=False)
    found = compare(before, after, other_machine=True)
    assert "not both say which machine they were measured on" in found.doubts


def test_memory_and_versions_do_not_make_another_machine(tmp_path: Path) -> None:
    """The memory that a kernel leaves differs from boot to boot; versions are told as a difference."""
    other = replace(MACHINE, memory=MACHINE.memory - 4096, versions={"onnxruntime": "2.0"})
    before, after = write(tmp_path / "a", launches(400.0, 0.08)), write(tmp_path / "b", launches(400.0, 0.08), other)
    found = compare(before, after, other_machine=False)
    assert ("onnxruntime", "1.24.4", "2.0") in {(one.what, one.before, one.after) for one in found.differences}


def test_measurements_of_different_machines_in_one_folder_are_refused(tmp_path: Path) -> None:
    one, other = launches(400.0, 0.08)[:2]
    write(tmp_path / "a" / "x", [one])
    (tmp_path / "a" / "x" / "measure-0").rename(tmp_path / "a" / "measure-9")
    with pytest.raises(UsageError, match="of different machines"):
        write(tmp_path / "a", [other], replace(MACHINE, cores=64))


ASKED = MeasureSettings(
    target="null",
    workload=standard(closed((4, 32))),
    options={"law": "lognormal"},
    configuration={"delay_ms": 5.0, "workers": 1},
)
URL = replace(ASKED, configuration=None, url="http://10.0.0.1:8000")


def asked(folder: Path, settings: Sequence[MeasureSettings | None], outcome: Outcome | None = None) -> Source:
    """Read a folder of measurements, each of which was asked to be something."""
    for number, each in enumerate(settings):
        place = folder / f"measure-{number}"
        place.mkdir(parents=True)
        measured = outcome or launches(400.0, 0.08)[number]
        (place / "measurement.json").write_text(dump_outcome(measured, MACHINE, each))
    return of_measurements(folder)


CHANGES: Sequence[tuple[MeasureSettings, dict[str, Any], str, str, str]] = [
    (ASKED, {"target": "/mine"}, "target", "null", "/mine"),
    (ASKED, {"options": {"law": "mdc"}}, "--law", "lognormal", "mdc"),
    (ASKED, {"options": {}}, "--law", "lognormal", "–"),
    (ASKED, {"configuration": {"delay_ms": 5.00001, "workers": 1}}, "--set delay_ms", "5.0", "5.00001"),
    (ASKED, {"runtime_python": "/gpu/python"}, "Python of the target", "tuner's own", "/gpu/python"),
    (ASKED, {"workload": replace(ASKED.workload, interval=0.05)}, "p99 known within", "±10 %", "±5 %"),
    (URL, {"url": "http://10.0.0.2:8000"}, "--url", "http://10.0.0.1:8000", "http://10.0.0.2:8000"),
]


@pytest.mark.parametrize(("settings", "change", "what", "was", "now"), CHANGES)
def test_what_was_asked_of_measurements_is_told_between_folders_and_refused_within_one(
    tmp_path: Path, settings: MeasureSettings, change: dict[str, Any], what: str, was: str, now: str
) -> None:
    other = replace(settings, **change)
    before, after = asked(tmp_path / "a", [settings] * 2), asked(tmp_path / "b", [other] * 2)
    found = compare(before, after, other_machine=False)
    assert [(one.what, one.before, one.after) for one in found.differences] == [(what, was, now)]
    said = f"measure-0 and measure-2 do not repeat one measurement ({what}: {was} and {now})"
    with pytest.raises(UsageError, match=f"{re.escape(said)}.*put them into folders apart"):
        asked(tmp_path / "mixed", [settings, settings, other])


def test_a_locustfile_is_the_load_of_measurements_too(tmp_path: Path) -> None:
    mine = []
    for name, text in (("light.py", LIGHT), ("copy.py", LIGHT), ("heavy.py", HEAVY)):
        (tmp_path / name).write_text(text)
        mine.append(replace(ASKED, locustfile=str(tmp_path / name)))
    light, copy, heavy = mine
    before, after = asked(tmp_path / "a", [light, copy]), asked(tmp_path / "b", [heavy])
    with pytest.raises(UsageError, match=r"locustfile .*/light\.py, and .* with .*/heavy\.py: figures under different"):
        compare(before, after, other_machine=True)
    with pytest.raises(
        UsageError, match=r"measure-0 and measure-1 do not repeat one measurement \(locustfile: .*heavy"
    ):
        asked(tmp_path / "mixed", [light, heavy])


def test_what_an_earlier_tuner_measured_is_compared_and_said_to_be_unknown(tmp_path: Path) -> None:
    old, new = asked(tmp_path / "old", [None, None]), asked(tmp_path / "new", [ASKED, ASKED])
    found = compare(old, new, other_machine=False)
    told = {one.what: (one.before, one.after) for one in found.differences}
    assert told["target"] == ("not recorded", "null")
    assert told["--set delay_ms"] == ("not recorded", "5.0")
    doubt = f"not every measurement in {tmp_path / 'old'} says what was measured, so it may have been different things"
    assert doubt in found.doubts
    assert not any("says what was measured" in doubt for doubt in compare(new, new, other_machine=False).doubts)
    assert not asked(tmp_path / "both", [ASKED, None]).recorded
    with pytest.raises(UsageError, match="do not repeat one measurement"):
        asked(tmp_path / "mixed", [None, ASKED, URL])


def test_what_failed_says_under_which_load(tmp_path: Path) -> None:
    heavier = replace(ASKED, workload=standard(closed((4, 64))))
    good, crashed = asked(tmp_path / "good", [ASKED]), asked(tmp_path / "crashed", [heavier], CRASH)
    with pytest.raises(UsageError, match=r"4, then 32 users and .* at 4, then 64 users: figures under different loads"):
        compare(good, crashed, other_machine=False)


CRASH = Failure(kind=FailureKind.CRASH, reason="it ended")
DISTURBED = Failure(kind=FailureKind.INVALID, reason="the load was late")


def test_what_cannot_be_measured_any_more_is_worse(tmp_path: Path) -> None:
    found = compare(write(tmp_path / "a", launches(400.0, 0.08)), write(tmp_path / "b", [CRASH]), other_machine=False)
    assert found.changes == ()
    assert found.lost == ("measured has no figures any more (crashed: it ended)",)
    assert sentence(found) == "lost: measured has no figures any more (crashed: it ended)."
    with pytest.raises(RegressionError, match="regression: measured has no figures any more"):
        found.require_no_worse()


@pytest.mark.parametrize("failed", [CRASH, DISTURBED])
def test_a_launch_that_failed_among_others_is_a_doubt(tmp_path: Path, failed: Failure) -> None:
    before = write(tmp_path / "a", launches(400.0, 0.08))
    found = compare(before, write(tmp_path / "b", [*launches(400.0, 0.08), failed]), other_machine=False)
    told = f"1 of 5 launches of measured gave no figures in {tmp_path / 'b'}, the last one: {failed.kind}: "
    assert any(doubt.startswith(told) for doubt in found.doubts)
    found.require_no_worse()


def test_what_was_only_disturbed_or_never_worked_is_not_compared(tmp_path: Path) -> None:
    good = write(tmp_path / "good", launches(400.0, 0.08))
    for name, outcome in (("disturbed", DISTURBED), ("crashed", CRASH)):
        bad = write(tmp_path / name, [outcome])
        for before, after in ((good, bad), (bad, good)):
            if (name, before) == ("crashed", good):
                continue
            with pytest.raises(UsageError, match="nothing to compare"):
                compare(before, after, other_machine=False)


def test_a_study_that_has_nothing_to_deploy_any_more_is_worse() -> None:
    crashed = studies.study([(configuration(), CRASH)])
    found = compared(study(), crashed)
    assert [one.partition(" has no")[0] for one in found.lost] == ["default", "chosen"]
    with pytest.raises(RegressionError):
        found.require_no_worse()
    with pytest.raises(UsageError, match="nothing to compare"):
        compared(crashed, study())


def test_measurements_under_different_loads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="under different loads"):
        write(tmp_path / "mixed", [launches(400.0, 0.08)[0], measurement([level(8, 400.0, 0.08)])])


def test_a_measurement_that_cannot_be_read_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "measurement.json").write_text('{"version": 1}')
    with pytest.raises(StorageError):
        of_measurements(tmp_path)


def test_an_infinite_p99_is_said_to_be_left_out_and_is_worse_where_it_was_finite(tmp_path: Path) -> None:
    endless = measurement([level(4, 100.0, 0.01), level(32, 400.0, math.inf)])
    lost, good = write(tmp_path / "lost", [endless, endless]), write(tmp_path / "good", launches(400.0, 0.08))
    both = compare(lost, lost, other_machine=False)
    assert {one.figure.value for one in both.changes} == {"throughput"}
    assert "p99 of measured is not known in every launch, so it is not compared" in both.doubts
    both.require_no_worse()
    compare(lost, good, other_machine=False).require_no_worse()
    with pytest.raises(RegressionError, match="p99 of measured is infinite in 2 of 2 launches"):
        compare(good, lost, other_machine=False).require_no_worse()


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
    assert {one["kind"] for one in result["changes"]} == {"worse", "within noise"}


def test_hostile_studies_are_inert(capsys: pytest.CaptureFixture[str]) -> None:
    other = replace(study(), settings=replace(study().settings, locustfile=hostile().settings.locustfile))
    found = compare(of_study(hostile(), HOSTILE), of_study(other, HOSTILE), other_machine=True)
    print_comparison(found, Output())
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
