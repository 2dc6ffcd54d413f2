"""The files of a gate: golden texts, what programs read in them, and that hostile names are inert in all of them."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.gate.gates import gate, outcome, played, settings
from tests.report.gate.gates import CRASH, GATES, decided_early, hostile, open_twice, scattered, short_of_time
from tuner.errors import InvalidMeasurementError, RegressionError, StorageError
from tuner.gate.effect import Ruling
from tuner.gate.result import load_gate
from tuner.report.gate import words
from tuner.report.gate.console import print_gate
from tuner.report.gate.markdown import MOST_BYTES
from tuner.report.gate.write import STEP_SUMMARY, gate_files, require_kept, write_gate, write_step_summary
from tuner.study.trial import Failure, FailureKind
from tuner.terminal import Output

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("file", ["summary.md", "junit.xml"])
def test_golden(name: str, file: str) -> None:
    """`UPDATE_GOLDEN=1 pytest …` writes them anew."""
    text = gate_files(GATES[name]())[file]
    path = GOLDEN / f"{name}-{file}"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "failures", "errors"),
    [
        ("kept", 0, 0),
        ("regression", 1, 0),
        ("inconclusive", 0, 1),
        ("disturbed", 0, 2),
        ("crash", 1, 0),
        ("wrong", 1, 0),
        ("undecided", 0, 1),
        ("early", 0, 1),
        ("again", 0, 0),
        ("ended", 0, 2),
        ("both", 0, 2),
        ("failing", 1, 0),
        ("sometimes", 0, 1),
    ],
)
def test_junit_counts_what_it_holds(name: str, failures: int, errors: int) -> None:
    suite = ElementTree.fromstring(gate_files(GATES[name]())["junit.xml"]).find("testsuite")
    assert suite is not None
    assert (suite.get("failures"), suite.get("errors")) == (str(failures), str(errors))
    times = [float(case.get("time", "nan")) for case in suite.iter("testcase")]
    assert (len(suite.findall(".//failure")), len(suite.findall(".//error"))) == (failures, errors)
    assert suite.get("tests") == str(len(suite.findall("testcase")))
    assert sum(times) == pytest.approx(float(suite.get("time", "nan")), abs=0.01)


def test_what_is_open_beside_a_regression_promises_nothing() -> None:
    made = GATES["regression"]()
    p99, throughput = made.effects
    made = replace(made, effects=(p99, replace(throughput, ruling=Ruling.INCONCLUSIVE)))
    said = ElementTree.fromstring(gate_files(made)["junit.xml"]).find(".//error")
    assert said is not None
    assert said.get("message") == f"throughput {words.change(throughput)}"


def test_an_option_of_the_target_is_told_as_its_flag() -> None:
    asked = settings()
    asked = replace(asked, new=replace(asked.new, options={"crash_after": "20"}))
    sides = dict(words.sides(gate(played(scattered, asked=asked)[0])))
    assert "--crash-after 20" in sides["new"]


def test_github_action_benchmark_gets_lists_of_figures() -> None:
    files = gate_files(GATES["regression"]())
    (p99,), (throughput,) = (json.loads(files[f"benchmark-{way}-is-better.json"]) for way in ("smaller", "bigger"))
    assert p99["name"] == "server: p99 at 32 users"
    assert p99["unit"] == "ms"
    assert p99["value"] == pytest.approx(44.8, rel=0.02)
    assert re.fullmatch(r"± \d\.\d+", p99["range"])
    assert throughput["unit"] == "req/s"
    assert throughput["value"] == pytest.approx(400.0, rel=0.02)
    assert not [name for name in gate_files(GATES["crash"]()) if name.startswith("benchmark")]


def test_names_are_the_same_on_every_machine() -> None:
    asked = settings(target="/home/somebody/work/server")
    files = gate_files(gate(played(scattered, asked=asked)[0]))
    assert json.loads(files["benchmark-smaller-is-better.json"])[0]["name"] == "server: p99 at 32 users"
    assert 'name="tuner gate server"' in files["junit.xml"]


def test_a_p99_that_rests_on_too_few_requests_says_so() -> None:
    few = outcome(0.04, 400.0)
    few = replace(few, levels=(replace(few.levels[0], requests=200),))
    made = gate(played(scattered, new=lambda _: few, asked=settings(seconds=63.0))[0])
    known = "p99 was known in only 0 of 3 pairs, which decides nothing: measure for longer, with --measure-at-most."
    assert known in words.sentence(made)


def test_launches_are_not_promised_to_decide_the_answers() -> None:
    made = open_twice()
    assert "launches of each would decide the rest: give it --at-most" in words.more(made)
    assert "No number of launches decides the answers; about 1,500 labelled requests would tell" in words.more(made)
    assert made.needed is None
    assert short_of_time().needed is not None


def test_the_terminal_says_the_sentence_before_it_makes_a_document(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = replace(GATES["kept"](), command="\ud800")
    with pytest.raises(ValueError, match="surrogates not allowed"):
        print_gate(made, tmp_path / "index.html", Output())
    assert words.sentence(made) in capsys.readouterr().out


def test_gate_json_is_the_gate() -> None:
    made = GATES["kept"]()
    assert load_gate(gate_files(made)["gate.json"]) == made


def test_a_hostile_name_is_inert_everywhere() -> None:
    files = gate_files(hostile())
    xml = ElementTree.fromstring(files["junit.xml"])
    assert {element.tag for element in xml.iter()} <= {
        *("testsuites", "testsuite", "testcase", "failure", "error", "system-out")
    }
    assert "␛[31m" in ElementTree.tostring(xml, encoding="unicode")
    page = files["index.html"]
    assert page.count("<script") == 1
    assert "<script>alert" not in page
    markdown = files["summary.md"]
    assert "::error" not in markdown
    assert "##[" not in markdown
    prose = re.sub(r"^(`{3,})text$.*?^\1$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    assert "<script" not in prose.replace("\\<script", "")
    assert not re.search(r"^::", markdown, re.MULTILINE)
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}
    for text in files.values():
        assert "\x1b" not in text
        assert "\x00" not in text


def test_the_page_allows_its_own_script_only_and_loads_nothing() -> None:
    page = gate_files(GATES["kept"]())["index.html"]
    assert "default-src 'none'; script-src 'sha256-" in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert len(page) < 100_000


@pytest.mark.parametrize("name", GATES)
def test_the_page_says_the_verdict_and_draws_what_is_known(name: str) -> None:
    made = GATES[name]()
    page = gate_files(made)["index.html"]
    assert words.sentence(made).replace("'", "&#39;") in page
    assert words.failed_alone(made) in page.partition("</section>")[0].partition('class="note"')[2]
    assert page.count("<svg") == sum(effect.ratio is not None for effect in made.effects)


def test_the_drawing_holds_the_pairs_that_decided_and_the_page_tells_of_all() -> None:
    made = decided_early()
    page = gate_files(made)["index.html"]
    drawn = [part.count('class="pair"') for part in page.split("<svg")[1:]]
    assert drawn == [effect.pairs for effect in made.effects]
    assert drawn[0] == 3 < drawn[1]
    told = f"ecided by 3 pairs; +3.3 % over all {drawn[1]}"
    assert told in page
    assert told in gate_files(made)["summary.md"]


@pytest.mark.parametrize(
    "line", ["=====", "```", "``````` x", "# heading", "::error::x", "    ::error::x", "##[error]x"]
)
def test_a_log_is_one_block_that_no_line_of_it_ends(line: str) -> None:
    crash = replace(CRASH, log_tail=("Starting", line, "the end"))
    made = gate(played(scattered, new=lambda _: crash)[0])
    summary = gate_files(made)["summary.md"]
    opened = re.search(r"^(`+)text$", summary, re.MULTILINE)
    assert opened is not None
    block = summary[opened.end() :].partition(f"\n{opened[1]}\n")[0].splitlines()[1:]
    assert len(block) == 3
    assert block[1].replace("\u200b", "") == line
    assert "::" not in block[1]
    assert "##[" not in block[1]


@pytest.mark.parametrize("letter", ["x", "é", "`", ":", "&"])
@pytest.mark.parametrize("rounds", [5, 200])
def test_a_long_log_and_a_long_reason_take_no_room_from_the_rest(letter: str, rounds: int) -> None:
    long = Failure(kind=FailureKind.CRASH, reason=letter * 200_000, log_tail=(letter * 5_000,) * 30)
    made = GATES["kept"]()
    broken = tuple(replace(made.rounds[0], new=long) for _ in range(rounds))
    error = "\n".join([letter * 200_000] * 30)
    summary = gate_files(replace(made, failure=long, error=error, rounds=(*made.rounds, *broken)))["summary.md"]
    fences = re.findall(r"^(`{3,})(text)?$", summary, re.MULTILINE)
    assert [text for _, text in fences] == ["text", "", "text", ""]
    assert summary.rindex("\n```") < summary.index("### Doubts")
    assert len(summary.encode()) < MOST_BYTES + 100


def test_a_server_that_wrote_nothing_has_no_log() -> None:
    assert "```" not in gate_files(replace(GATES["kept"](), failure=replace(CRASH, log_tail=())))["summary.md"]


def test_a_long_log_is_shortened_and_everything_else_is_there() -> None:
    long = Failure(kind=FailureKind.CRASH, reason="r" * 200_000, log_tail=tuple("x" * 5_000 for _ in range(30)))
    summary = gate_files(replace(GATES["kept"](), failure=long))["summary.md"]
    assert "cut here" not in summary
    assert summary.index("r …\n") < summary.index("x …\n") < summary.index("### Doubts")
    assert summary.index("### Doubts") < summary.index("### What was compared")


def test_a_summary_that_is_too_long_for_github_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = replace(GATES["kept"](), failure=CRASH, command="x" * 70_000)
    monkeypatch.setenv(STEP_SUMMARY, str(tmp_path / "step.md"))
    (tmp_path / "step.md").write_text("# before\n")
    assert write_step_summary(made) is None
    step = (tmp_path / "step.md").read_text()
    assert step.startswith("# before\n\n## ✗ tuner gate: regression")
    assert "cut here" in step
    assert len(step.encode()) < MOST_BYTES + 1_000 < 64_000


@pytest.mark.parametrize(
    ("name", "error", "code", "words"),
    [
        ("regression", RegressionError, 5, "regression: p99"),
        ("wrong", RegressionError, 5, "regression: accuracy"),
        ("failing", RegressionError, 5, "regression: launches that fail"),
        ("sometimes", InvalidMeasurementError, 6, "inconclusive: launches that fail"),
        ("crash", RegressionError, 5, "the new one: crashed: the server ended under load .*\n  one\n  two"),
        ("inconclusive", InvalidMeasurementError, 6, "inconclusive: p99"),
        ("undecided", InvalidMeasurementError, 6, "inconclusive: accuracy"),
        ("disturbed", InvalidMeasurementError, 6, "inconclusive: p99, throughput"),
    ],
)
def test_exit_codes(name: str, error: type[RegressionError], code: int, words: str) -> None:
    with pytest.raises(error, match=words):
        require_kept(GATES[name]())
    assert error.exit_code == code


@pytest.mark.parametrize("name", ["kept", "again"])
def test_no_regression_raises_nothing(name: str) -> None:
    require_kept(GATES[name]())


def test_a_new_side_that_never_starts_is_a_regression_too() -> None:
    never = replace(GATES["kept"](), failure=Failure(kind=FailureKind.START, reason="exit code 3"))
    with pytest.raises(RegressionError, match="the new one: did not start: exit code 3"):
        require_kept(never)


def test_a_step_summary_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STEP_SUMMARY, raising=False)
    assert write_step_summary(GATES["kept"]()) is None
    monkeypatch.setenv(STEP_SUMMARY, str(tmp_path))
    assert "cannot be added to" in (write_step_summary(GATES["kept"]()) or "")


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_gate(GATES["kept"](), tmp_path / "file" / "gate")
