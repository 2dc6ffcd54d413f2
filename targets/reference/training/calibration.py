"""The rows with which static quantization finds its scales: drawn as what trains, never from what validates or tests.

python calibration.py --out ../data       # writes search_, recommend_ and drive_calibration.npz

An array is called as the model's input is. Where rows differ in length, each is an array of its own: `input_ids/0007`.
"""

import argparse
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import drive_data
import numpy as np
import recommend_data
import search_data
from numpy.typing import NDArray
from recommend_truth import draw_truth
from search_tokens import tokens

ROWS = 256
Arrays = dict[str, NDArray[Any]]


def search() -> Arrays:
    """The tokens of the first requests that train."""
    examples = islice(search_data.practice(), ROWS)
    return {f"input_ids/{at:04}": tokens(example.text) for at, example in enumerate(examples)}


def recommend() -> Arrays:
    """Visits of a stream of their own, drawn as the log is."""
    truth = draw_truth(recommend_data.SEED)
    log = recommend_data.draw_log(truth, recommend_data.SEED + recommend_data.CALIBRATION, ROWS)
    return {"features": log.rows}


def drive() -> Arrays:
    """The first pictures that train."""
    return {"image": np.stack([example.picture for example in islice(drive_data.stream("train"), ROWS)])}


DRAWN: Mapping[str, Callable[[], Arrays]] = {"search": search, "recommend": recommend, "drive": drive}


def main() -> None:
    """Write the rows of every agent."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    folder = parser.parse_args().out
    for agent, draw in DRAWN.items():
        np.savez_compressed(folder / f"{agent}_calibration.npz", **draw())


if __name__ == "__main__":
    main()
