"""The search agent's numbers as its section of the model card prints them."""

import json
from pathlib import Path
from typing import Any

from calibration import ROWS
from card_text import milliseconds, percent, versions
from search_data import INTENTS

BASELINE_EXAMPLES, TIMED_TOKENS = 40_000, 18
"""A usual request has so many tokens."""


def quotes(models: Path) -> dict[str, str]:
    """The numbers of the report in the folder `models` as the card prints them."""
    report = json.loads((models / "search.json").read_text(encoding="utf-8"))
    model, data, training = report["model"], report["data"], report["training"]
    return {
        "sha256": model["sha256"],
        "megabytes": f"{model['bytes'] / 1e6:.1f}",
        "parameters": f"{model['parameters'] / 1e6:.2f}",
        "examples": f"{training['examples']:,}",
        "calibration": str(ROWS),
        "baseline_examples": f"{BASELINE_EXAMPLES:,}",
        "median": str(data["tokens"]["median"]),
        "p95": str(data["tokens"]["p95"]),
        "longest": str(data["tokens"]["longest"]),
        "validation": percent(report["accuracy"]["validation"]),
        "test": percent(report["accuracy"]["test"]),
        "int8": percent(report["int8_on_test"]),
        "changed": str(report["int8_on_test"]["changed_answers"]),
        "words": percent(report["baselines_on_test"]["words"]),
        "pairs": percent(report["baselines_on_test"]["words_and_pairs"]),
        "timed": str(TIMED_TOKENS),
        "wrong": str(report["errors_on_test"]["wrong"]),
        "right_topic": str(report["errors_on_test"]["right_topic"]),
        "seed": str(training["seed"]),
        "epochs": str(training["epochs"]),
        "minutes": f"{training['cpu_seconds'] / 60:.0f}",
        "labels": "\n".join(f"* `{a}` / `{b}`" for a, b in zip(INTENTS[::2], INTENTS[1::2], strict=True)),
        "shapes": "\n".join(shapes(models, report, "search-shared")),
        "students": "\n".join(shapes(models, report, "search-distilled")),
        "versions": versions(report),
    }


def shapes(models: Path, full: dict[str, Any], kept: str) -> list[str]:
    """The full encoder, one of another shape that is kept, and its control, as rows of the table."""
    path = models / f"{kept}.json"
    if not path.exists():
        return ["| not trained yet | | | | |"]
    report = json.loads(path.read_text(encoding="utf-8"))
    beside = {"search": full | report["beside"]["search"], kept: report}
    return [row(name, found) for name, found in (report["beside"] | beside).items()]


def row(name: str, found: dict[str, Any]) -> str:
    """An encoder of some shape as a row of the table."""
    test, model = found["accuracy"]["test"], found["model"]
    return (
        f"| `{name}` | {model['bytes'] / 1e6:.2f} | {milliseconds(found['cpu_ms'])} "
        f"| {test['accuracy']:.1%} ({test['low']:.1%} to {test['high']:.1%}) | {found['training']['cpu_seconds']} |"
    )
