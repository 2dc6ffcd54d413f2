"""`target.toml` at the door: what is right is computed for this machine, what is wrong is named."""

import sys
from pathlib import Path

import pytest

from tests.conftest import MakeTarget
from tuner import bundled
from tuner.errors import TargetFileError, UsageError
from tuner.machine import cores, place
from tuner.study.space import RangeKnob
from tuner.target import spec
from tuner.target.launch import render

SERVER_CORES = len(place(cores()).server)

GOOD = """
description = "mine"
command = ["$python", "server.py", "--port", "$port", "--batch", "$batch", "--fast", "$fast"]

[space]
batch = { low = 1, high = 8, default = 1 }
fast = { choices = [true, false], default = false }
"""


def hot(rest: str) -> tuple[str, str]:
    """What makes GOOD a target that says what it runs, and takes knobs while it runs."""
    return "\n[space]", f'effective = "/config"\n[hot]\npath = "/config"\n{rest}\n[space]'


def test_bundled_targets_load_by_name() -> None:
    assert bundled.target_names() == ["null", "reference"]
    for name in bundled.target_names():
        target = spec.load(name)
        assert target.space.violated(target.space.default()) is None


@pytest.mark.parametrize("agent", ["search", "recommend", "drive"])
def test_every_agent_has_expert_starts_at_the_int8_that_suits_it(agent: str) -> None:
    target = spec.load("reference", {"agent": agent}, server_cores=(0, 1))
    kind = {"search": "int8_dynamic", "recommend": "int8_dynamic", "drive": "int8_static"}[agent]
    assert {start["precision"] for start in target.starts} == {"fp32", kind}
    for start in target.starts:
        assert target.space.violated(start) is None


def test_the_frozen_default_of_the_reference_agent() -> None:
    assert spec.load("reference").space.default() == {
        "batching": "none",
        "max_batch_size": 1,
        "batch_timeout_ms": 0.0,
        "length_buckets": 4,
        "scheduler": "fifo",
        "workers": 1,
        "isolation": "process",
        "intra_op_threads": SERVER_CORES,
        "spinning": "on",
        "precision": "fp32",
        "compression": "none",
        "energy": 0.9,
        "keep": 0.75,
        "execution_provider": "CPUExecutionProvider",
        "inter_op_threads": 1,
        "cpu_affinity": "none",
        "memory_arena": "on",
        "reservation": "static",
        "elastic": "none",
        "min_workers": 1,
        "queue_capacity": 256,
        "tenant_share": 1.0,
        "request_timeout_ms": 0.0,
    }


def test_the_bundled_agent_is_judged_by_requests_that_the_search_never_sees() -> None:
    answers = spec.load("reference").answers
    assert answers.requests is not None
    assert answers.test is not None
    seen, unseen = (set(path.read_text().splitlines()) for path in (answers.requests, answers.test))
    assert len(unseen) == 2000
    assert not seen & unseen


def test_every_expert_start_of_the_reference_agent_is_possible_here() -> None:
    target = spec.load("reference")
    assert len(target.starts) == 7
    assert all(target.space.violated(start) is None for start in target.starts)


def test_a_launch_is_rendered_literally(make_target: MakeTarget, tmp_path: Path) -> None:
    toml = GOOD.replace(
        'description = "mine"', 'description = "mine"\nfiles = { "conf/$batch.ini" = "fast=$fast $$5" }'
    )
    toml += '\n[env]\nBATCH = "$batch; rm -rf ~ $$(id)"\n'
    target = spec.load(str(make_target(toml)))
    configuration = target.space.configuration({"batch": 4, "fast": True})
    launch = render(target, configuration, port=1234, workdir=tmp_path / "work", artifact=None)
    assert launch.argv[1:] == ("server.py", "--port", "1234", "--batch", "4", "--fast", "true")
    assert launch.env["BATCH"] == "4; rm -rf ~ $(id)"
    assert launch.env["PYTHONDONTWRITEBYTECODE"] == "1"
    assert (tmp_path / "work" / "conf" / "4.ini").read_text() == "fast=true $5"


