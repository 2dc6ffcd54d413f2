"""The colours of the page and of its charts: one table, each with its light and its dark value.

Blue and vermilion keep apart for every kind of colour blindness (Okabe & Ito 2008); shapes say the same again.
"""

PALETTE: dict[str, tuple[str, str]] = {
    "page": ("#ffffff", "#121417"),
    "soft": ("#f6f7f8", "#1a1d21"),
    "line": ("#e3e6e9", "#2c3137"),
    "strong-line": ("#c3c9cf", "#454c54"),
    "ink": ("#16191d", "#eceef0"),
    "muted": ("#5a646e", "#9ca6b0"),
    "faint": ("#6c757e", "#838d97"),
    "accent": ("#0b5cad", "#6cb2f5"),
    "good": ("#0a6b4b", "#5ccb9c"),
    "warn": ("#b04a0c", "#f09a5b"),
    "band": ("#c8642a", "#e08a4f"),
    "low": ("#d0590b", "#f28a3c"),
    "middle": ("#8a7590", "#a898b0"),
    "high": ("#0b67b8", "#5fb0f7"),
}

LIGHT = {name: pair[0] for name, pair in PALETTE.items()}
DARK = {name: pair[1] for name, pair in PALETTE.items()}


def dark_by_light() -> dict[str, str]:
    """Map each light colour to its dark one: what the page replaces in a chart."""
    return dict(PALETTE.values())
