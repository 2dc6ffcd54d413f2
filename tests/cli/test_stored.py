"""`tuner report` and `tuner compare` on studies that are stored as their searches left them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.program import tuner
from tests.report import samples, studies
from tuner.cli import run
from tuner.cli.app import main
from tuner.report.verdict import verdict
from tuner.search.storage import create, read_study
from tuner.study.study import Header, Study
from tuner.study.trial import Confirmation, Measurement


def store(study: Study, reports: Path) -> None:
    """Store a study with the samples of its launches, as a search would have."""
    header = Header(
        settings=study.settings,
        space=study.space,
        machine=study.machine,
        placement=study.placement,
        command=study.command,
        started=study.started,
    )
    with create(reports, header, None) as stored:
        left = samples.leave(study, stored.folder)
        for trial in left.trials:
            stored.finish(*stored.begin(trial.configuration), trial.outcome)
        for confirmation in left.confirmations:
            stored.confirm(confirmation)


def slower(study: Study, factor: float) -> Study:
    """The same study whose confirming launches answered this share of the requests at the target."""

    def slowed(one: Confirmation) -> Confirmation:
        assert isinstance(one.outcome, Measurement)
        target = one.outcome.target
        target = replace(target, throughput=factor * target.throughput)
        return replace(one, outcome=replace(one.outcome, levels=(*one.outcome.levels[:-1], target)))

    return replace(study, confirmations=tuple(map(slowed, study.confirmations)))


def test_a_report_is_made_again_from_what_is_stored(tmp_path: Path) -> None:
    store(studies.small(name="mine"), tmp_path)
    result = tuner("report", "mine", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    sentence = verdict(read_study(tmp_path / "mine")).sentence
    assert sentence == verdict(studies.small()).sentence
    assert sentence in " ".join(result.stdout.split())
    document = json.loads((tmp_path / "mine" / "report.json").read_text())
    assert document["verdict"]["sentence"] == sentence
    assert [one["samples"] for one in document["finalists"]] == [3, 3, 3], "it looks into the samples beside the study"
    assert {"index.html", "summary.md", "trials.csv"} <= {path.name for path in (tmp_path / "mine").iterdir()}
    again = tuner("report", "mine", "--json", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    told = json.loads(again.stdout)
    assert (told["verb"], told["error"]) == ("report", None)
    assert Path(tmp_path, told["result"].pop("report")) == tmp_path / "mine" / "index.html"
    assert told["result"] == document


@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (1.5, 0), (0.7, 5)], ids=["alike", "better", "worse"])
def test_two_studies_are_compared_and_the_exit_code_says_whether_the_second_is_worse(
    factor: float, code: int, tmp_path: Path
) -> None:
    store(studies.small(name="monday"), tmp_path)
    store(slower(studies.small(name="tuesday"), factor), tmp_path)
    result = tuner("compare", "monday", "tuesday", "--json", cwd=tmp_path)
    assert result.returncode == code, result.stderr
    told = json.loads(result.stdout)
    assert (told["error"] or {}).get("code", 0) == code
    ratios = {one["name"]: one["ratio"]["value"] for one in told["result"]["changes"] if one["figure"] == "throughput"}
    assert ratios == {"default": pytest.approx(factor), "chosen": pytest.approx(factor)}
    assert ("regression" in result.stderr) == (code == 5)


def test_a_study_that_cannot_be_written_can_be_copied(tmp_path: Path) -> None:
    store(studies.small(name="mine"), tmp_path)
    (tmp_path / "mine" / "report.json").mkdir()
    result = tuner("report", "mine", cwd=tmp_path)
    assert result.returncode == 7, result.stderr
    told = "make it writable, or copy the study and report on the copy"
    assert result.stderr == f"tuner: the report cannot be written to mine: Is a directory; {told}\n"
    assert "--out" not in tuner("report", "--help", cwd=tmp_path).stdout, "there is no other folder to choose"


@pytest.mark.parametrize(("budget", "told"), [(None, False), (5, False), (2, True), (1, True)])
def test_a_budget_that_is_spent_already_is_told(
    budget: int | None, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finished = []
    monkeypatch.setattr(run, "go_on", lambda store, _, budget: finished.append((store.folder, budget)))
    study = studies.small(name="mine")
    store(replace(study, trials=study.trials[:2], confirmations=()), tmp_path)
    asked = [] if budget is None else ["--budget", str(budget)]
    with pytest.raises(SystemExit) as ended:
        main(["resume", str(tmp_path / "mine"), *asked])
    assert (ended.value.code, finished) == (0, [(tmp_path / "mine", budget)])
    note = f"has 2 trials already: --budget {budget} adds none, only what is left to confirm\n"
    assert capsys.readouterr().err == (f"note: {tmp_path / 'mine'} {note}" if told else "")
