"""How the model card prints a number."""

from typing import Any


def percent(entry: dict[str, float]) -> str:
    """A share of right answers with its interval."""
    return f"{entry['accuracy']:.1%} (95 % interval {entry['low']:.1%} to {entry['high']:.1%}, n = {entry['n']})"


def versions(report: dict[str, Any]) -> str:
    """The names and numbers of what a model was made with."""
    return ", ".join(f"{name} {number}" for name, number in report["versions"].items())


def milliseconds(times: dict[str, float]) -> str:
    """The median times of the batch sizes."""
    return " / ".join(f"{times[size]:.2f}" for size in ("1", "8", "32")) + " ms"


def comparison(gain: dict[str, float]) -> str:
    """A gain over another model on the same examples, in percentage points, with its interval."""
    points, low, high = (100 * gain[key] for key in ("gain", "low", "high"))
    verdict = "better" if low > 0 else "worse" if high < 0 else "neither better nor worse"
    chance = f"p = {gain['p']:.3f}" if gain["p"] >= 0.001 else "p < 0.001"
    return f"{points:+.1f} points ({low:+.1f} to {high:+.1f}, {chance}): {verdict}"
