"""What `search --dry-run` says."""

import json
from dataclasses import replace

import pytest

from tuner.cli.plan import print_plan
from tuner.study.objectives import Limits
from tuner.study.study import Settings
from tuner.study.workload import Load, closed, opened, standard
from tuner.target import spec
from tuner.terminal import PLAIN, Output


def settings(loads: tuple[Load, ...], processes: int = 1) -> Settings:
    workload = replace(standard(loads), processes=processes)
    return Settings(name="x", target="null", workload=workload, limits=Limits(), budget=5, seed=0)


def test_a_plan_names_the_loop(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(settings(opened((50.0, 200.0)), processes=2), spec.load("null"), PLAIN)
    assert "each: open loop at 50, then 200 req/s from 2 load processes; " in capsys.readouterr().out


@pytest.mark.parametrize(("budget", "said"), [(1, "1 trial and 12 launches"), (5, "5 trials and 12 launches")])
def test_a_plan_counts_its_launches(budget: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(replace(settings(closed((4, 32))), budget=budget), spec.load("null"), PLAIN)
    assert f"\n{said} to confirm\n" in capsys.readouterr().out


def test_a_plan_as_a_document_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    output, asked = Output("search", as_json=True), settings(closed((4, 32)))
    print_plan(asked, spec.load("null"), output)
    output.close()
    found = json.loads(capsys.readouterr().out)["result"]
    assert (found["trials"], found["launches_to_confirm"]) == (5, asked.launches - 5)
    assert [knob["name"] for knob in found["space"]["knobs"]] == ["delay_ms"]
