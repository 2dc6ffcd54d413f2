"""Text to token numbers by hashing: no vocabulary file, the same numbers on every machine."""

import re
from array import array
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from zlib import crc32

PADDING = 0
RESERVED = 2
"""Numbers below this stand for no word: 0 pads a batch, 1 is kept free."""

SHORT = 1024
"""Characters of a text whose words are kept: what is kept must not grow with what is sent."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


def _hash(token: str) -> int:
    """The CRC-32 of a token."""
    return crc32(token.encode("utf-8", "replace"))


_kept_hash = lru_cache(maxsize=1 << 14)(_hash)
"""People use the same words again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenizer:
    """Lower-cased words and signs, each hashed to a number below `vocabulary`; the first `max_length` count."""

    vocabulary: int
    max_length: int

    def encode(self, text: str) -> "array[int]":
        """Return the numbers of `text` as signed 64-bit integers; empty when it holds no word."""
        room = self.vocabulary - RESERVED
        if len(text) <= SHORT:
            tokens = _TOKEN.findall(text.lower())[: self.max_length]
            return array("q", [RESERVED + _kept_hash(token) % room for token in tokens])
        # No more than what counts is looked for.
        found = islice(_TOKEN.finditer(text.lower()), self.max_length)
        return array("q", [RESERVED + _hash(match.group()) % room for match in found])
