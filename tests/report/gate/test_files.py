"""The files of a gate: golden texts, what programs read in them, and that hostile names are inert in all of them."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.gate.gates import DISTURBED, SCATTER, gate, outcome, played, settings
from tuner.errors import InvalidMeasurementError, RegressionError, StorageError, TargetStartError
from tuner.gate.result import Gate, load_gate
from tuner.report.gate import words
from tuner.report.gate.markdown import MOST_BYTES
from tuner.report.gate.write import STEP_SUMMARY, gate_files, require_kept, write_gate
from tuner.study.trial import Doubt, DoubtKind, Failure, FailureKind

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "=cmd</script><script>alert(1)</script>]]>\x1b[31m|`::error::x\n::set-output name=y::z\n##[error]&\x00\ufffe"
DOUBT = Doubt(kind=DoubtKind.OTHER_PROGRAMS, message="at 32 users: other programs used 9.0 % of our cores")
CRASH = Failure(kind=FailureKind.CRASH, reason="the server ended under load (SIGKILL)", log_tail=("one", "two"))


def scattered(number: int) -> float:
    return SCATTER[(3 * number + 1) % len(SCATTER)]


def doubted(number: int) -> object:
    return outcome(0.040 * SCATTER[number % 8], 400.0, doubts=[DOUBT])


def short_of_time() -> Gate:
    asked = settings(seconds=63.0)
    noisy = (0.93, 1.06, 1.0, 0.95, 1.08, 0.98)
    return gate(played(lambda number: noisy[number % 6], asked=asked)[0], asked)


GATES: dict[str, Callable[[], Gate]] = {
    "kept": lambda: gate(played(scattered, baseline=doubted)[0]),  # type: ignore[arg-type]
    "regression": lambda: gate(played(lambda number: 1.12 * scattered(number))[0]),
    "inconclusive": short_of_time,
    "disturbed": lambda: gate(played(scattered, new=lambda _: DISTURBED, asked=settings(seconds=45.0))[0]),
    "crash": lambda: gate(played(scattered, new=lambda _: CRASH)[0]),
    "wrong": lambda: gate(played(scattered, new=lambda n: outcome(0.04 * SCATTER[n % 8], 400.0, right=850))[0]),
}


def hostile() -> Gate:
    asked = settings(source=HOSTILE, target=HOSTILE)
    asked = replace(
        asked,
        name=HOSTILE,
        new=replace(asked.new, options={HOSTILE: HOSTILE}, configuration={HOSTILE: HOSTILE, "batch": 1}),
    )
    doubt = Doubt(kind=DoubtKind.STALL, message=HOSTILE)
    found, _ = played(lambda _: 1.5, new=lambda n: outcome(0.06 * SCATTER[n % 8], 400.0, doubts=[doubt]), asked=asked)
    made = replace(gate(found, asked, command=HOSTILE), started=HOSTILE)
    failure = Failure(kind=FailureKind.CRASH, reason=HOSTILE, log_tail=(HOSTILE, HOSTILE))
    return replace(made, failure=failure, machine=replace(made.machine, cpu=HOSTILE, versions={HOSTILE: HOSTILE}))


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("file", ["summary.md", "junit.xml"])
def test_golden(name: str, file: str) -> None:
    """`GOLDEN=write pytest …` writes them anew."""
    text = gate_files(GATES[name]())[file]
    path = GOLDEN / f"{name}-{file}"
    if os.environ.get("GOLDEN") == "write":
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
    ],
)
def test_junit_counts_what_it_holds(name: str, failures: int, errors: int) -> None:
    suite = ElementTree.fromstring(gate_files(GATES[name]())["junit.xml"]).find("testsuite")
    assert suite is not None
    assert (suite.get("failures"), suite.get("errors")) == (str(failures), str(errors))
    assert (len(suite.findall(".//failure")), len(suite.findall(".//error"))) == (failures, errors)
    assert suite.get("tests") == str(len(suite.findall("testcase")))


def test_github_action_benchmark_gets_lists_of_figures() -> None:
    files = gate_files(GATES["regression"]())
    (p99,), (throughput,) = (json.loads(files[f"benchmark-{way}-is-better.json"]) for way in ("smaller", "bigger"))
    assert p99["name"] == "server: p99 at 32 users"
    assert p99["unit"] == "ms"
    assert p99["value"] == pytest.approx(44.8, rel=0.02)
    assert re.fullmatch(r"± \d\.\d+", p99["range"])
    assert throughput["unit"] == "req/s"
    assert throughput["value"] == pytest.approx(400.0, rel=0.02)
    assert json.loads(gate_files(GATES["crash"]())["benchmark-smaller-is-better.json"]) == []


def test_names_are_the_same_on_every_machine() -> None:
    asked = settings(target="/home/somebody/work/server")
    files = gate_files(gate(played(scattered, asked=asked)[0], asked))
    assert json.loads(files["benchmark-smaller-is-better.json"])[0]["name"] == "server: p99 at 32 users"
    assert 'name="tuner gate server"' in files["junit.xml"]


def test_a_p99_that_rests_on_too_few_requests_says_so() -> None:
    few = outcome(0.04, 400.0)
    few = replace(few, levels=(replace(few.levels[0], requests=200),))
    made = gate(played(scattered, new=lambda _: few, asked=settings(seconds=63.0))[0])
    assert "p99 was known in only 0 of 6 pairs: measure for longer, with --measure-at-most." in words.sentence(made)


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
    assert "<script" not in markdown.replace("\\<script", "")
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
    assert page.count("<svg") == sum(effect.ratio is not None for effect in made.effects)


def test_the_drawing_holds_the_pairs_that_decided() -> None:
    """p99 is clear after three pairs, throughput later."""
    found, _ = played(lambda number: 1.0 if number < 3 else 1.04, throughput=lambda number: (0.93, 0.99)[number % 2])
    page = gate_files(gate(found))["index.html"]
    drawn = [part.count('class="pair"') for part in page.split("<svg")[1:]]
    assert drawn == [effect.pairs for effect in found.effects]
    assert drawn[0] == 3 < drawn[1]


def test_a_summary_that_is_too_long_for_github_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = Failure(kind=FailureKind.CRASH, reason="it ended", log_tail=tuple("x" * 5_000 for _ in range(30)))
    made = replace(GATES["kept"](), failure=long)
    monkeypatch.setenv(STEP_SUMMARY, str(tmp_path / "step.md"))
    (tmp_path / "step.md").write_text("# before\n")
    write_gate(made, tmp_path / "gate")
    step = (tmp_path / "step.md").read_text()
    assert step.startswith("# before\n## ✗ tuner gate: regression")
    assert "cut here" in step
    assert len(step.encode()) < MOST_BYTES + 1_000 < 64_000


@pytest.mark.parametrize(
    ("name", "error", "code", "words"),
    [
        ("regression", RegressionError, 5, "regression: p99"),
        ("wrong", RegressionError, 5, "regression: accuracy"),
        ("crash", RegressionError, 5, "the new one: crashed"),
        ("inconclusive", InvalidMeasurementError, 6, "inconclusive: p99"),
        ("disturbed", InvalidMeasurementError, 6, "inconclusive: p99, throughput"),
    ],
)
def test_exit_codes(name: str, error: type[RegressionError], code: int, words: str) -> None:
    with pytest.raises(error, match=words):
        require_kept(GATES[name]())
    assert error.exit_code == code


def test_no_regression_raises_nothing_and_what_never_started_has_a_code_of_its_own() -> None:
    require_kept(GATES["kept"]())
    never = replace(GATES["kept"](), failure=Failure(kind=FailureKind.START, reason="exit code 3"))
    with pytest.raises(TargetStartError, match="the new one: did not start"):
        require_kept(never)


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_gate(GATES["kept"](), tmp_path / "file" / "gate")
