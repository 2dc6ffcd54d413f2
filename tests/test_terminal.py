"""What is written does nothing but show itself, and a document is written once."""

import json

import pytest
from rich.console import Console

from tuner.terminal import Output, cell, inert


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x9b31m", "�31m"),
        ("\u202eback", "�back"),
        ("over\rwritten\x08\x7f", "over␍written␈␡"),
        ("::error::mine", ": :error::mine"),
        ("log:\n  ::set-env name=a::b", "log:\n  : :set-env name=a::b"),
        ("a ##[error]mine", "a ## [error]mine"),
        ("std::vector ## title", "std::vector ## title"),
    ],
)
def test_a_text_of_others_is_inert(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_a_cell_means_nothing_in_markup(capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=60).print(cell("[bold]x[/] \x1b[31m"))
    assert capsys.readouterr().out == "[bold]x[/] ␛[31m\n"


def test_a_document_is_one_and_alone(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("measure", as_json=True)
    output.say("a line")
    output.show("a table")
    output.tell({"a": 1})
    output.tell({"a": 2})
    output.close(6, "not \x1b valid")
    output.close()
    found = json.loads(capsys.readouterr().out)
    error = {"code": 6, "message": "not \x1b valid"}
    assert found == {"version": 1, "verb": "measure", "error": error, "result": {"a": 2}}


def test_nothing_but_the_result_where_no_document_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("measure", quiet=True)
    output.tell({"a": 1})
    output.say("a line")
    output.progress().print("on the way")
    output.close(6, "not valid")
    assert capsys.readouterr() == ("a line\n", "")
