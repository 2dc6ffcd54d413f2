import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import UsageError, unknown
from tuner.units import (
    format_bytes,
    format_change,
    format_duration,
    format_points,
    format_rate,
    format_ratios,
    format_seconds,
    format_share,
    parse_change,
    parse_seconds,
    parse_share,
)


@pytest.mark.parametrize(
    ("text", "seconds"), [("50ms", 0.05), ("1.5s", 1.5), ("2 min", 120.0), ("100us", 1e-4), (".5s", 0.5)]
)
def test_parse_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "50", "ms", "-5ms", "5 parsecs", "1e3s", "p99"])
def test_parse_seconds_refuses(text: str) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        parse_seconds(text)


@pytest.mark.parametrize(("text", "share"), [("1pt", 0.01), ("5%", 0.05), ("0.02", 0.02), ("0", 0.0)])
def test_parse_share(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["2", "1ms", "x", "200%"])
def test_parse_share_refuses(text: str) -> None:
    with pytest.raises(UsageError, match="share"):
        parse_share(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0184, "18.4 ms"),
        (0.000123, "0.123 ms"),
        (1.234, "1.23 s"),
        (math.inf, "∞"),
        (None, "–"),
        (0.146, "146 ms"),
        (0.0099999, "10.0 ms"),
        (math.nan, "nan s"),
    ],
)
def test_format_seconds(seconds: float | None, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(42.4, "42 s"), (552, "9 min 12 s"), (3780, "1 h 03 min"), (59.6, "1 min 00 s")]
)
def test_format_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_other_formats() -> None:
    assert format_rate(1234.5) == "1,234 req/s"
    assert format_share(0.908) == "90.8 %"
    assert format_bytes(150_000_000) == "150 MB"
    assert format_points(0.0149) == "1.5 pt"
    assert format_change(-0.001, -0.005, 0.003) == "−0.1 pt [−0.5, +0.3]"
    assert format_change(-0.0001, -0.0004, 0.0) == "+0.0 pt [+0.0, +0.0]"


@pytest.mark.parametrize(("text", "share"), [("1pt", 0.01), ("0.5pt", 0.005), ("0.5 pt", 0.005), ("2%", 0.02)])
def test_percentage_points_are_read_as_a_share(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share)


@given(st.floats(min_value=1e-6, max_value=1e4))
def test_formatted_seconds_are_within_rounding(seconds: float) -> None:
    number, unit = format_seconds(seconds).replace(",", "").split()
    assert float(number) * {"ms": 1e-3, "s": 1.0}[unit] == pytest.approx(seconds, rel=0.006, abs=6e-7)


def test_unknown_names_the_nearest() -> None:
    assert unknown("knob", "max_bach_size", ["workers", "max_batch_size"]) == (
        "unknown knob 'max_bach_size'; did you mean 'max_batch_size'? (known: max_batch_size, workers)"
    )


@pytest.mark.parametrize(
    ("text", "ratio"), [("+5%", 1.05), ("-5%", 0.95), ("−5 %", 0.95), (" +0% ", 1.0), ("+100%", 2.0), ("-100%", 0.0)]
)
def test_changes(text: str, ratio: float) -> None:
    assert parse_change(text) == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["5%", "+5", "+5ms", "", "+", "+-5%", "+five%", "+5pt"])
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        parse_change(text)


@pytest.mark.parametrize(
    ("ratio", "low", "high", "written"),
    [
        (1.012, 0.995, 1.029, "+1.2 % [−0.5, +2.9]"),
        (0.5, 0.4, 0.6, "−50.0 % [−60.0, −40.0]"),
        (1.0, 0.9996, 1.0004, "+0.0 % [+0.0, +0.0]"),
    ],
)
def test_ratios_are_written_as_changes(ratio: float, low: float, high: float, written: str) -> None:
    assert format_ratios(ratio, low, high) == written
