"""Figures of repeated runs, as tables show them: the median, and the least and the most beside it."""

import sys
from collections.abc import Sequence
from statistics import median

QUIET = 0.1
"""Cores that other programs may have without spoiling a run."""


def spread(values: Sequence[float], scale: float = 1.0, digits: int = 0) -> str:
    """Write median, least and most of values times a scale."""
    if not values:
        return "–"
    middle, least, most = (f"{value * scale:,.{digits}f}" for value in (median(values), min(values), max(values)))
    return f"{middle} ({least} to {most})"


def head(*columns: str) -> None:
    """Print the head of a table."""
    row(*columns)
    print(f"|{'---|' * len(columns)}")


def row(*cells: str) -> None:
    """Print a line of a table."""
    print(f"| {' | '.join(cells)} |")


def progress(text: str) -> None:
    """Tell whoever waits; the tables alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def disturbed(cores: Sequence[float]) -> None:
    """Say so when runs shared their cores with other programs: then only ratios mean something, and not much."""
    count = sum(one > QUIET for one in cores)
    if count:
        print(f"\n{count} of {len(cores)} runs had other programs on more than {QUIET} cores: run it again when quiet")


def close(short: Sequence[str], need: str) -> None:
    """Print the verdict, and end with 1 when something falls short."""
    print(f"\nfalls short of {need}: {'; '.join(short)}" if short else f"\nholds: {need}")
    sys.exit(bool(short))
