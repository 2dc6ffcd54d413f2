"""The arguments of a verb with the settings under them, and what a study keeps of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

from tuner.cli import run
from tuner.cli.app import app, main
from tuner.cli.invocation import Invocation
from tuner.terminal import PLAIN

PROGRAM: Any = typer.main.get_command(app)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tuner.toml").write_text('target = "null"\nbudget = 7\nseed = 3\n[set]\ndelay_ms = 3\n')
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["search"], ["search", "--target=null", "--budget=7", "--seed=3", "--set=delay_ms=3"]),
        (["search", "--seed", "1"], ["search", "--target=null", "--budget=7", "--set=delay_ms=3", "--seed", "1"]),
        (["serve", "--port", "80"], ["serve", "--target=null", "--set=delay_ms=3", "--port", "80"]),
        (["worker", "here:1"], ["worker", "--target=null", "--seed=3", "here:1"]),
        # A study that exists keeps its settings, and help needs none.
        (["resume", "there"], ["resume", "there"]),
        (["report", "there"], ["report", "there"]),
        (["search", "--help"], ["search", "--help"]),
        (["nonsense"], ["nonsense"]),
        ([], []),
    ],
)
def test_settings_come_before_what_was_typed(typed: Sequence[str], words: Sequence[str]) -> None:
    invocation = Invocation.of(typed, PROGRAM, PLAIN)
    assert invocation.words == words
    assert invocation.typed == typed[1:]


def test_a_mistake_that_was_not_typed_can_be_found(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tuner.toml").write_text('target = "null"\nstorage = "sqlite://secret"\n[set]\ndelay = 3\n')
    with pytest.raises(SystemExit) as ended:
        main(["search", "--dry-run"])
    assert ended.value.code == 2
    told = "unknown knob 'delay'; did you mean 'delay_ms'? (known: delay_ms) (set in a file or a variable: "
    assert f"{told}--target=null --set=delay=3)" in capsys.readouterr().err


def test_a_study_keeps_the_whole_command_but_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {}
    monkeypatch.setattr(run, "run", lambda *_, **how: kept.update(how))
    monkeypatch.setenv("TUNER_STORAGE", "postgresql+psycopg://me:se!cret@db/studies")
    invocation = Invocation.of(["search", "--users", "2"], PROGRAM, PLAIN)
    PROGRAM.main(list(invocation.words), prog_name="tuner", standalone_mode=False, obj=invocation)
    assert "se!cret" in kept["storage"]
    assert kept["command"] == (
        "tuner search --target=null --budget=7 --seed=3 '--storage=postgresql+psycopg://me:***@db/studies' "
        "--set=delay_ms=3 --users 2"
    )
