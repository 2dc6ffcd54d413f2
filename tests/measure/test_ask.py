"""How a file of requests is read."""

from pathlib import Path

import pytest

from tuner.errors import TargetFileError
from tuner.measure.ask import read_requests


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", r":1: expected \{"),
        (b'{"request": 1}\n{"text": 2}\n', r":2: expected \{"),
        (b'{"request": 1}\nno JSON\n', r":2: expected \{"),
        (b'{"request": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", r":1: expected \{"),
        (b'{"request": "\xff"}', "is not text in UTF-8 .* at byte 13"),
    ],
    ids=["empty", "no request", "no JSON", "deep", "no UTF-8"],
)
def test_a_file_of_requests_that_is_none(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(content)
    with pytest.raises(TargetFileError, match=says):
        read_requests(path)


def test_requests_keep_their_lines_in_a_seeded_order(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text("".join(f'{{"request": {number}, "answer": {number}}}\n' for number in range(50)))
    first, again, other = read_requests(path, 1), read_requests(path, 1), read_requests(path, 2)
    assert first == again != other
    assert [(one.row, one.body, one.answer) for one in sorted(first, key=lambda one: one.row)] == [
        (number, str(number).encode(), number) for number in range(50)
    ]
