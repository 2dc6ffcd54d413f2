"""The table of execution providers and precisions."""

from dataclasses import replace

import pytest

from tests.doctor.diagnoses import make_diagnosis
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


def test_the_table_is_shown_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    diagnosis = replace(make_diagnosis(), providers=providers(RUNS))
    print_diagnosis(diagnosis)
    lines = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if "ExecutionProvider" in line]
    cells = [[cell.strip() for cell in line] for line in lines]
    assert cells[0] == [CPU, "ok", "–", "ok", "bf16: no kernels", ""]
    assert cells[1] == [OPENVINO, "–", "–", "–", "not installed", "tuner runtime add openvino"]
    assert cells[2][:5] == [CUDA, "–", "–", "–", "fp32, bf16: no library; int4: no kernels"]
    assert load_diagnosis(dump_diagnosis(diagnosis)) == diagnosis


def test_the_names_of_a_target_are_inert(capsys: pytest.CaptureFixture[str]) -> None:
    precisions = {"[bold]x[/]": "", "\x1b[31mred": ""}
    print_diagnosis(replace(make_diagnosis(), providers=(Provider(name=CPU, precisions=precisions),)))
    shown = capsys.readouterr().out
    assert "[bold]x[/]" in shown
    assert "␛[31mred" in shown
    assert "\x1b" not in shown
