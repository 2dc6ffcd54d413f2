"""Strings that others wrote, made inert for wherever they are shown; and figures with their intervals."""

import html
import math
import re
import shlex
from collections.abc import Callable, Sequence
from datetime import datetime

from tuner.statistics.compare import Estimate
from tuner.study.space import Configuration, Value, differences
from tuner.study.workload import Load
from tuner.terminal import clean as clean

_NOT_TEXT = ("=", "+", "-", "@", "::")
# An underscore inside a word means nothing in Markdown, and knobs are full of them.
_MARKDOWN = re.compile(r"([\\`*\[\]<>#|~$]|(?<!\w)_|_(?!\w))")
_LONGEST = 72

TOO_FEW = "too few requests to tell"
"""What is said of a p99 that has no upper bound for want of requests; an infinite one is another thing."""


def show(value: Value) -> str:
    """Write a knob's value for reading; a float is rounded to four digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def exact(value: Value) -> str:
    """Write a knob's value so that the command line reads the same value back."""
    return show(value) if isinstance(value, bool) else str(value)


def amount(load: Load) -> str:
    """Write how many users or arrivals a second a load has, without a unit and to the last digit."""
    return repr(load.amount).removesuffix(".0")


def ladder(loads: Sequence[Load]) -> str:
    """Write loads one after the other, such as `4, then 32 users`."""
    return with_unit(", then ".join(["{}"] * len(loads)), *map(str, loads))


def short(configuration: Configuration, default: Configuration) -> str:
    """Write what differs from the default, rounded for reading."""
    changed = differences(configuration, default)
    return " ".join(f"{name}={show(value)}" for name, value in changed.items()) or "(default)"


def in_chart(text: str) -> str:
    """Escape a string for plotly, which reads a small subset of HTML; a very long one is cut to fit the chart."""
    text = " ".join(clean(text).split())
    # Plotly decodes only a few entities, and a quotation mark is none of them; its text is never an attribute.
    return html.escape(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…", quote=False)


def in_csv(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula, and a CI log that prints the file one for a command."""
    line = " ".join(" ".join(clean(text).splitlines()).split("\t")).strip().replace("##[", "## [")
    return f"'{line}" if line.startswith(_NOT_TEXT) else line


def in_markdown(text: str) -> str:
    """Escape a string for one line or one cell of Markdown; `::` would be a command in a CI log, `@` call a person."""
    # Ampersands first: an entity that is in the text is no entity.
    line = _MARKDOWN.sub(r"\\\1", " ".join(clean(text).split()).replace("&", "&amp;"))
    line = line.replace("::", ":&#58;").replace("://", ":&#47;/").replace("www.", "www&#46;")
    return line.replace("@", "&#64;")


def in_shell(argument: str) -> str:
    """Quote an argument for a shell; control characters, and what commands a CI log, are escapes on one line."""
    if clean(argument) == argument and not any(one in argument for one in ("\n", "\t", "##[")):
        return shlex.quote(argument)
    return "$'" + "".join(map(_escaped, argument)).replace("##[", r"##\x5b") + "'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character in "\n\t" or clean(character) != character:
        return f"\\x{ord(character):02x}" if ord(character) < 0x80 else f"\\u{ord(character):04x}"
    return character


def figure(value: float | None, write: Callable[[float], str]) -> str:
    """Write a figure that may be missing."""
    return "–" if value is None or math.isnan(value) else write(value)


def moment(stamp: str) -> str:
    """Write a moment to the minute, such as `2026-03-14 09:26 UTC`; what is no moment stays as it is."""
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return f"{found:%Y-%m-%d %H:%M %Z}".strip()


def capitalised(name: str) -> str:
    """Write the name of a figure as a line begins with it; p99 is written small everywhere."""
    return name if name == "p99" else name.capitalize()


def with_unit(pattern: str, *figures: str) -> str:
    """Fill a pattern with figures, and write their unit once when they share it."""
    units = {text.partition(" ")[2] for text in figures}
    if len(units) == 1 and (unit := units.pop()):
        return f"{pattern.format(*(text.partition(' ')[0] for text in figures))} {unit}"
    return pattern.format(*figures)


def interval(low: float | None, high: float | None, write: Callable[[float], str]) -> str:
    """Write a 95 % interval, in words when the sample cannot bound it."""
    bounded_low = low is not None and math.isfinite(low)
    bounded_high = high is not None and math.isfinite(high)
    if bounded_low and bounded_high:
        assert low is not None
        assert high is not None
        return with_unit("{} to {}", write(low), write(high))
    if bounded_low:
        assert low is not None
        return f"from {write(low)}, no upper bound"
    if bounded_high:
        assert high is not None
        return f"up to {write(high)}, no lower bound"
    return "no interval"


def span(found: Estimate, write: Callable[[float], str]) -> str:
    """Write the interval of an estimate."""
    return interval(found.low, found.high, write)


def with_span(found: Estimate, write: Callable[[float], str]) -> str:
    """Write an estimate and its interval on one line, such as `3,842 [3,577, 4,121] req/s`."""
    if found.low is None or found.high is None:
        return write(found.value)
    return with_unit("{} [{}, {}]", *map(write, (found.value, found.low, found.high)))


def times(ratio: float) -> str:
    """Write a ratio such as `1.84×`."""
    return f"{ratio:.2f}×"


def bracketed(ratio: Estimate) -> str:
    """Write a ratio and its interval, such as `1.84× [1.71, 1.97]`; what is compared with itself has none."""
    return f"{times(ratio.value)} {in_brackets(ratio)}".strip()


def in_brackets(ratio: Estimate) -> str:
    """Write the interval of a ratio, such as `[1.71, 1.97]`; nothing where there is none."""
    if ratio.low is None or ratio.high is None or ratio.low == ratio.high == 1.0:
        return ""
    return f"[{ratio.low:.2f}, {ratio.high:.2f}]"


def percent(ratio: float) -> str:
    """Write by how much a ratio is above one, such as `4.2 %`."""
    return f"{(ratio - 1.0) * 100.0:.1f} %"
