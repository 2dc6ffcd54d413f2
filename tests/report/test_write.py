"""The files of a report: what they say, that they are inert, and that odd studies have one too."""

import csv
import io
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import plotly.offline
import pytest
from jsonschema import Draft202012Validator, ValidationError
from pydantic import TypeAdapter

from tests.report import samples, studies
from tests.report.odd import ODD, all_failed, hostile, infinite, noisy
from tuner.errors import StorageError
from tuner.report import commands, export_json
from tuner.report.write import report_files, write_report
from tuner.schemas import REPORT
from tuner.study.objectives import Slo
from tuner.study.space import SearchSpace
from tuner.study.study import Study
from tuner.study.trial import Conditions, Doubt, DoubtKind, Trial
from tuner.study.workload import opened

GOLDEN = Path(__file__).parent / "golden"
REPORT_SCHEMA = Draft202012Validator(json.loads(REPORT.read_text(encoding="utf-8")))


def own_text(page: str) -> str:
    """The page without plotly's bundle."""
    return page.replace(plotly.offline.get_plotlyjs(), "")


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_have_a_report(name: str, tmp_path: Path) -> None:
    page = write_report(ODD[name](), tmp_path / "new" / "folder")
    assert page == tmp_path / "new" / "folder" / "index.html"
    assert {path.name for path in page.parent.iterdir()} == {"index.html", "trials.csv", "report.json", "summary.md"}
    text = own_text(page.read_text())
    assert "nan" not in re.sub(r"<style>.*?</style>|<script.*?</script>", "", text, flags=re.DOTALL).lower().split()


@pytest.mark.parametrize(("trials", "told"), [(29, True), (30, False)])
def test_few_trials_are_no_ground_for_importances(trials: int, told: bool) -> None:
    study = studies.simulated(60)
    measured = [trial for trial in study.trials if trial.measurement]
    page = report_files(replace(study, trials=tuple(measured[:trials]), confirmations=()))["index.html"]
    assert "Which knobs matter" in page
    assert ("low confidence: " in own_text(page)) is told


def test_a_failed_trial_shows_the_end_of_its_log() -> None:
    page = report_files(all_failed())["index.html"]
    assert page.count("Failed to allocate memory for requested buffer of size 268435456</pre>") == 2


def test_one_concurrency_is_said_to_have_hardly_a_front() -> None:
    assert "One concurrency only." in report_files(ODD["one concurrency"]())["index.html"]
    assert "One concurrency only." not in report_files(studies.small())["index.html"]


def test_without_labels_no_file_speaks_of_accuracy() -> None:
    files = report_files(studies.unlabelled(studies.small()))
    page = own_text(files["index.html"])
    for name, text in {**files, "index.html": page}.items():
        # The name of the option stays, and a key that is named after it.
        assert not re.findall(r"(?<!max_)(?<!max-)accuracy(?!_knobs)", text, re.IGNORECASE), name
        assert "agreement" in text, name
    assert "agreement 99.2 % (−0.8 pt [−1.6, −0.4])" in files["summary.md"].replace("\\", "")
    assert "agreement under load 98.5 % of 1,000" in page


def test_the_third_objective_is_told_and_keeps_who_answers_better_on_the_front() -> None:
    two, three = report_files(studies.small()), report_files(studies.third())
    assert "objectives: most throughput at 32 users, least p99 at 4 users, most accuracy" in three["summary.md"]
    assert "the third objective" in three["index.html"]
    assert "the third objective" not in two["index.html"]
    assert "## Front: 1 of 4 trials" in two["summary.md"]
    assert "## Front: 3 of 4 trials" in three["summary.md"]


GOLDEN_STUDIES: dict[str, Callable[[], Study]] = {
    "": lambda: studies.small(slo=Slo(metric="p99", limit=0.048)),
    "arrivals-": lambda: noisy(studies.small()),
    "open-loop-": lambda: studies.rates(noise=replace(studies.NOISE, target="null")),
}


@pytest.mark.parametrize(
    "name", ["summary.md", "trials.csv", "arrivals-summary.md", "open-loop-summary.md", "open-loop-trials.csv"]
)
def test_golden(name: str) -> None:
    """Set UPDATE_GOLDEN=1 to write the files anew, then read the difference."""
    prefix, file = re.fullmatch(r"(.*?)(\w+\.\w+)", name).groups()  # type: ignore[union-attr]
    text = report_files(GOLDEN_STUDIES[prefix]())[file]
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / name).write_text(text, newline="\n")
    assert text == (GOLDEN / name).read_text()


