"""What is written does nothing but show itself, and a document is written once."""

import io
import json
import math
import os
import sys

import pytest
from rich.console import Console

from tuner.terminal import Output, cell, complain, inert, mend_streams


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


def test_a_document_has_no_number_that_json_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("compare", as_json=True)
    output.tell({"ratio": {"low": -math.inf, "high": math.inf}, "all": [(math.nan, 1.5)]})
    output.close()
    result = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["result"]
    assert result == {"ratio": {"low": "-Infinity", "high": "Infinity"}, "all": [[None, 1.5]]}


def test_only_a_terminal_is_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    output = Output()
    assert not output.progress().is_terminal
    output.progress().print("[bold red]on the way[/]")
    output.show("[bold red]the result[/]")
    assert capsys.readouterr() == ("the result\n", "on the way\n")


def test_progress_goes_on_without_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as closed:
        monkeypatch.setattr(sys, "stderr", closed)
        progress = Output().progress()
        progress.print("#1 ok")
        assert progress.quiet
        complain("tuner: a mistake")


def test_nothing_but_the_result_where_no_document_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("measure", quiet=True)
    output.tell({"a": 1})
    output.say("a line")
    output.progress().print("on the way")
    output.close(6, "not valid")
    assert capsys.readouterr() == ("a line\n", "")


def test_what_an_encoding_lacks_does_not_cost_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    mend_streams()
    Output().say("p99 ≤ 50 ms")
    assert written.getvalue() == b"p99 ? 50 ms\n"


def test_a_document_holds_no_command_for_the_log_of_a_ci_run(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"##[error]name": "::error::x\n##[group]y ###[z"}
    output = Output("targets", as_json=True)
    output.tell(said)
    output.close()
    written = capsys.readouterr().out
    assert "##[" not in written
    assert not [line for line in written.splitlines() if line.lstrip().startswith("::")]
    assert json.loads(written)["result"] == said
