"""Measure the trained drive networks and write what was measured beside each of them: models/drive*.json."""

import json
import platform
import zlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from drive_data import Example, digest, held_out, stream
from drive_net import STRIDES
from drive_paint import SIZE
from drive_recipes import RECIPES
from drive_scenes import LABELS
from numpy.typing import NDArray
from one_core import Session, milliseconds
from onnx_file import describe
from shares import paired, wilson
from sklearn.linear_model import LogisticRegression

BASELINE_EXAMPLES, BASELINE_SIZE, BASELINE_STEPS, BASELINE_STRENGTH = 8_000, 24, 200, 0.01
Answers = Mapping[str, Sequence[str]]
"""What a network answers on each split."""


def model_name(recipe: str) -> str:
    """The name of a network's files."""
    return "drive" if recipe == "base" else f"drive-{recipe}"


def answers(path: Path, examples: Sequence[Example]) -> list[str]:
    """What the model in `path` answers, each request alone as a server without batching would."""
    session = Session(path)
    return [LABELS[int(session.run(example.picture[None])[0].argmax())] for example in examples]


def right(given: Sequence[str], examples: Sequence[Example]) -> list[bool]:
    """Which answers are right."""
    return [one == example.label for one, example in zip(given, examples, strict=True)]


def score(given: Sequence[str], examples: Sequence[Example]) -> dict[str, float]:
    """Compare answers with the labels."""
    return wilson(sum(right(given, examples)), len(examples))


def halves(given: Sequence[str], examples: Sequence[Example]) -> dict[str, dict[str, float]]:
    """How often each half of the decision is right."""
    pairs = [(one.split("_"), example.label.split("_")) for one, example in zip(given, examples, strict=True)]
    return {
        name: wilson(sum(one[at] == other[at] for one, other in pairs), len(pairs))
        for at, name in enumerate(("steer", "hazard"))
    }


def multiplications(widths: Sequence[int]) -> int:
    """Products of one decision in the convolutions."""
    total, side = 0, SIZE
    for inputs, outputs, stride in zip((3, *widths), widths, STRIDES, strict=False):
        side //= stride
        total += 9 * inputs * outputs * side * side
    return total


def shrunk(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Pictures averaged over squares, as one row each."""
    step = SIZE // BASELINE_SIZE
    pictures = np.stack([example.picture for example in examples]) / 255.0
    squares = pictures.reshape(-1, BASELINE_SIZE, step, BASELINE_SIZE, step, 3)
    return squares.mean(axis=(2, 4)).reshape(len(examples), -1)


def baselines(test: Sequence[Example]) -> dict[str, dict[str, float]]:
    """Always the same answer, and logistic regression over the shrunk picture, scored on the test split."""
    train = list(islice(stream("train"), BASELINE_EXAMPLES))
    model = LogisticRegression(max_iter=BASELINE_STEPS, C=BASELINE_STRENGTH)
    model.fit(shrunk(train), [example.label for example in train])
    given = [str(label) for label in model.predict(shrunk(test))]
    labels = [example.label for example in test]
    return {
        "most_frequent": wilson(max(map(labels.count, LABELS)), len(test)),
        "shrunk_pixels": score(given, test),
    }


def compressed(examples: Sequence[Example]) -> int:
    """How many bytes a picture has on the way, in the median."""
    return int(np.median([len(zlib.compress(example.picture.tobytes(), 9)) for example in examples]))


class Measured:
    """The files of some networks, what they answer on the held-out splits and how long they take."""

    def __init__(self, models: Path, recipes: Sequence[str]) -> None:
        self.drawn = held_out()
        self.paths = {name: models / f"{model_name(name)}.onnx" for name in recipes}
        self.given: dict[str, Answers] = {
            name: {split: answers(path, examples) for split, examples in self.drawn.items()}
            for name, path in self.paths.items()
        }
        rows = np.stack([example.picture for example in self.drawn["validation"][:32]])
        self.times = milliseconds(list(self.paths.values()), rows)

    def against(self, name: str, other: str) -> dict[str, float]:
        """The gain in accuracy of `name` over `other` on the test split, pair by pair."""
        test = self.drawn["test"]
        return paired(right(self.given[name]["test"], test), right(self.given[other]["test"], test))

    def report(self, name: str, training: Mapping[str, Any]) -> dict[str, Any]:
        """What is reported of one network."""
        others = [other for other in ("base", *RECIPES[name].controls) if other != name]
        return {
            "model": describe(self.paths[name]) | {"multiplications": multiplications(training["widths"])},
            "training": dict(training),
            "accuracy": {split: score(given, self.drawn[split]) for split, given in self.given[name].items()},
            "halves_on_test": halves(self.given[name]["test"], self.drawn["test"]),
            "gain_on_test_over": {model_name(other): self.against(name, other) for other in others},
            "cpu_ms": self.times[self.paths[name].name],
        }

    def context(self) -> dict[str, Any]:
        """What is reported once, with the full network."""
        return {
            "data": {
                "examples": {split: len(examples) for split, examples in self.drawn.items()},
                "compressed_bytes": compressed(self.drawn["test"]),
                "sha256_of_pictures_and_labels": {split: digest(examples) for split, examples in self.drawn.items()},
            },
            "baselines_on_test": baselines(self.drawn["test"]),
            "versions": {"python": platform.python_version()}
            | {name: version(name) for name in ("torch", "onnx", "onnxruntime", "scikit-learn", "numpy")},
        }


def write_reports(home: Path, trainings: Mapping[str, Mapping[str, Any]]) -> None:
    """Measure the networks of `trainings` side by side and write a JSON for each."""
    models = home / "models"
    needed = dict.fromkeys(other for name in trainings for other in ("base", *RECIPES[name].controls, name))
    measured = Measured(models, list(needed))
    for name, training in trainings.items():
        report = measured.report(name, training) | (measured.context() if name == "base" else {})
        (models / f"{model_name(name)}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
