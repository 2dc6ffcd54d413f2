"""Measure a search encoder of another shape beside the full one, and write what was measured to models/NAME.json."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from one_core import Rows, Session, milliseconds
from onnx_file import describe
from reference_agent.inference.tokenizer import Tokenizer
from search_data import INTENTS, Example, held_out
from shares import paired, wilson

TIMED_TOKENS = 18
"""As many as a usual request has."""


def right(path: Path, tokens: Sequence[Rows], examples: Sequence[Example]) -> list[bool]:
    """Which requests the model in `path` answers as it should, each alone."""
    session = Session(path)
    given = [INTENTS[int(session.run(row[None])[0].argmax())] for row in tokens]
    return [one == example.intent for one, example in zip(given, examples, strict=True)]


def write_shape_report(home: Path, name: str, training: dict[str, Any], tokenizer: Tokenizer) -> None:
    """Measure `name` and every other search model that is there, and write the JSON of `name`."""
    models, drawn = home / "models", held_out()
    paths = {path.stem: path for path in sorted(models.glob("search*.onnx"))}
    tokens = {
        split: [np.asarray(tokenizer.encode(example.text), np.int64) for example in examples]
        for split, examples in drawn.items()
    }
    found = {other: right(path, tokens["test"], drawn["test"]) for other, path in paths.items()}
    validation = right(paths[name], tokens["validation"], drawn["validation"])
    timed = np.stack([row for row in tokens["test"] if len(row) == TIMED_TOKENS][:32])
    report = {
        "model": describe(paths[name]),
        "training": training,
        "accuracy": {
            "validation": wilson(sum(validation), len(validation)),
            "test": wilson(sum(found[name]), len(found[name])),
        },
        "gain_on_test_over": {other: paired(found[name], found[other]) for other in paths if other != name},
        "cpu_ms": {
            other: times | {"tokens": TIMED_TOKENS}
            for other, times in milliseconds(list(paths.values()), timed).items()
        },
    }
    (models / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