def test_bounds_and_choices_come_from_cores_and_facts(make_target: MakeTarget) -> None:
    toml = GOOD.replace("high = 8", 'high = "$cores * 2"').replace("choices = [true, false]", 'choices = "$speeds"')
    toml += '\n[facts]\ncommand = ["$python", "-c", "print(\'{\\"speeds\\": [false, true]}\')"]\n'
    space = spec.load(str(make_target(toml))).space
    assert space.knob("batch") == RangeKnob(name="batch", low=1, high=SERVER_CORES * 2, default=1, integer=True)
    assert space.knob("fast").size == 2


def says(facts: str) -> str:
    """A [facts] command that prints this object, with $cache where it says CACHE."""
    program = f"import json, sys; print(json.dumps({facts}).replace('CACHE', sys.argv[1]))"
    return f'[facts]\ncommand = ["$python", "-c", """{program}""", "$cache"]\n'


def test_facts_are_names_settle_options_and_make_requests(make_target: MakeTarget, own_cache: Path) -> None:
    """A target can make its requests of the user's data: it keeps them in $cache and says where they are."""
    kept = own_cache / "agent-tuner" / "facts" / "mine"
    kept.mkdir(parents=True)
    (kept / "asked.jsonl").write_text('{"request": 1}\n')
    facts = "{'mode': 'fast', 'level': 3, 'asked': 'CACHE/asked.jsonl', 'notes': ['one request', 'no labels']}"
    options = '[options]\nmode = { default = "auto", choices = ["auto", "fast", "slow"], help = "how" }\n'
    toml = GOOD.replace('"$fast"]', '"$fast", "--mode", "$mode", "--level", "$level"]')
    toml += options + says(facts) + '[answers]\nrequests = "$asked"\n'
    target = spec.load(str(make_target(toml)))
    assert target.answers.requests == kept / "asked.jsonl"
    assert target.notes == ("one request", "no labels")
    launch = render(target, target.space.default(), port=80, workdir=own_cache / "work", artifact=None)
    assert launch.argv[-4:] == ("--mode", "fast", "--level", "3")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[space]", says("{'port': 1}") + "[space]"), r"\[facts\] prints 'port': the name is taken"),
        (("[space]", says("{'fast': 1}") + "[space]"), r"\[space\] fast: the name is taken"),
        (
            ("[space]", says("{'notes': 'one'}") + "[space]"),
            r"\[facts\] notes must be a list of sentences, but is 'one'",
        ),
        (('"--fast",', '"$speed",'), r"command: unknown name '\$speed'"),
        (("$batch", "$bacth"), r"command: unknown name '\$bacth'; did you mean '\$batch'"),
        (('"--fast", "$fast"', ""), r"\[space\] fast: no \$fast in command"),
        (("low = 1, high = 8", "low = 9, high = 8"), "batch: low must not be above high"),
        (("low = 1, high = 8, ", "low = 1, "), r"\[space\] batch: needs low and high, or choices"),
        (("default = 1", "defualt = 1"), "space.batch.default: Field required"),
        (("high = 8,", "high = 8, hihg = 9,"), r"\[space.batch\] unknown key 'hihg'; did you mean 'high'"),
        (("description", "descripton"), "description: Field required"),
        (('description = "mine"', 'description = "mine"\nredy = "/"'), "unknown key 'redy'; did you mean 'ready'"),
        (('description = "mine"', 'description = "mine"\nconstraints = ["bath > 1"]'), "unknown name 'bath'"),
        (('description = "mine"', 'description = "mine"\nlocustfile = "none.py"'), "there is no file none.py"),
        (("[space]", '[when]\nbach = "1 > 0"\n[space]'), r"\[when\]: unknown knob 'bach'"),
        (("[space]", '[answers]\nrequests = "none.jsonl"\n[space]'), r"\[answers\] requests: there is no file"),
        (
            ("[space]", '[answers]\nrequests = "server.py"\ntest = "none.jsonl"\n[space]'),
            r"\[answers\] (test|requests): there is no file",
        ),
        (("[space]", '[answers]\ntest = "none.jsonl"\n[space]'), r"\[answers\] test: needs `requests` beside it"),
        (("[space]", "[[starts]]\nbach = 1\n[space]"), "unknown knob 'bach'"),
        (("[space]", '[facts]\ncommand = ["$python", "-c", "exit(3)"]\n[space]'), r"\[facts\] exit code 3"),
        (
            ("[space]", '[facts]\ncommand = ["$python", "-c", "print(1)"]\n[space]'),
            r"\[facts\] must print one JSON object",
        ),
        (("[space]", "[space"), "is not TOML"),
        (("low = 1, high", 'low = "1", high'), r"\[space\] batch: low is '1', which is no number"),
        (("choices = [true, false]", 'choices = "fp32"'), r"\[space\] fast: choices is 'fp32', which is no list"),
        (('"--fast"', '"$(id)"'), r"command: '\$\(id\)' has a \$ that begins no name"),
        (("[space]", '[facts]\ncommand = ["$port"]\n[space]'), r"\[facts\]: unknown name '\$port'"),
        (("[space]", '[prepare]\ncommand = ["$workdir"]\n[space]'), r"\[prepare\]: unknown name '\$workdir'"),
        (('description = "mine"', 'description = "mine"\nconstraints = ["batch > 1"]'), "the defaults together break"),
        (("[space]", "[[starts]]\nfast = 1\n[space]"), "fast: unknown choice '1'"),
        (("choices = [true, false], default = false", 'choices = [1], default = "1"'), "fast: unknown choice '1'"),
        (("[space]", '[hot]\npath = "/config"\nknobs = ["fast"]\n[space]'), r"\[hot\]: needs `effective`"),
        (hot('knobs = ["fats"]'), r"\[hot\] knobs: unknown knob 'fats'; did you mean 'fast'"),
        (hot('knobs = ["fast"]\npaths = "/"'), r"\[hot\] unknown key 'paths'; did you mean 'path'"),
        (
            hot('knobs = ["fast"]\n[prepare]\ncommand = ["make", "$fast"]'),
            r"\[hot\] knobs: \[prepare\] uses \$fast, so another value needs another artifact.*; leave fast out",
        ),
        (
            hot('knobs = ["fast"]\n[env]\nFAST = "$fast"\n[prepare]\ncommand = ["make"]'),
            r"\[hot\] knobs: \[env\], which \[prepare\] sees, uses \$fast",
        ),
        (('description = "mine"', 'description = "mine"\nslo = "p99"'), "slo 'p99': expected METRIC=DURATION"),
        (('description = "mine"', 'description = "mine"\nslo = "$goal"'), r"'\$goal' cannot be computed"),
        (("default = 1 }", 'default = 1, search = "no" }'), r"space\.batch\.search: Input should be a valid boolean"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(
    make_target: MakeTarget, change: tuple[str, str], message: str
) -> None:
    assert change[0] in GOOD
    folder = make_target(GOOD.replace(*change))
    with pytest.raises(TargetFileError, match=message) as caught:
        spec.load(str(folder))
    assert str(caught.value).startswith(str(folder / "target.toml"))


def test_knobs_that_a_running_server_takes(make_target: MakeTarget, tmp_path: Path) -> None:
    target = spec.load(str(make_target(GOOD.replace(*hot('knobs = ["fast"]')))))
    assert target.hot == spec.Hot(path="/config", knobs=("fast",))
    launches = [
        render(target, target.space.default(), port=1234, workdir=tmp_path / "work", artifact=None) for _ in range(2)
    ]
    assert [launch.env["LAUNCH_TOKEN"] for launch in launches] == [launch.token for launch in launches]
    assert launches[0].token != launches[1].token


RUNS = """
import json
print(json.dumps({"runs": {
    "CPUExecutionProvider": {"fp32": "", "bf16": "no kernels"},
    "OpenVINOExecutionProvider": {"fp32": "not in onnxruntime 1.32.0"},
    "OtherExecutionProvider": {"fp32": "no such device"},
}}))
"""


def test_what_runs_here_and_why_not_is_a_fact(make_target: MakeTarget) -> None:
    toml = GOOD + '[facts]\ncommand = ["$python", "facts.py", "$runtimes"]\n'
    target = spec.load(str(make_target(toml, facts_py=RUNS)))
    assert target.runs["CPUExecutionProvider"] == {"fp32": "", "bf16": "no kernels"}
    assert target.why_not("CPUExecutionProvider") == target.why_not("8") == ""
    assert target.why_not("OpenVINOExecutionProvider") == "not in onnxruntime 1.32.0; tuner runtime add openvino"
    assert target.why_not("OtherExecutionProvider") == "no such device"
    assert "runs" not in target.space.constants, "it is for people, and changes its words"
    assert not {"python", "home", "runtimes"} & set(target.space.constants), "a study may be read elsewhere"


@pytest.mark.parametrize("runs", ["[]", "{'CPU': 'fine'}", "{'CPU': {'fp32': True}}"])
def test_what_runs_here_must_be_readable(make_target: MakeTarget, runs: str) -> None:
    toml = GOOD + '[facts]\ncommand = ["$python", "facts.py"]\n'
    folder = make_target(toml, facts_py=f"import json; print(json.dumps({{'runs': {runs}}}))")
    with pytest.raises(TargetFileError, match=r"\[facts\] runs: must be an object of providers"):
        spec.load(str(folder))


def test_the_python_of_a_target_runs_its_facts_and_its_command(make_target: MakeTarget, tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    toml = GOOD + '[facts]\ncommand = ["$python", "facts.py"]\n'
    folder = make_target(toml, facts_py="import json, sys; print(json.dumps({'ran': sys.executable}))")
    python = str(tmp_path / "python")
    target = spec.load(str(folder), runtime_python=python)
    launch = render(target, target.space.default(), port=1234, workdir=tmp_path / "work", artifact=None)
    assert target.runtime_python == target.names["ran"] == launch.argv[0] == python
    assert spec.load(str(folder)).runtime_python is None


def test_a_start_that_is_about_a_knob_left_alone_is_left_out(make_target: MakeTarget) -> None:
    toml = GOOD.replace("default = false", "default = false, search = false")
    toml += "[[starts]]\nbatch = 2\n[[starts]]\nbatch = 4\nfast = true\n"
    target = spec.load(str(make_target(toml)))
    assert target.left_alone == ("fast",)
    assert target.starts_with({}) == list(target.starts)
    assert target.starts_with({"fast": False}) == [{"batch": 2, "fast": False}]
    assert target.starts_with({"fast": True}) == [{"batch": 2, "fast": True}, {"batch": 4, "fast": True}]
    assert target.starts_with({"batch": 8}) == [{"batch": 8, "fast": False}, {"batch": 8, "fast": True}]


def test_targets_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown target 'refrence'; did you mean 'reference'"):
        spec.load("refrence")
    with pytest.raises(TargetFileError, match=r"has no target\.toml"):
        spec.load(str(tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agnet": "search"}, "unknown option '--agnet'; did you mean '--agent'"),
        ({"agent": "drvie"}, "--agent: unknown choice 'drvie'"),
        ({"model": "none.onnx"}, "--model: there is no file none.onnx"),
    ],
)
def test_bad_options_of_a_target(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        spec.load("reference", options)
    assert "target.toml" not in str(caught.value), "it is the user's own flag that is wrong"


def test_a_model_that_is_not_onnx_is_refused_before_any_launch(tmp_path: Path) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"not a model")
    with pytest.raises(UsageError, match=r"\[facts\].*junk\.onnx"):
        spec.load("reference", {"model": str(junk)})


def test_a_locustfile_of_ones_own_overrides_the_targets(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("")
    assert spec.load("null", locustfile=str(mine)).locustfile == mine
    with pytest.raises(UsageError, match="--locustfile: there is no file"):
        spec.load("null", locustfile=str(tmp_path / "none.py"))
