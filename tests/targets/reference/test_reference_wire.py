"""Frames survive every way in which a socket may cut them."""

import io

import pytest
from reference_agent.agents.tokenizer import Tokenizer
from reference_agent.workers.wire import (
    FrameBuffer,
    Kind,
    Shape,
    frame,
    pack_batch,
    pack_scores,
    read_frame,
    unpack_batch,
    unpack_scores,
)

FRAMES = [(Kind.READY, b'{"a": 1}'), (Kind.BATCH, b""), (Kind.SCORES, bytes(range(256)))]


@pytest.mark.parametrize("size", [1, 3, 8, 9, 1000])
def test_frames_arrive_in_any_pieces(size):
    stream = b"".join(frame(kind, payload) for kind, payload in FRAMES)
    buffer = FrameBuffer()
    pieces = (stream[start : start + size] for start in range(0, len(stream), size))
    assert [found for piece in pieces for found in buffer.feed(piece)] == FRAMES


def test_a_frame_that_is_cut_off_is_the_end():
    whole = frame(Kind.BATCH, b"12345")
    assert read_frame(io.BytesIO(whole)) == (Kind.BATCH, b"12345")
    for length in range(len(whole)):
        assert read_frame(io.BytesIO(whole[:length])) is None


def test_rows_of_any_length_come_back():
    rows = [b"", b"12345678", b"x" * 512]
    shape = Shape(4, 64, True)
    unpacked, found = unpack_batch(pack_batch(rows, shape))
    assert [bytes(row) for row in unpacked] == rows
    assert found == shape


def test_scores_are_dealt_out_row_by_row():
    assert unpack_scores(pack_scores(0.25, b"aaaabbbbcccc"), 3) == (0.25, [b"aaaa", b"bbbb", b"cccc"])


def test_the_tokenizer_is_frozen():
    """The numbers are part of the model: whoever changes them must train again."""
    tokenizer = Tokenizer(vocabulary=3072, max_length=6)
    assert tokenizer.encode("Book a TRAIN, don't wait!").tolist() == [121, 519, 1457, 880, 561, 1264]
    assert tokenizer.encode(" \n ").tolist() == []
    assert len(tokenizer.encode("word " * 100)) == 6
