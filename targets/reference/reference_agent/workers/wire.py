"""How the front and a worker talk: length-prefixed frames of raw numbers over one socket.

A worker holds one batch at a time, so an answer needs no number: it belongs to the batch that was sent last.
Only this module knows the bytes; shared memory could take their place behind the same functions.
"""

import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import BinaryIO, NamedTuple


class Kind(IntEnum):
    """What a frame holds."""

    READY = 1
    """Worker to front: the description of its session, as JSON."""
    FAILED = 2
    """Worker to front: a sentence; before READY the worker gives up, after it one batch failed."""
    BATCH = 3
    """Front to worker: rows to compute."""
    SCORES = 4
    """Worker to front: seconds of compute and one row of scores for each row of the batch."""


class Shape(NamedTuple):
    """How a batch is computed: padded to so many rows and columns, and with all threads of a worker or with one."""

    rows: int
    columns: int
    wide: bool


_HEADER = struct.Struct("<II")
_BATCH = struct.Struct("<II?xxxI")
_SECONDS = struct.Struct("<d")


def frame(kind: Kind, payload: bytes) -> bytes:
    """Return one frame, ready to be written."""
    return _HEADER.pack(kind, len(payload)) + payload


def read_frame(stream: BinaryIO) -> tuple[Kind, bytes] | None:
    """Read one frame and block until it is complete; None when the other side is gone."""
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    kind, length = _HEADER.unpack(header)
    payload = stream.read(length)
    return (Kind(kind), payload) if len(payload) == length else None


class FrameBuffer:
    """Collects the pieces that an event loop delivers and gives them back as whole frames."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """Add a piece and yield every frame that is now complete."""
        self._pending += data
        while len(self._pending) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._pending)
            end = _HEADER.size + length
            if len(self._pending) < end:
                return
            payload = bytes(self._pending[_HEADER.size : end])
            del self._pending[:end]
            yield Kind(kind), payload


def pack_batch(rows: Sequence[bytes], shape: Shape) -> bytes:
    """Return rows of any lengths as one payload: the shape, how many rows, the length of each in bytes, then all."""
    head = _BATCH.pack(shape.rows, shape.columns, shape.wide, len(rows))
    return b"".join((head, struct.pack(f"<{len(rows)}I", *map(len, rows)), *rows))


def unpack_batch(payload: bytes) -> tuple[list[memoryview], Shape]:
    """Return what `pack_batch` was given, the rows without copying them."""
    padded_rows, columns, wide, count = _BATCH.unpack_from(payload)
    lengths = struct.unpack_from(f"<{count}I", payload, _BATCH.size)
    view, start, rows = memoryview(payload), _BATCH.size + 4 * count, []
    for length in lengths:
        rows.append(view[start : start + length])
        start += length
    return rows, Shape(padded_rows, columns, wide)


def pack_scores(compute: float, scores: bytes) -> bytes:
    """Return the seconds that a batch took and its scores as one payload."""
    return _SECONDS.pack(compute) + scores


def unpack_scores(payload: bytes, rows: int) -> tuple[float, list[bytes]]:
    """Return the seconds that a batch took, and the scores of each of its rows."""
    (compute,) = _SECONDS.unpack_from(payload)
    size = (len(payload) - _SECONDS.size) // rows
    starts = range(_SECONDS.size, _SECONDS.size + rows * size, size)
    return compute, [payload[start : start + size] for start in starts]
