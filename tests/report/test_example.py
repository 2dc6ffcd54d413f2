"""The example report that ships: it is of the main job, and all its files and the README tell of the same study."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.report.sections import section, words
from tuner.report.text import in_markdown
from tuner.schemas import REPORT

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "reports" / "example"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLE / "report.json").read_text(encoding="utf-8"))
    return found


def test_it_keeps_the_schema_that_ships(document: dict[str, Any]) -> None:
    Draft202012Validator(json.loads(REPORT.read_text(encoding="utf-8"))).validate(document)


def test_it_is_of_the_main_job(document: dict[str, Any]) -> None:
    assert len(document["trials"]) == document["settings"]["budget"] == 50
    _, _, told = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## How long it takes\n")
    made = re.search("`([^`]+)`", told)
    assert made is not None, "the README says what made it"
    assert any(command in document["study"]["command"] for command in (made[1], "tuner search --budget 50"))


def test_its_files_tell_the_same(document: dict[str, Any]) -> None:
    sentence = document["verdict"]["sentence"]
    assert words(sentence) in section((EXAMPLE / "index.html").read_text(encoding="utf-8"), "verdict")
    assert in_markdown(sentence) in (EXAMPLE / "summary.md").read_text(encoding="utf-8")
    with (EXAMPLE / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["trial"]) for row in rows] == [trial["number"] for trial in document["trials"]]
