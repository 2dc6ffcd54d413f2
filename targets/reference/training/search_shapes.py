"""Measure the encoders of other shapes beside the full one and their controls: models/search-shared.json and others."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from one_core import Session, milliseconds
from onnx_file import describe
from search_card import TIMED_TOKENS
from search_data import INTENTS, Example, held_out
from search_tokens import tokens
from shares import paired, wilson

CONTROLS = {"search-shared": "search-single", "search-distilled": "search-student"}
"""Which encoders are kept, and what the technique of each is compared with."""


def right(path: Path, examples: Sequence[Example]) -> list[bool]:
    """Which requests the model in `path` answers as it should, each alone."""
    session = Session(path)
    given = [INTENTS[int(session.run(tokens(example.text)[None])[0].argmax())] for example in examples]
    return [one == example.intent for one, example in zip(given, examples, strict=True)]


def timed(examples: Sequence[Example]) -> NDArray[np.int64]:
    """Usual requests of one length."""
    rows = (tokens(example.text) for example in examples)
    return np.stack([row for row in rows if len(row) == TIMED_TOKENS][:32])


def facts(path: Path, found: dict[str, list[bool]], cpu_ms: dict[str, float]) -> dict[str, Any]:
    """What is reported of an encoder; how it was trained stands beside it."""
    return {
        "model": describe(path),
        "training": json.loads(path.with_suffix(".json").read_text(encoding="utf-8")),
        "accuracy": {split: wilson(sum(answers), len(answers)) for split, answers in found.items()},
        "cpu_ms": cpu_ms | {"tokens": TIMED_TOKENS},
    }


def write_shape_reports(home: Path, scratch: Path) -> None:
    """Take over from `scratch` the encoders that are kept, and write the JSON of each."""
    for kept, control in CONTROLS.items():
        if (scratch / f"{kept}.onnx").exists():
            write_report(home, scratch, kept, control)


def write_report(home: Path, scratch: Path, kept: str, control: str) -> None:
    """Measure an encoder beside the full one, and beside its control when that is trained too."""
    trained = [path for path in (scratch / f"{name}.onnx" for name in (kept, control)) if path.exists()]
    drawn, paths = held_out(), {path.stem: path for path in (home / "models" / "search.onnx", *trained)}
    found = {name: {split: right(path, examples) for split, examples in drawn.items()} for name, path in paths.items()}
    times = milliseconds(list(paths.values()), timed(drawn["test"]))
    told = {path.stem: facts(path, found[path.stem], times[path.name]) for path in trained}
    report = told.pop(kept) | {
        "gain_on_test_over": {
            name: paired(found[kept]["test"], other["test"]) for name, other in found.items() if name != kept
        },
        "beside": {"search": {"cpu_ms": times["search.onnx"]}} | told,
    }
    shutil.copyfile(paths[kept], home / "models" / f"{kept}.onnx")
    (home / "models" / f"{kept}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
