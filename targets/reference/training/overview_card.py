"""What the model card says of all agents together: the files, and what each trained technique was worth."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from card_text import comparison

TECHNIQUES = {
    ("drive-slimmed", "drive-narrow"): "L1 on normalisation scales, channels pruned, trained on",
    ("drive-slimmed", "drive-finetuned"): "the L1 of it alone",
    ("drive-finetuned", "drive-narrow"): "channels pruned, trained on",
    ("drive-distilled", "drive-student"): "distilled with soft labels",
    ("drive-hinted", "drive-student"): "distilled with features",
    ("search-shared", "search-single"): "one layer used four times, against the same weights used once",
    ("search-shared", "search"): "one layer used four times, against four layers",
    ("search-distilled", "search-student"): "distilled with soft labels",
}
"""By the model's name and what it is compared with."""
Reports = Mapping[str, Mapping[str, Any]]


def quotes(models: Path) -> dict[str, str]:
    """The numbers of all reports in the folder `models` as the card prints them."""
    reports = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(models.glob("*.json"))}
    return {
        "total": f"{sum(report['model']['bytes'] for report in reports.values()) / 1e6:.1f}",
        "files": "\n".join(map(file, reports.values())),
        "techniques": "\n".join(techniques(reports)),
    }


def file(report: Mapping[str, Any]) -> str:
    """One model as a row of the table of files."""
    model, found = report["model"], report["accuracy"]
    shares = (f"{entry['accuracy']:.1%} ({entry['low']:.1%} to {entry['high']:.1%})" for entry in found.values())
    return f"| `{model['file']}` | {model['bytes'] / 1e6:.2f} | `{model['sha256']}` | {' | '.join(shares)} |"


def techniques(reports: Reports) -> list[str]:
    """Every technique whose model is there as a row of the table."""
    return [
        f"| {told} | `{name}` | `{other}` | {comparison(reports[name]['gain_on_test_over'][other])} |"
        for (name, other), told in TECHNIQUES.items()
        if name in reports and other in reports[name]["gain_on_test_over"]
    ]
