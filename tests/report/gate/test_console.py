"""What a terminal shows of a gate: a line for each round as it goes, then the verdict."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.gate.gates import outcome
from tests.report.gate.gates import ALL, CRASH, GATES, HOSTILE, hostile
from tests.report.screen import Screen, assert_inert
from tuner.gate.result import Round, Side, load_gate
from tuner.report.gate import words
from tuner.report.gate.console import GateProgress, print_gate
from tuner.terminal import PLAIN, Output, inert

FINE = outcome(0.040, 400.0)


def test_a_round_is_a_line_with_both_sides_or_with_what_failed() -> None:
    screen = Screen(terminal=False)
    with GateProgress(screen) as progress:
        progress.round(Round(new_first=True, baseline=FINE, new=outcome(0.044, 380.0)))
        progress.round(Round(new_first=True, baseline=FINE, new=FINE, retried={Side.NEW: (CRASH,)}))
        progress.round(Round(new_first=True, baseline=FINE, new=CRASH, retried={Side.NEW: (CRASH,)}))
    told = (
        ("p99 40.0 ms 400 req/s", "p99 44.0 ms 380 req/s"),
        ("p99 40.0 ms 400 req/s", f"new {CRASH.kind}"),
        (f"new {CRASH.kind}: {CRASH.reason}",),
    )
    lines = screen.text.splitlines()
    assert [line.split()[:2] for line in lines] == [["round", "1"], ["round", "2"], ["round", "3"]]
    for line, each in zip(lines, told, strict=True):
        assert all(said in line for said in each)


def test_a_round_with_hostile_reasons_is_inert() -> None:
    screen, crash = Screen(terminal=False), replace(CRASH, reason=f"[bold]{HOSTILE}\n{HOSTILE}[/]")
    with GateProgress(screen) as progress:
        progress.round(Round(new_first=True, baseline=crash, new=crash))
    assert screen.text.count("=cmd") == 4
    assert screen.text.count("[bold]=cmd") == 2, "markup means nothing"
    assert_inert(screen.text)


@pytest.mark.parametrize("name", ALL)
def test_the_verdict_is_a_table_of_the_limits_and_the_sentence(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    gate = ALL[name]()
    print_gate(gate, Path("index.html"), PLAIN)
    shown = capsys.readouterr().out
    assert_inert(shown)
    cells = [cell for effect in gate.effects for cell in words.row(gate, effect)] + [*(words.answers_row(gate) or ())]
    for said in cells:
        assert " ".join(said.split()) in " ".join(shown.split())
    assert inert(words.sentence(gate)) in shown


def test_a_hostile_gate_is_inert_in_a_terminal_also_where_it_ended_early(capsys: pytest.CaptureFixture[str]) -> None:
    gate = replace(hostile(), error=f"##[error]{HOSTILE}", failure=None)
    print_gate(gate, Path("index.html"), PLAIN)
    print_gate(hostile(), Path("index.html"), PLAIN)
    shown = capsys.readouterr().out
    assert "=cmd" in shown
    assert_inert(shown)


def test_a_gate_as_a_document_is_its_file_with_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    gate, output = GATES["inconclusive"](), Output("gate", as_json=True)
    print_gate(gate, Path("index.html"), output)
    output.close()
    found = json.loads(capsys.readouterr().out)["result"]
    told = {key: found.pop(key) for key in ("report", "ruling", "sentence", "needed")}
    assert told == {
        "report": "index.html",
        "ruling": gate.ruling,
        "sentence": words.sentence(gate),
        "needed": gate.needed,
    }
    assert load_gate(json.dumps(found)) == gate
