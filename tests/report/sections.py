"""What a reader sees of a page: its text section by section, and the cells of its tables."""

import html
import re

from tuner.terminal import clean

_UNSEEN = re.compile(r"<(script|style|svg|noscript)\b.*?</\1>", re.DOTALL)
_INLINE = re.compile(r"</?(?:a|b|code|i|span|wbr)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")


def words(*texts: str) -> str:
    """Texts as a page shows them, one after the other: control characters visible, every white space one blank."""
    return " ".join(" ".join(map(clean, texts)).split())


def text(source: str) -> str:
    """The visible text of a piece of HTML."""
    return words(html.unescape(_TAG.sub(" ", _INLINE.sub("", _UNSEEN.sub("", source)))))


def source(page: str, name: str) -> str:
    """The HTML of a section."""
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found is not None, f"there is no section {name}"
    return found[0]


def section(page: str, name: str) -> str:
    """The visible text of a section."""
    return text(source(page, name))


def pieces(source: str, tag: str) -> list[str]:
    """The HTML of every element of a kind, none of which lies in another."""
    return [found[0] for found in re.finditer(rf"<{tag}\b.*?</{tag}>", source, re.DOTALL)]


def table(source: str) -> list[tuple[str, ...]]:
    """The rows of every table, the headings too, as the visible texts of their cells."""
    return [tuple(text(found[0]) for found in re.finditer(r"<(t[hd])\b.*?</\1>", row, re.DOTALL))
            for row in pieces(source, "tr")]  # fmt: skip


def facts(source: str) -> dict[str, str]:
    """The terms of every list of definitions, with what is said of them."""
    told = zip(pieces(source, "dt"), pieces(source, "dd"), strict=True)
    return {text(term): text(said) for term, said in told}
