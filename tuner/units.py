"""Seconds inside, units at the edge: the only place that reads and writes quantities with a unit."""

import math
import re

from tuner.errors import UsageError

_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_QUANTITY = re.compile(r"^\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zµ%]*)\s*$", re.IGNORECASE)


def _split(text: str, expected: str) -> tuple[float, str]:
    match = _QUANTITY.match(text)
    if match is None:
        raise UsageError(f"cannot read {text!r}: expected {expected}")
    return float(match[1]), match[2].lower()


def parse_seconds(text: str) -> float:
    """Read a duration such as `50ms`, `1.5s` or `2min`, in seconds; a bare number is refused."""
    number, unit = _split(text, "a duration such as 50ms or 1.5s")
    if unit not in _SECONDS:
        raise UsageError(f"cannot read {text!r}: a duration needs a unit, one of {', '.join(_SECONDS)}")
    return number * _SECONDS[unit]


def parse_address(text: str) -> tuple[str, str]:
    """Read an address and a port such as `10.0.0.5:5557`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise UsageError(f"cannot read {text!r}: expected ADDRESS:PORT, for example 10.0.0.5:5557")
    return host, port


def parse_share(text: str) -> float:
    """Read a share such as `1%`, `1pt` (percentage points) or `0.01`, as a fraction of one."""
    number, unit = _split(text, "a share such as 1%, 1pt or 0.01")
    if unit in ("%", "pt"):
        number /= 100.0
    elif unit or number >= 1.0:
        raise UsageError(f"cannot read {text!r}: a share is written 1%, 1pt or 0.01")
    if number > 1.0:
        raise UsageError(f"cannot read {text!r}: a share is at most 100%")
    return number


def parse_change(text: str) -> float:
    """Read a change such as `+5%` or `-5%`, as a ratio; without a sign nobody knows which way it is meant."""
    sign = text.strip()[:1]
    if sign not in ("+", "-", "−"):
        raise UsageError(f"cannot read {text!r}: a change has a sign, such as +5% or -5%")
    number, unit = _split(text.strip()[1:], "a change such as +5% or -5%")
    if unit != "%":
        raise UsageError(f"cannot read {text!r}: a change is written in per cent, such as +5% or -5%")
    return 1.0 + number / 100.0 if sign == "+" else 1.0 - number / 100.0


def _digits(value: float) -> str:
    """Three significant digits without an exponent, at most three of them behind the point."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    rounded = float(f"{value:.3g}")
    decimals = 2 - math.floor(math.log10(abs(rounded)))
    return f"{rounded if abs(value) < 100 else value:,.{min(max(decimals, 0), 3)}f}"


def format_seconds(seconds: float | None) -> str:
    """Write a latency with the unit a person would choose, three significant digits."""
    if seconds is None:
        return "–"
    if math.isinf(seconds):
        return "∞"
    if seconds < 1.0:
        return f"{_digits(seconds * 1e3)} ms"
    return f"{_digits(seconds)} s"


def format_duration(seconds: float) -> str:
    """Write how long something took or will take: `42 s`, `9 min 12 s`, `1 h 03 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def format_rate(per_second: float | None) -> str:
    """Write a throughput in requests per second."""
    return "–" if per_second is None else f"{_digits(per_second)} req/s"


def format_share(share: float | None) -> str:
    """Write a share as per cent with one decimal."""
    return "–" if share is None else f"{share * 100:.1f} %"


def format_points(share: float) -> str:
    """Write a difference of shares in percentage points with one decimal."""
    return f"{share * 100:.1f} pt"


def format_drop(share: float) -> str:
    """Write how many percentage points may be lost, such as `1 pt`, to the last digit that was asked for."""
    return f"{share * 100:g} pt"


def _signed(share: float) -> str:
    # Adding zero keeps what rounds to nothing from being minus nothing.
    return f"{round(share * 100, 1) + 0.0:+.1f}".replace("-", "−")


def format_change(share: float, low: float, high: float) -> str:
    """Write a change in percentage points with its interval, such as `−0.1 pt [−0.5, +0.3]`."""
    return f"{_signed(share)} pt [{_signed(low)}, {_signed(high)}]"


def format_ratio(ratio: float) -> str:
    """Write a ratio as the change that it is, such as `+4.2 %`."""
    return f"{_signed(ratio - 1.0)} %"


def format_ratios(ratio: float, low: float, high: float) -> str:
    """Write a ratio with its interval as a change, such as `+1.2 % [−0.5, +2.9]`."""
    return f"{format_ratio(ratio)} [{_signed(low - 1.0)}, {_signed(high - 1.0)}]"


def count(number: int, noun: str) -> str:
    """Write how many there are of something, such as `1 trial` and `2 trials`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def format_bytes(count: float | None) -> str:
    """Write a memory size in MB (10⁶ bytes)."""
    return "–" if count is None else f"{count / 1e6:,.0f} MB"
