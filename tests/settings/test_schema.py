"""The JSON Schemas that ship, and the file that `tuner init` writes."""

import re
import tomllib
from pathlib import Path

import pytest

from tuner.cli.app import app
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
