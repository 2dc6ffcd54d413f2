"""Strings made inert, and figures written with their intervals."""

import subprocess

import pytest

from tuner.report import text
from tuner.units import format_rate, format_seconds


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_csv_keeps_formulas_as_text(start: str) -> None:
    assert text.in_csv(f"{start}cmd") == f"'{start}cmd"
    assert text.in_csv(f"a{start}") == f"a{start}"


@pytest.mark.parametrize(
    ("hostile", "inert"),
    [
        ("x\n::error::y", "x ::error::y"),
        ("::error::y", "'::error::y"),
        ("\n\t ::error::y", "'::error::y"),
        ("a\tb\r\nc\x0bd\u2028e", "a b␍ c␋d e"),
        ("\n=cmd", "'=cmd"),
        ("two  blanks", "two  blanks"),
    ],
)
def test_csv_has_one_line_a_row_and_none_of_them_is_a_command(hostile: str, inert: str) -> None:
    assert text.in_csv(hostile) == inert


@pytest.mark.parametrize(
    ("hostile", "inert"),
    [
        ("a|b", "a\\|b"),
        ("::error::x", ":&#58;error:&#58;x"),
        ("<b>", "\\<b\\>"),
        ("[x](javascript:1)", "\\[x\\](javascript:1)"),
        ("@someone", "&#64;someone"),
        ("line\n# heading", "line \\# heading"),
        ("\x1b[31mred", "␛\\[31mred"),
        ("AT&T &lt;b&gt;", "AT&amp;T &amp;lt;b&amp;gt;"),
        ("www.example.org", "www&#46;example.org"),
        ("https://example.org", "https:&#47;/example.org"),
        ("max_batch_size _em_", "max_batch_size \\_em\\_"),
    ],
)
def test_markdown(hostile: str, inert: str) -> None:
    assert text.in_markdown(hostile) == inert


def test_control_characters_become_visible() -> None:
    assert text.clean("a\x00\x1b\x7f\x9b\u202e\ud800b\tc\n") == "a␀␛␡\ufffd\ufffd\ufffdb\tc\n"


def test_plotly_markup_is_escaped_and_cut() -> None:
    assert text.in_chart('<b>"x"</b> & y') == '&lt;b&gt;"x"&lt;/b&gt; &amp; y'
    assert len(text.in_chart("x" * 500)) < 80


@pytest.mark.parametrize(
    "argument", ["plain", "two words", "it's", "a\nb", "\x1b[31m", "$(rm -rf /)", "\\n'\t'", "ä\t"]
)
def test_the_shell_reads_back_what_was_quoted(argument: str) -> None:
    quoted = text.in_shell(argument)
    assert "\n" not in quoted
    read = subprocess.run(["bash", "-c", f"printf %s {quoted}"], capture_output=True, check=True)
    assert read.stdout.decode() == argument


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (0.01, 0.02, "10.0 to 20.0 ms"),
        (0.5, 1.5, "500 ms to 1.50 s"),
        (0.01, None, "from 10.0 ms, no upper bound"),
        (0.01, float("inf"), "from 10.0 ms, no upper bound"),
        (None, 0.02, "up to 20.0 ms, no lower bound"),
        (None, None, "no interval"),
    ],
)
def test_intervals(low: float | None, high: float | None, written: str) -> None:
    assert text.interval(low, high, format_seconds) == written


def test_a_line_begins_with_a_capital_but_for_a_percentile() -> None:
    assert [text.capitalised(name) for name in ("throughput", "p99")] == ["Throughput", "p99"]


def test_a_missing_figure_is_a_dash() -> None:
    assert text.figure(None, format_rate) == text.figure(float("nan"), format_rate) == "–"


@pytest.mark.parametrize(
    ("stamp", "told"),
    [
        ("2026-03-14T09:26:53+00:00", "2026-03-14 09:26 UTC"),
        ("2026-03-14T09:26:53+01:00", "2026-03-14 09:26 UTC+01:00"),
        ("2026-03-14T09:26:53", "2026-03-14 09:26"),
        ("</script>", "</script>"),
    ],
)
def test_a_moment_is_told_to_the_minute(stamp: str, told: str) -> None:
    assert text.moment(stamp) == told
