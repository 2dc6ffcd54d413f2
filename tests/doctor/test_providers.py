"""The table of execution providers and precisions."""

from dataclasses import replace

import pytest

from tests.doctor.diagnoses import make_diagnosis
from tuner import console
from tuner.doctor.console import print_diagnosis
from tuner.doctor.diagnosis import Provider, dump_diagnosis, load_diagnosis
from tuner.doctor.providers import providers, reasons

CPU, OPENVINO, CUDA = "CPUExecutionProvider", "OpenVINOExecutionProvider", "CUDAExecutionProvider"
RUNS = {
    CPU: {"fp32": "", "bf16": "no kernels", "int4": ""},
    OPENVINO: {"fp32": "not installed", "bf16": "not installed", "int4": "not installed"},
    CUDA: {"fp32": "no library", "bf16": "no library", "int4": "no kernels"},
}


def test_advice_stands_only_where_nothing_runs() -> None:
    assert [bool(provider.advice) for provider in providers(RUNS)] == [False, True, True]
    assert providers(RUNS)[1].advice == "tuner runtime add openvino"
    assert providers({}) == ()


@pytest.mark.parametrize(
    ("precisions", "why"),
    [
        ({"fp32": "", "bf16": ""}, ""),
        ({"fp32": "", "bf16": "no kernels"}, "bf16: no kernels"),
        ({"fp32": "missing", "bf16": "missing"}, "missing"),
        ({"fp32": "", "bf16": "no kernels", "int4": "no kernels"}, "bf16, int4: no kernels"),
        ({"fp32": "missing", "bf16": "no kernels"}, "fp32: missing; bf16: no kernels"),
    ],
)
def test_a_reason_stands_once(precisions: dict[str, str], why: str) -> None:
    assert reasons(Provider(name=CPU, precisions=precisions)) == why


@pytest.mark.parametrize("width", [80, 160])
def test_a_provider_has_a_row_of_marks_and_a_line_of_reasons(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "_WIDE", width)
    found = providers(RUNS)
    print_diagnosis(replace(make_diagnosis(), providers=found))
    lines = [line for line in capsys.readouterr().out.splitlines() if "ExecutionProvider" in line]
    assert [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines[:3]] == [
        [CPU, "ok", "–", "ok"],
        [OPENVINO, "–", "–", "–"],
        [CUDA, "–", "–", "–"],
    ]
    assert lines[3:] == [
        f"{CPU}: bf16: no kernels",
        f"{OPENVINO}: not installed; what to do: tuner runtime add openvino",
        f"{CUDA}: fp32, bf16: no library; int4: no kernels; what to do: {found[2].advice}",
    ]


def test_providers_are_kept() -> None:
    diagnosis = replace(make_diagnosis(), providers=providers(RUNS))
    assert load_diagnosis(dump_diagnosis(diagnosis)) == diagnosis


def test_the_names_of_a_target_are_inert(capsys: pytest.CaptureFixture[str]) -> None:
    precisions = {"[bold]x[/]": "", "\x1b[31mred": ""}
    print_diagnosis(replace(make_diagnosis(), providers=(Provider(name=CPU, precisions=precisions),)))
    shown = capsys.readouterr().out
    assert "[bold]x[/]" in shown
    assert "␛[31mred" in shown
    assert "\x1b" not in shown
