"""The arguments of a verb with the settings under them, and what a study keeps of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

from tuner.cli import run
from tuner.cli.app import app, main
from tuner.cli.invocation import Invocation
from tuner.terminal import PLAIN, Output

PROGRAM: Any = typer.main.get_command(app)
QUIET = Output(quiet=True)


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
        # A study that exists keeps its settings, its budget, too; and help needs none.
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


@pytest.mark.parametrize(
    ("typed", "own"),
    [
        (["search"], {"--sigma": "0.7", "--law": "lognormal"}),
        (["search", "--sigma", "2"], {"--law": "lognormal"}),
        (["search", "--target", "reference"], {}),
        (["resume", "there"], {}),
    ],
)
def test_the_targets_own_options_are_no_words_for_the_parser(typed: Sequence[str], own: dict[str, str]) -> None:
    with Path("tuner.toml").open("a") as file:
        file.write('[options]\nsigma = 0.7\nlaw = "lognormal"\n')
    found = Invocation.of(typed, PROGRAM, PLAIN)
    assert found.own == own
    assert not any(word.startswith("--law") for word in found.words)
    assert found.command == ["tuner", *found.words, *(f"{flag}={value}" for flag, value in own.items())]


def test_a_verb_that_works_on_something_is_not_given_a_setting_instead(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tuner.toml").write_text('target = "null"\n[options]\nsigma = 0.7\n')
    with pytest.raises(SystemExit):
        main(["worker", "nowhere"])
    assert "cannot read 'nowhere': expected ADDRESS:PORT" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["worker", "--law", "constant", "here:1"])
    assert "--law: flags of the target's own come after ADDRESS:PORT" in capsys.readouterr().err


def test_an_option_of_the_settings_is_one_that_the_target_has(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tuner.toml").write_text('target = "null"\n[options]\nsigam = "secret"\n')
    with pytest.raises(SystemExit) as ended:
        main(["search", "--dry-run"])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert "unknown option '--sigam'; did you mean '--sigma'?" in told
    assert told.endswith("(set in a file or a variable: --target=null --sigam)\n")


def test_a_mistake_that_was_not_typed_can_be_found(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tuner.toml").write_text('target = "null"\nstorage = "sqlite://secret"\n[set]\ndelay = 3\n')
    with pytest.raises(SystemExit) as ended:
        main(["search", "--dry-run"])
    assert ended.value.code == 2
    told = "unknown knob 'delay'; did you mean 'delay_ms'? (known: delay_ms) (set in a file or a variable: "
    assert f"{told}--target=null --set=delay=3)" in capsys.readouterr().err


@pytest.mark.parametrize("typed", [["resume", "there"], ["report", "there"], ["compare", "one", "two"]])
def test_the_storage_of_the_settings_is_at_hand_for_a_study_that_exists(
    typed: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_STORAGE", "postgresql://me:secret@db/studies")
    found = Invocation.of(typed, PROGRAM, PLAIN)
    assert (found.words, found.storage) == (typed, "postgresql://me:secret@db/studies")
    assert Invocation.of([*typed, "--storage", "sqlite:///x"], PROGRAM, PLAIN).storage is None


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


def test_a_variable_that_is_no_setting_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUNER_NAME", "mine")
    assert Invocation.of(["search"], PROGRAM, PLAIN).words == Invocation.of(["search"], PROGRAM, QUIET).words
    assert (
        capsys.readouterr().err
        == "note: TUNER_NAME is not read: --name cannot be set by a variable; pass it as a flag\n"
    )
