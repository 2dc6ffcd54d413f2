"""The drive agent's numbers as its section of the model card prints them."""

import json
from pathlib import Path
from typing import Any

from calibration import ROWS
from card_text import comparison, milliseconds, percent, versions
from drive_recipes import RECIPES
from drive_report import BASELINE_EXAMPLES, BASELINE_SIZE, model_name
from drive_scenes import LABELS
from drive_slimming import PRICE
from soft_labels import SOFT_SHARE, TEMPERATURE


def quotes(models: Path) -> dict[str, str]:
    """The numbers of the reports in the folder `models` as the card prints them."""
    reports = read(models)
    report = reports["base"]
    model, data, training = report["model"], report["data"], report["training"]
    return {
        "sha256": model["sha256"],
        "megabytes": f"{model['bytes'] / 1e6:.1f}",
        "parameters": f"{model['parameters'] / 1e6:.2f}",
        "multiplications": f"{model['multiplications'] / 1e6:.0f}",
        "widths": ", ".join(map(str, training["widths"])),
        "ms": milliseconds(report["cpu_ms"]),
        "validation": percent(report["accuracy"]["validation"]),
        "test": percent(report["accuracy"]["test"]),
        "steer": percent(report["halves_on_test"]["steer"]),
        "hazard": percent(report["halves_on_test"]["hazard"]),
        "frequent": percent(report["baselines_on_test"]["most_frequent"]),
        "pixels": percent(report["baselines_on_test"]["shrunk_pixels"]),
        "baseline_examples": f"{BASELINE_EXAMPLES:,}",
        "baseline_size": str(BASELINE_SIZE),
        "validation_sha256": data["sha256_of_pictures_and_labels"]["validation"],
        "test_sha256": data["sha256_of_pictures_and_labels"]["test"],
        "calibration": str(ROWS),
        "compressed": str(data["compressed_bytes"]),
        "examples": f"{training['examples']:,}",
        "seed": str(training["seed"]),
        "minutes": f"{training['cpu_seconds'] / 60:.0f}",
        "price": f"{PRICE:g}",
        "temperature": f"{TEMPERATURE:g}",
        "soft_share": f"{SOFT_SHARE:.0%}",
        "labels": ", ".join(f"`{label}`" for label in LABELS),
        "variants": "\n".join(map(row, reports.values())),
        "before": before(reports),
        "versions": versions(report),
    }


def read(models: Path) -> dict[str, dict[str, Any]]:
    """The reports that are there."""
    found = {}
    for name in RECIPES:
        path = models / f"{model_name(name)}.json"
        if path.exists():
            found[name] = json.loads(path.read_text(encoding="utf-8"))
    return found


def row(report: dict[str, Any]) -> str:
    """One network as a row of the table."""
    model, training, gain = report["model"], report["training"], report["gain_on_test_over"].get("drive")
    return (
        f"| `{model['file']}` | {', '.join(map(str, training['widths']))} | {model['multiplications'] / 1e6:.0f} M "
        f"| {milliseconds(report['cpu_ms'])} | {training['examples']:,} | {training['cpu_seconds']} "
        f"| {comparison(gain) if gain else ''} |"
    )


def before(reports: dict[str, dict[str, Any]]) -> str:
    """How well the cut networks answered before anything was trained again."""
    cut = {name: report["training"]["before_tuning"] for name, report in reports.items() if RECIPES[name].parent}
    return " and ".join(f"{entry['accuracy']:.1%} (`{name}`)" for name, entry in cut.items()) or "nothing yet"
