"""The drive agent's data: painted scenes with the decision they ask for.

The pictures and labels come out equal to the byte on every machine, so a digest of them is kept; the compressed
text of a request may differ between versions of zlib and still hold the same picture.

    python drive_data.py --out ../data        # writes drive_validation.jsonl and drive_test.jsonl
"""

import argparse
import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

from drive_drawing import draw_scene
from drive_paint import Picture, paint

SEED = 20262
SIZES = {"validation": 1000, "test": 2000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A picture and the decision it asks for."""

    picture: Picture
    label: str


def stream(split: str, seed: int = SEED) -> Iterator[Example]:
    """Draw without end for one split; each split has a stream of its own."""
    random = Random(f"{seed}/{split}")
    while True:
        scene = draw_scene(random)
        yield Example(picture=paint(scene), label=scene.label)


def held_out(seed: int = SEED) -> dict[str, list[Example]]:
    """Draw the validation and the test split."""
    return {split: list(islice(stream(split, seed), size)) for split, size in SIZES.items()}


def digest(examples: Iterable[Example]) -> str:
    """The SHA-256 of all pictures and labels in their order."""
    total = hashlib.sha256()
    for example in examples:
        total.update(example.picture.tobytes() + example.label.encode())
    return total.hexdigest()


def line(example: Example) -> str:
    """An example as the data files hold it."""
    image = base64.b64encode(zlib.compress(example.picture.tobytes(), 9)).decode()
    return json.dumps({"request": {"image": image}, "answer": example.label})


def write_held_out(folder: Path, drawn: Mapping[str, Sequence[Example]]) -> None:
    """Write the splits that are held out as JSON lines."""
    for split, examples in drawn.items():
        text = "".join(f"{line(example)}\n" for example in examples)
        (folder / f"drive_{split}.jsonl").write_text(text, encoding="utf-8")


def main() -> None:
    """Write the two committed splits; what trains is drawn while it is needed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    write_held_out(arguments.out, held_out())


if __name__ == "__main__":
    main()
