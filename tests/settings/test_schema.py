"""The JSON Schemas that ship, and the file that `tuner init` writes."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tuner.cli.app import app
from tuner.errors import UsageError
from tuner.schemas import TARGET, TUNER
from tuner.settings import schema
from tuner.settings.file import SettingsTable, validated
from tuner.settings.template import template


@pytest.mark.parametrize("path", [TUNER, TARGET], ids=lambda path: path.name)
def test_the_schema_that_ships_is_current(path: Path) -> None:
    again = "python -m tuner.settings.schema writes it again"
    assert path.read_text(encoding="utf-8") == schema.schemas()[path], again


def test_every_setting_of_the_template_reads_back() -> None:
    text = template()
    assert tomllib.loads(text) == {}
    settings = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)
    content = tomllib.loads(settings)
    assert set(content) == set(SettingsTable.model_fields)
    # Either a closed loop or an open one: the file is read key by key, the verb refuses both.
    validated(content, "tuner.toml", strict=True)


def test_every_setting_is_a_flag_of_a_search_a_measurement_or_a_gate() -> None:
    import typer

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    flags = {flag for verb in ("search", "measure", "gate") for option in commands[verb].params for flag in option.opts}
    for name in set(SettingsTable.model_fields) - {"options"}:
        assert f"--{name.replace('_', '-')}" in flags


EDITOR = Draft202012Validator(json.loads(TUNER.read_text(encoding="utf-8")))


def tuner_reads(key: str, value: Any) -> bool:
    try:
        validated({key: value}, "tuner.toml", strict=True)
    except UsageError:
        return False
    return True


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("budget", [1], [0]),
        ("users", [1, [4], [4, 32], "4,32", " 4 , 32", "1_000"], [0, [], [0], [4, 4], "", "0", "4,", "4;32", 1.5]),
        ("rate", [0.5, 50, [50, 200.5], "50,200", "1e2", ".5"], [0, -1, [], [0], [5, 5], "", "fast", "5,", True]),
        (
            "slo",
            ["none", "p99=50ms", "mean=.5 S", "p50=0.5ms"],
            ["p99=5", "p98=5ms", "p99", "p99=0ms", "p99=0.0 s", ""],
        ),
        ("max_accuracy_drop", ["1pt", "0.5 %", "100%", "0.01", "0"], ["5", "1", "101%", "100.1%", "1ms", "", "-1%"]),
        ("max_p99", ["+5%", "-5 %", "− 5%", "+100%"], ["5", "5%", "+5", "+5pt", "+-5%", ""]),
        ("min_throughput", ["-5%"], ["5%"]),
        ("at_most", ["3min", "1.5 H", "500ms", "7us", "7 µs", "2m"], ["1", "1 day", "-1s", "s", ""]),
        ("measure_at_most", ["3s"], ["3"]),
        ("p99_within", ["10%"], ["10"]),
        ("load_master", ["0.0.0.0:5557", "[::1]:1", "h:65535"], ["here", ":5557", "h:0", "h:65536", "h:x", ""]),
    ],
)
def test_an_editor_marks_what_tuner_refuses(key: str, good: list[Any], bad: list[Any]) -> None:
    for values, reads in ((good, True), (bad, False)):
        assert [tuner_reads(key, value) for value in values] == [reads] * len(values)
        assert [EDITOR.is_valid({key: value}) for value in values] == [reads] * len(values), values


NUMBERS = st.from_regex(r"\A[+\-−]? ?([0-9]{0,4}\.?[0-9]{0,3})\Z")
UNITS = st.sampled_from(["", "%", " %", "pt", "PT", "ms", " s", "Min", "m", "h", "us", "µs", "e3", ",9"])


@given(number=NUMBERS, unit=UNITS, after=st.sampled_from(["", " "]))
def test_an_editor_marks_nothing_that_tuner_reads(number: str, unit: str, after: str) -> None:
    text = f"{number}{unit}{after}"
    for key in ("users", "rate", "max_accuracy_drop", "max_p99", "at_most"):
        assert EDITOR.is_valid({key: text}) or not tuner_reads(key, text)
    assert EDITOR.is_valid({"slo": f"p99={text}"}) or not tuner_reads("slo", f"p99={text}")
