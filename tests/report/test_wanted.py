"""The settings that a reader can copy mean the configuration that they were written for."""

import shlex
import tomllib
from dataclasses import replace

import pytest

from tests.report import studies
from tests.report.test_write import HOSTILE
from tuner.report.wanted import settings_file, variables
from tuner.study.objectives import Limits, Slo
from tuner.study.study import Settings
from tuner.study.workload import opened, standard

SMALL = studies.small(slo=Slo(metric="p99", limit=0.048))
WINNER = SMALL.trial(3).configuration


def exported(text: str | None) -> dict[str, str]:
    assert text is not None
    words = shlex.split(text)
    assert words[::2] == ["export"] * (len(words) // 2)
    return dict(word.split("=", 1) for word in words[1::2])


def test_the_file_of_a_winner() -> None:
    assert settings_file(SMALL.settings, WINNER) == (
        'target = "reference"\n'
        "users = [4, 32]\n"
        'slo = "p99=48ms"\n'
        "seed = 7\n"
        "\n"
        "[set]\n"
        "max_batch_size = 8\n"
        "batch_timeout_ms = 0.0\n"
        "workers = 1\n"
        "intra_op_threads = 2\n"
        'precision = "int8"\n'
        'execution_provider = "CPUExecutionProvider"\n'
        "\n"
        "[options]\n"
        'agent = "search"'
    )


def test_the_variables_of_a_winner() -> None:
    assert exported(variables(SMALL.settings, WINNER)) == {
        "TUNER_TARGET": "reference",
        "TUNER_USERS": "4,32",
        "TUNER_SLO": "p99=48ms",
        "TUNER_SEED": "7",
        "TUNER_SET": "max_batch_size=8 batch_timeout_ms=0.0 workers=1 intra_op_threads=2 precision=int8 "
        "execution_provider=CPUExecutionProvider",
        "TUNER_OPTIONS": "agent=search",
    }


def test_what_is_not_usual_is_told_too() -> None:
    workload = replace(standard(opened((0.5, 200.0))), interval=0.05, measure_most=8.0, processes=2, master="h:5557")
    settings = replace(
        SMALL.settings, workload=workload, locustfile="my file.py", runtime_python="/my env/python", limits=Limits()
    )
    read = tomllib.loads(settings_file(settings, {"on": True}))
    assert read == {
        "target": "reference",
        "runtime_python": "/my env/python",
        "locustfile": "my file.py",
        "rate": [0.5, 200],
        "seed": 7,
        "p99_within": "0.05",
        "measure_at_most": "8s",
        "load_processes": 2,
        "load_master": "h:5557",
        "set": {"on": True},
        "options": {"agent": "search"},
    }
    assert exported(variables(settings, {"on": True}))["TUNER_SET"] == "on=true"


@pytest.mark.parametrize("text", [HOSTILE, 'a"b\\c', "\x00\x7f\u202e", "half \ud800 pair"])
def test_hostile_texts_stay_texts(text: str) -> None:
    settings: Settings = replace(SMALL.settings, target=text, options={text: text})
    written = settings_file(settings, {text: text})
    kept = text.replace("\ud800", "\ufffd")
    assert tomllib.loads(written)["set"] == {kept: kept}
    assert tomllib.loads(written)["options"] == {kept: kept}
    assert "\x1b" not in written


def test_words_with_spaces_have_no_variable() -> None:
    assert variables(SMALL.settings, {"note": "two words"}) is None
    assert variables(SMALL.settings, {"note": "one"}) is not None
