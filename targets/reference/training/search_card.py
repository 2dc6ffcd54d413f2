"""The search agent's numbers as its section of the model card prints them."""

import json
from pathlib import Path

from card_text import comparison, milliseconds, percent, versions
from search_data import INTENTS

BASELINE_EXAMPLES = 40_000


def quotes(models: Path) -> dict[str, str]:
    """The numbers of the report in the folder `models` as the card prints them."""
    report = json.loads((models / "search.json").read_text(encoding="utf-8"))
    model, data, training = report["model"], report["data"], report["training"]
    return {
        "sha256": model["sha256"],
        "megabytes": f"{model['bytes'] / 1e6:.1f}",
        "parameters": f"{model['parameters'] / 1e6:.2f}",
        "examples": f"{training['examples']:,}",
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
        "wrong": str(report["errors_on_test"]["wrong"]),
        "right_topic": str(report["errors_on_test"]["right_topic"]),
        "seed": str(training["seed"]),
        "epochs": str(training["epochs"]),
        "minutes": f"{training['cpu_seconds'] / 60:.0f}",
        "labels": "\n".join(f"* `{a}` / `{b}`" for a, b in zip(INTENTS[::2], INTENTS[1::2], strict=True)),
        "shapes": "\n".join(shape(name, models / f"{name}.json") for name in ("search-shared", "search-single")),
        "versions": versions(report),
    }


def shape(name: str, path: Path) -> str:
    """An encoder of another shape as a row of the table; one that is not there yet is said to be missing."""
    if not path.exists():
        return f"| `{name}` | not trained | | | |"
    report = json.loads(path.read_text(encoding="utf-8"))
    test = report["accuracy"]["test"]
    gains = "; ".join(f"{comparison(gain)} than `{other}`" for other, gain in report["gain_on_test_over"].items())
    return (
        f"| `{name}` | {report['model']['bytes'] / 1e6:.1f} | {milliseconds(report['cpu_ms'][name])} "
        f"| {test['accuracy']:.1%} ({test['low']:.1%} to {test['high']:.1%}) | {gains} |"
    )
