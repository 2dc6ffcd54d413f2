"""stdout is the result, as one document where that is asked for; stderr is progress."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import tuner
from tests.conftest import MakeTarget
from tuner import bundled
from tuner.settings import schema

PLAN = {"settings", "space", "trials", "launches_to_confirm", "seconds"}
KNOBS = "[space]\na = { low = 1, high = 3, default = 1 }\n"


def document(*arguments: str, cwd: Path) -> tuple[dict[str, Any], int]:
    result = tuner(*arguments, "--json", cwd=cwd)
    return json.loads(result.stdout), result.returncode


@pytest.mark.parametrize(
    ("arguments", "verb", "keys"),
    [
        (["targets"], "targets", {"targets"}),
        (["targets", "null"], "targets", {"knobs", "conditions", "constraints", "constants", "options", "left_alone"}),
        (["search", "--target", "null", "--dry-run"], "search", PLAN),
        (["runtime", "list"], "runtime list", {"runtimes"}),
        (["init"], "init", {"file", "schema"}),
        (["--version"], "", {"text"}),
        (["--help"], "", {"text"}),
        (["search", "--help"], "search", {"text"}),
        (["runtime", "add", "--help"], "runtime add", {"text"}),
        (["--show-completion"], "", {"text"}),
    ],
)  # fmt: skip
def test_the_document_of_a_verb(tmp_path: Path, arguments: list[str], verb: str, keys: set[str]) -> None:
    found, code = document(*arguments, cwd=tmp_path)
    assert (found["version"], found["verb"], found["error"], code) == (1, verb, None, 0)
    assert set(found["result"]) == keys


@pytest.mark.parametrize("arguments", [[], ["runtime"]])
def test_no_verb_at_all_is_a_mistake_with_the_help(tmp_path: Path, arguments: list[str]) -> None:
    found, code = document(*arguments, cwd=tmp_path)
    assert (found["error"], code) == ({"code": 2, "message": "name a verb; --help shows them"}, 2)
    assert "Usage: tuner" in found["result"]["text"]
    result = tuner(*arguments, cwd=tmp_path)
    assert (result.returncode, "Usage: tuner" in result.stdout) == (2, True)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_standard_stream_that_is_closed_is_in_nobodys_way(tmp_path: Path, closed: str) -> None:
    words = [sys.executable, "-m", "tuner", "measure", "--target", "null", "--users", "2", "--measure-at-most", "0.5s"]
    words.append("--quiet")
    command = ["bash", "-c", f'exec "$@" {closed}', "bash", *words]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(list(tmp_path.glob("reports/measure-*/measurement.json"))) == 1


def test_behind_two_dashes_no_word_is_one_for_every_verb(tmp_path: Path) -> None:
    result = tuner("targets", "--", "--json", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "unknown target '--json'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["targets", "nulll"], "unknown target 'nulll'"),
        (["serch"], "No such command 'serch'"),
        (["search", "--budget", "0"], "--budget"),
        (["resume"], "Missing argument"),
    ],
)
def test_the_document_of_a_mistake(tmp_path: Path, arguments: list[str], words: str) -> None:
    found, code = document(*arguments, cwd=tmp_path)
    assert (found["error"]["code"], found["result"], code) == (2, None, 2)
    assert words in found["error"]["message"]


def test_a_measurement_is_a_document_and_quiet_shows_no_progress(tmp_path: Path) -> None:
    short = ["measure", "--target", "null", "--users", "2", "--measure-at-most", "0.5s", "--json", "--quiet"]
    result = tuner(*short, cwd=tmp_path)
    found = json.loads(result.stdout)
    if result.returncode == 0:
        assert (found["error"], result.stderr) == (None, "")
        assert found["result"]["outcome"]["levels"][0]["load"] == {"loop": "closed loop", "amount": 2.0}
        settings = found["result"]["settings"]
        assert (settings["target"], settings["configuration"]["delay_ms"], settings["url"]) == ("null", 10.0, None)
        assert settings["workload"]["measure_most"] == 0.5
        folder = Path(found["result"].pop("folder"))
        assert found["result"] == json.loads((folder / "measurement.json").read_text())
    else:  # The machine was too busy to measure on, which is told as one sentence.
        assert (result.returncode, found["result"], found["error"]["code"]) == (6, None, 6)
        assert result.stderr == f"tuner: {found['error']['message']}\n"
        (folder,) = (tmp_path / "reports").glob("measure-*")
    assert (folder / "samples.npy").exists()


def test_what_a_server_writes_is_inert_and_not_on_stdout(make_target: MakeTarget, tmp_path: Path) -> None:
    program = "print('\\x1b[2J::error::mine\\n::error::mine', flush=True); raise SystemExit(3)"
    toml = f'description = "x"\ncommand = ["$python", "-c", {json.dumps(program)}, "$a"]\n{KNOBS}'
    folder = str(make_target(toml))
    result = tuner("search", "--target", folder, "--name", "mine", cwd=tmp_path)
    assert (result.returncode, "\x1b" in result.stderr + result.stdout) == (4, False)
    assert not any(line.strip().startswith("::") for line in result.stderr.splitlines())
    assert "␛[2J" in result.stderr
    found, code = document("serve", "--target", folder, cwd=tmp_path)
    assert (found["error"]["code"], code) == (4, 4)


def test_names_of_a_target_are_inert(make_target: MakeTarget, tmp_path: Path) -> None:
    toml = 'description = "x"\ncommand = ["x", "$a"]\n[space]\n'
    toml += (
        'a.choices = ["\\u001b[31mred", "[bold]b[/]"]\na.default = "[bold]b[/]"\na.description = "\\u001b]0;c\\u0007"\n'
    )
    result = tuner("targets", str(make_target(toml)), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "\x1b" not in result.stdout
    for text in ("␛[31mred", "[bold]b[/]", "␛]0;c␇"):
        assert text in result.stdout
    result = tuner("targets", "\x1b[31mred", cwd=tmp_path)
    assert (result.returncode, "\x1b" in result.stderr) == (2, False)


@pytest.mark.parametrize(
    ("flags", "environment", "coloured"),
    [([], {}, True), (["--no-color"], {}, False), ([], {"NO_COLOR": "1"}, False)],
)
def test_colours_of_a_terminal(tmp_path: Path, flags: list[str], environment: dict[str, str], coloured: bool) -> None:
    """Help with a pseudo-terminal for stdout."""
    ours, theirs = os.openpty()
    env = {**os.environ, "TERM": "xterm-256color", **environment}
    command = [sys.executable, "-m", "tuner", *flags, "targets", "--help"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65_536):
            shown += chunk
    except OSError:
        pass  # How Linux says that nobody writes to a pseudo-terminal any more.
    os.close(ours)
    assert process.wait(20) == 0
    assert (b"\x1b[3" in shown or b";3" in shown) == coloured
    assert b"Example: tuner targets" in shown


@pytest.mark.parametrize("arguments", [["--help"], ["search", "--help"], ["targets"], ["--help", "--json"]])
@pytest.mark.parametrize("variable", ["NOTHING", "GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS", "TTY_COMPATIBLE"])
def test_no_escape_sequence_where_nobody_looks(
    tmp_path: Path, arguments: list[str], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    result = tuner(*arguments, cwd=tmp_path)
    assert result.returncode == 0
    assert "\x1b" not in result.stdout + result.stderr
    assert "\\u001b" not in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [["targets"], ["targets", "null"], ["targets", "--json"], ["--help"], ["search", "--help"], ["--version"]],
)
def test_a_reader_who_has_left_is_no_mistake(tmp_path: Path, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tuner", *arguments]
    result = subprocess.run(command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["targets"], ["targets", "null"], ["targets", "--json"], ["--help"]])
def test_a_full_disk_under_stdout_is_one_sentence(tmp_path: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "tuner", *arguments]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (7, "tuner: a stream: No space left on device\n")


def test_settings_of_a_file_stand_under_the_flags(tmp_path: Path) -> None:
    (tmp_path / "tuner.toml").write_text('target = "null"\nbudget = 7\nusers = [2, 8]\n[set]\ndelay_ms = 3\n')
    found, _ = document("search", "--dry-run", "--budget", "5", cwd=tmp_path)
    settings = found["result"]["settings"]
    assert (settings["target"], settings["budget"], settings["pinned"]["delay_ms"]) == ("null", 5, 3.0)
    assert [load["amount"] for load in settings["workload"]["loads"]] == [2.0, 8.0]
    (tmp_path / "tuner.toml").write_text("buget = 7\n")
    result = tuner("search", "--dry-run", cwd=tmp_path)
    assert "tuner.toml: unknown setting 'buget'; did you mean 'budget'?" in result.stderr
    assert (result.returncode, result.stdout) == (2, "")
    assert tuner("search", "--help", cwd=tmp_path).returncode == 0, "help is there also where settings are wrong"


def test_init_never_overwrites(tmp_path: Path) -> None:
    assert tuner("init", cwd=tmp_path).returncode == 0
    before = (tmp_path / "tuner.toml").read_text()
    assert before.startswith(f"#:schema {schema.TUNER.as_uri()}\n# Settings of tuner")
    result = tuner("init", cwd=tmp_path)
    assert (result.returncode, "exists already" in result.stderr) == (2, True)
    assert (tmp_path / "tuner.toml").read_text() == before
    assert tuner("search", "--target", "null", "--dry-run", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(tmp_path: Path, shell: str) -> None:
    env = {**os.environ, "_TUNER_COMPLETE": f"source_{shell}"}
    result = subprocess.run(
        [sys.executable, "-m", "tuner"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert "_TUNER_COMPLETE" in result.stdout
    assert "complete" in result.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("tuner se", ["search", "serve"]),
        ("tuner search --target r", ["reference"]),
        ("tuner targets r", ["reference"]),
        ("tuner targets ", bundled.target_names()),
        ("tuner runtime add ", ["openvino"]),
    ],
)
def test_verbs_and_targets_are_completed(tmp_path: Path, words: str, offered: list[str]) -> None:
    place = str(words.count(" "))
    env = {**os.environ, "_TUNER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": place}
    result = subprocess.run(
        [sys.executable, "-m", "tuner"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert result.stdout.split() == offered
