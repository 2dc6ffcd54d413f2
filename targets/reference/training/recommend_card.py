"""The recommend agent's numbers as its section of the model card prints them."""

import json
from pathlib import Path

from calibration import ROWS
from card_text import milliseconds, percent, versions
from recommend_data import SLATE
from recommend_truth import GENRES, HOURS, ITEMS, TASTES, USERS


def quotes(models: Path) -> dict[str, str]:
    """The numbers of the report in the folder `models` as the card prints them."""
    report = json.loads((models / "recommend.json").read_text(encoding="utf-8"))
    model, data, training = report["model"], report["data"], report["training"]
    accuracy, baselines, aucs = report["accuracy"], report["baselines_on_test"], report["click_auc"]
    return {
        "sha256": model["sha256"],
        "megabytes": f"{model['bytes'] / 1e6:.1f}",
        "parameters": f"{model['parameters'] / 1e6:.2f}",
        "calibration": str(ROWS),
        "users": f"{USERS:,}",
        "items": f"{ITEMS:,}",
        "hours": str(HOURS),
        "tastes": str(TASTES),
        "genres": str(GENRES),
        "visits": f"{training['visits']:,}",
        "slate": str(SLATE),
        "click_rate": f"{data['click_rate']:.0%}",
        "fewest": str(data["candidates"]["fewest"]),
        "median": str(data["candidates"]["median"]),
        "most": str(data["candidates"]["most"]),
        "validation": percent(accuracy["validation"]),
        "test": percent(accuracy["test"]),
        "ndcg": f"{accuracy['test']['ndcg_at_10']:.3f}",
        "clicks": f"{accuracy['test']['clicks_of_the_best']:.1%}",
        "rate": percent(baselines["highest_click_rate"]),
        "rate_ndcg": f"{baselines['highest_click_rate']['ndcg_at_10']:.3f}",
        "rate_clicks": f"{baselines['highest_click_rate']['clicks_of_the_best']:.1%}",
        "count": percent(baselines["most_clicked"]),
        "chance": f"{baselines['chance']:.1%}",
        "auc": f"{aucs['model']:.3f}",
        "truth_auc": f"{aucs['truth']:.3f}",
        "rate_auc": f"{aucs['highest_click_rate']:.3f}",
        "count_auc": f"{aucs['most_clicked']:.3f}",
        "ms": milliseconds(report["cpu_ms"]),
        "timed": str(report["cpu_ms"]["candidates"]),
        "seed": str(training["seed"]),
        "epochs": str(training["epochs"]),
        "seconds": str(training["cpu_seconds"]),
        "versions": versions(report),
    }
