"""The recommend agent's data: a log of visits to learn from, and requests with the item that is truly the best.

python recommend_data.py --out ../data    # writes recommend_validation.jsonl and recommend_test.jsonl
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import RandomState
from recommend_truth import HOURS, USERS, Numbers, Reals, Truth, draw_truth

SEED = 20263
SIZES = {"validation": 1000, "test": 2000}
FEWEST, MOST = 100, 500
VISITS, SLATE = 800_000, 24
SHARPNESS, RELUCTANCE = 1.6, 1.0
"""A visitor clicks on an item with the logistic of `SHARPNESS` times its utility less `RELUCTANCE`."""
LOG, HELD_OUT_LOG, REQUESTS, CALIBRATION = 1, 2, 3, 4
"""Added to the seed: every use has a stream of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Visits: who came at which hour [visits], which items were shown and which were clicked [visits, slate]."""

    users: Numbers
    hours: Numbers
    items: Numbers
    clicks: Numbers

    @property
    def rows(self) -> Numbers:
        """The visits as the model reads requests."""
        return np.column_stack((self.users, self.hours, self.items)) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request, and the candidate that its user likes best at that hour."""

    user: int
    hour: int
    candidates: tuple[int, ...]
    best: int


def click_probability(utility: Reals) -> Reals:
    """How likely an item of that utility is clicked."""
    likely: Reals = 1.0 / (1.0 + np.exp(-SHARPNESS * (utility - RELUCTANCE)))
    return likely


def draw_log(truth: Truth, seed: int, visits: int) -> Log:
    """Draw visits."""
    random = RandomState(seed)
    users = (random.random_sample(visits) * USERS).astype(np.int64)
    hours = (random.random_sample(visits) * HOURS).astype(np.int64)
    items = truth.shown(random, visits, SLATE)
    likely = click_probability(truth.utility(users, hours, items))
    clicks = (random.random_sample(items.shape) < likely).astype(np.int64)
    return Log(users=users, hours=hours, items=items, clicks=clicks)


def draw_example(truth: Truth, random: RandomState) -> Example:
    """Draw one request: different candidates in any order."""
    user, hour = int(random.random_sample() * USERS), int(random.random_sample() * HOURS)
    size = FEWEST + int(random.random_sample() * (MOST - FEWEST + 1))
    candidates = list(dict.fromkeys(truth.shown(random, 2 * MOST).tolist()))[:size]
    utility = truth.utility(np.array([user]), np.array([hour]), np.array([candidates]))[0]
    return Example(user=user, hour=hour, candidates=tuple(candidates), best=candidates[int(utility.argmax())])


def held_out(truth: Truth, seed: int = SEED) -> dict[str, list[Example]]:
    """Draw the validation and the test split."""
    random = RandomState(seed + REQUESTS)
    return {split: [draw_example(truth, random) for _ in range(size)] for split, size in SIZES.items()}


def line(example: Example) -> str:
    """An example as the data files hold it."""
    request = {"user": example.user, "hour": example.hour, "candidates": example.candidates}
    return json.dumps({"request": request, "answer": example.best}, separators=(",", ":"))


def write_held_out(folder: Path, drawn: dict[str, list[Example]]) -> None:
    """Write the splits that are held out as JSON lines."""
    for split, examples in drawn.items():
        text = "".join(f"{line(example)}\n" for example in examples)
        (folder / f"recommend_{split}.jsonl").write_text(text, encoding="utf-8")


def rows(examples: Sequence[Example]) -> list[Numbers]:
    """The requests as the model reads them."""
    return [np.array((example.user, example.hour, *example.candidates), np.int64) + 1 for example in examples]


def main() -> None:
    """Write the two committed splits; the log is drawn while it is needed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    write_held_out(arguments.out, held_out(draw_truth(SEED)))


if __name__ == "__main__":
    main()
