"""Every committed model has a report about exactly this file, and the card quotes it."""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import HOME
from numpy.typing import NDArray
from one_core import Session
from search_tokens import tokens
from shares import wilson

MODELS = sorted((HOME / "models").glob("*.onnx"))
CARD = (HOME / "MODEL_CARD.md").read_text(encoding="utf-8")
MOST_BYTES = 25_000_000
SAMPLE = 100


def names(path: Path) -> str:
    return path.stem


every_model = pytest.mark.parametrize("path", MODELS, ids=names)


def report_of(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return report


def metadata_of(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_every_report_has_its_model_and_all_models_are_small_enough():
    assert {path.stem for path in (HOME / "models").glob("*.json")} == {path.stem for path in MODELS}
    assert sum(path.stat().st_size for path in MODELS) < MOST_BYTES


@every_model
def test_the_report_is_about_this_file(path: Path):
    model = report_of(path)["model"]
    assert (model["file"], model["bytes"]) == (path.name, path.stat().st_size)
    assert model["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model["sha256"] in CARD


@every_model
def test_the_card_quotes_the_accuracies(path: Path):
    for entry in report_of(path)["accuracy"].values():
        assert entry.items() >= wilson(entry["right"], entry["n"]).items()
        assert f"{entry['accuracy']:.1%} ({entry['low']:.1%} to {entry['high']:.1%})" in CARD


@every_model
def test_the_metadata_say_what_it_is(path: Path):
    metadata = metadata_of(path)
    assert metadata["agent"] == path.stem.partition("-")[0]
    assert metadata["precision"] == "fp32"


def search_row(request: dict[str, Any]) -> NDArray[Any]:
    return tokens(request["text"])


def drive_row(request: dict[str, Any]) -> NDArray[Any]:
    return np.frombuffer(zlib.decompress(base64.b64decode(request["image"])), np.uint8).reshape(96, 96, 3)


def recommend_row(request: dict[str, Any]) -> NDArray[Any]:
    return np.array([request["user"], request["hour"], *request["candidates"]]) + 1


ROWS: dict[str, Callable[[dict[str, Any]], NDArray[Any]]] = {
    "search": search_row,
    "drive": drive_row,
    "recommend": recommend_row,
}


@every_model
def test_the_accuracy_is_near_the_reported_one(path: Path):
    """On a part of the validation split: within four standard errors of the share that is reported for the whole."""
    metadata, session = metadata_of(path), Session(path)
    claimed, right = report_of(path)["accuracy"]["validation"]["accuracy"], 0
    lines = (HOME / "data" / f"{metadata['agent']}_validation.jsonl").read_text(encoding="utf-8").splitlines()
    for line in map(json.loads, lines[:SAMPLE]):
        best = int(session.run(ROWS[metadata["agent"]](line["request"])[None])[0].argmax())
        choices = json.loads(metadata["labels"]) or line["request"]["candidates"]
        right += choices[best] == line["answer"]
    assert right / SAMPLE == pytest.approx(claimed, abs=4 * (claimed * (1 - claimed) / SAMPLE) ** 0.5)


@pytest.mark.parametrize(
    ("agent", "baselines"),
    [
        ("search", ("words", "words_and_pairs")),
        ("recommend", ("highest_click_rate", "most_clicked")),
        ("drive", ("most_frequent", "shrunk_pixels")),
    ],
)
def test_baselines_are_clearly_beaten(agent: str, baselines: tuple[str, ...]):
    report = report_of(HOME / "models" / f"{agent}.onnx")
    for name in baselines:
        assert report["baselines_on_test"][name]["high"] + 0.2 < report["accuracy"]["test"]["low"]


def test_the_card_tells_what_every_technique_gained():
    from overview_card import TECHNIQUES, techniques

    trained = {name: told for (name, _), told in TECHNIQUES.items() if name in {path.stem for path in MODELS}}
    rows = techniques({path.stem: report_of(path) for path in MODELS})
    assert {row.split(" | ")[1].strip("`") for row in rows} == set(trained) > {"drive-slimmed", "drive-distilled"}
    assert all(row in CARD for row in rows)