@pytest.mark.parametrize("name", ODD)
def test_json_holds_every_trial_as_it_was_stored(name: str) -> None:
    study = ODD[name]()

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads(report_files(study)["report.json"], parse_constant=refuse)
    assert document["version"] == 4
    assert list(document) == [
        *("version", "study", "settings", "machine", "placement", "noise", "ties", "default", "verdict"),
        *("doubts", "finalists", "search", "effort", "trials", "confirmations"),
    ]
    assert TypeAdapter(tuple[Trial, ...]).validate_python(document["trials"]) == study.trials
    assert len(document["confirmations"]) == len(study.confirmations)
    assert len(document["search"]["gains"]) in (0, len(study.trials))


@pytest.mark.parametrize("name", [*ODD, "simulated"])
def test_json_keeps_the_schema_that_ships(name: str, tmp_path: Path) -> None:
    study = samples.leave(studies.simulated(31), tmp_path) if name == "simulated" else ODD[name]()
    document = json.loads(report_files(study, tmp_path)["report.json"])
    REPORT_SCHEMA.validate(document)
    with pytest.raises(ValidationError):
        REPORT_SCHEMA.validate({**document, "effort": {**document["effort"], "seconds": "long"}})


def test_the_schema_of_the_report_is_current() -> None:
    again = "python -m tuner.report.export_json writes it again"
    assert REPORT.read_text(encoding="utf-8") == export_json.schema(), again


def test_json_says_where_the_time_goes_and_what_mattered(tmp_path: Path) -> None:
    study = samples.leave(studies.simulated(31), tmp_path)
    document = json.loads(report_files(study, tmp_path)["report.json"])
    by_role = {one["role"]: one for one in document["finalists"]}
    assert set(by_role) == {"winner", "finalist", "default"}
    default = by_role["default"]
    assert (default["launches"], default["samples"]) == (4, 4)
    assert "Try " in by_role["winner"]["limit"]
    assert [part["name"] for part in default["time"]["parts"]] == ["client", "queue", "batch", "compute", "rest"]
    assert sum(part["seconds"] for part in default["time"]["parts"]) == pytest.approx(default["time"]["mean"])
    assert [one["objective"] for one in document["search"]["importances"]] == [
        "throughput at 32 users",
        "p99 at 4 users",
    ]


def test_csv_holds_every_trial_and_only_texts_are_quoted() -> None:
    read = list(csv.DictReader(io.StringIO(report_files(hostile())["trials.csv"])))
    assert [row["trial"] for row in read] == ["0", "1", "2", "3"]
    for row in read:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "@"))
            assert "##[" not in cell
            assert "\x1b" not in cell
            assert "\n" not in cell
    knob = next(name for name in read[0] if name.startswith("knob.=cmd"))
    assert read[1][knob].startswith("'=cmd")


def test_a_negative_number_is_no_formula() -> None:
    space = SearchSpace(knobs=(studies.RangeKnob(name="nice", low=-5, high=5, default=-3.0),))
    trial = Trial(number=0, configuration={"nice": -3.0}, outcome=studies.failure())
    text = report_files(replace(studies.study([]), space=space, trials=(trial,)))["trials.csv"]
    assert next(csv.DictReader(io.StringIO(text)))["knob.nice"] == "-3.0"


def test_infinity_and_open_ends_in_csv() -> None:
    (row,) = csv.DictReader(io.StringIO(report_files(infinite())["trials.csv"]))
    assert (row["p99_at_32_users"], row["p99_high_at_32_users"], row["p99_low_at_4_users"]) == ("inf", "", "")


def test_hostile_strings_are_inert_in_the_page() -> None:
    text = own_text(report_files(hostile())["index.html"])
    assert "document.title='owned'</script>" not in text
    assert "<img" not in text
    assert "\x1b" not in text
    assert text.count("<script") == text.count("</script>") == 6


