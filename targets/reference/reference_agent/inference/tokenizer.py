"""Text to token numbers by hashing: no vocabulary file, the same numbers on every machine."""

import re
from array import array
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

PADDING = 0
RESERVED = 2
"""Numbers below this stand for no word: 0 pads a batch, 1 is kept free."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


@lru_cache(maxsize=1 << 14)
def _hash(token: str) -> int:
    """The CRC-32 of a token; people use the same words again and again."""
    return crc32(token.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenizer:
    """Lower-cased words and signs, each hashed to a number below `vocabulary`; the first `max_length` count."""

    vocabulary: int
    max_length: int

    def encode(self, text: str) -> "array[int]":
        """Return the numbers of `text` as signed 64-bit integers; empty when it holds no word."""
        room = self.vocabulary - RESERVED
        tokens = _TOKEN.findall(text.lower())[: self.max_length]
        return array("q", [RESERVED + _hash(token) % room for token in tokens])