def test_hostile_strings_are_inert_in_markdown() -> None:
    text = report_files(hostile())["summary.md"]
    outside = re.sub(r"^```sh\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "\x1b" not in text
    assert not re.search(r"^\s*::", text, flags=re.MULTILINE)
    assert "::" not in outside
    assert "##[" not in text
    assert not re.search(r"(?<!\\)<", outside)
    assert not re.search(r"(?<!\\)`", outside)
    tables = [line for line in outside.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} <= {6, 9}


def test_nothing_in_the_page_points_to_a_network() -> None:
    text = own_text(report_files(studies.simulated(12))["index.html"])
    assert not re.search(r"""(?:src|href|action|data)\s*=\s*["']?\s*(?:https?:)?//""", text)
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def measured_with_everything(count: int) -> Study:
    """A search whose launches tell all that a launch can: the conditions of every level, and several doubts each."""
    seen = Conditions(
        lag_p99=0.000412345,
        lag_most=0.00312345,
        load_cpu=0.41234,
        other_programs=0.02345,
        stolen=0.0012345,
        throttled=0,
    )
    doubts = tuple(
        Doubt(kind=kind, message=f"at 32 users: {text}")
        for kind, text in (
            (DoubtKind.LITTLE, "4 % of the concurrency is not accounted for by requests and think time"),
            (DoubtKind.OTHER_PROGRAMS, "other programs used 2.3 % of our cores"),
            (DoubtKind.OUTSIDE, "1.2 ms of the median 8.9 ms were not spent in the server"),
        )
    )

    def told(trial: Trial) -> Trial:
        if trial.measurement is None:
            return trial
        levels = tuple(replace(level, conditions=seen) for level in trial.measurement.levels)
        effective = {name: str(value) for name, value in trial.configuration.items()}
        return replace(trial, outcome=replace(trial.measurement, levels=levels, doubts=doubts, effective=effective))

    made = studies.simulated(count)
    return replace(made, trials=tuple(map(told, made.trials)))


@pytest.mark.parametrize(("count", "megabytes", "seconds"), [(200, 8.0, 2.0), (500, 10.0, 5.0)])
def test_many_trials_stay_small_and_quick(count: int, megabytes: float, seconds: float) -> None:
    study = measured_with_everything(count)
    report_files(studies.study([]))
    began = time.process_time()
    page = report_files(study)["index.html"]
    assert time.process_time() - began < seconds
    assert len(page.encode()) < megabytes * 1e6


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_report(studies.study([]), tmp_path / "file")


def test_what_a_machine_does_to_the_figures_is_in_the_csv() -> None:
    row = next(csv.DictReader(io.StringIO(report_files(studies.rates())["trials.csv"])))
    found = {name: row[f"{name}_at_200_req_s"] for name in ("lag_p99", "other_programs", "throttled", "goodput")}
    assert found == {"lag_p99": "0.0004", "other_programs": "0.02", "throttled": "", "goodput": "198.0"}


def test_ties_and_arrivals_are_on_the_page() -> None:
    text = own_text(report_files(noisy(studies.small()))["index.html"])
    assert "at 322 req/s (open loop)" in text
    assert "confirmed at 322 req/s of an open loop too" in text
    assert (
        "This machine&#39;s noise (tuner doctor, 2026-03-13 08:00 UTC, 6 launches of reference): throughput ±1.2 %"
        in text
    )
    assert "≈ best" not in text
    tied = own_text(report_files(studies.rates(noise=studies.NOISE))["index.html"])
    assert tied.count("≈ best</small>") == 1
    assert "winner; tie with #4" in tied


@pytest.mark.parametrize(
    ("study", "told"),
    [
        (studies.small(), "--users 4,32 --slo none --seed 7"),
        (studies.rates(), "--rate 50,200 --load-processes 2 --slo p99=60ms --seed 7"),
        (
            studies.simulated(2, loads=opened((0.5, 1234567.25))),
            "--rate 0.5,1234567.25 --slo none --seed 7",
        ),
    ],
)
def test_the_command_measures_under_the_same_load(study: Study, told: str) -> None:
    assert " ".join(commands.measure(study.settings, study.default)).endswith(told)


def test_the_command_tells_a_protocol_that_is_not_the_usual_one() -> None:
    settings = studies.small().settings
    workload = replace(settings.workload, interval=0.05, measure_most=8.0, processes=2, master="10.0.0.5:5557")
    assert " ".join(commands.measure(replace(settings, workload=workload), studies.small().default)).endswith(
        "--users 4,32 --p99-within 0.05 --measure-at-most 8s --load-processes 2 --load-master 10.0.0.5:5557 --slo none "
        "--seed 7"
    )


def test_the_commands_name_another_python() -> None:
    settings = replace(studies.small().settings, runtime_python="/my env/bin/python")
    for command in (commands.measure, commands.serve):
        assert "--runtime-python '/my env/bin/python'" in command(settings, studies.small().default)


def test_the_command_names_every_knob_and_option() -> None:
    text = report_files(studies.small())["summary.md"]
    assert (
        "tuner serve --target reference --agent search --set max_batch_size=8 --set batch_timeout_ms=0.0 "
        "--set workers=1 --set intra_op_threads=2 --set precision=int8 --set execution_provider=CPUExecutionProvider\n"
    ) in text
