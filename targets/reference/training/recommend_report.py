"""Measure a trained recommend agent and write what was measured to models/recommend.json."""

import json
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from one_core import Session, milliseconds
from onnx_file import describe
from recommend_data import HELD_OUT_LOG, SEED, Example, Log, click_probability, draw_log, held_out, rows
from recommend_truth import ITEMS, Numbers, Reals, Truth
from shares import wilson

TOP = 10
HELD_OUT_VISITS, TIMED_CANDIDATES = 20_000, 300
DOUBT = 5.0
"""Impressions without a click that every item is thought to have had: keeps rare items from leading by luck."""
Scorer = Callable[[Example], Reals]


def model_scorer(path: Path) -> Scorer:
    """Score by the model, each request alone."""
    session = Session(path)

    def score(example: Example) -> Reals:
        found: Reals = session.run(rows([example])[0][None])[0].astype(np.float64)
        return found

    return score


def table_scorer(table: Reals) -> Scorer:
    """Score every item by one number, whoever asks."""
    return lambda example: table[list(example.candidates)]


def popularity(log: Log) -> dict[str, Reals]:
    """What can be known of items without knowing users: how often, and how readily, each was clicked."""
    clicked = np.bincount(log.items.ravel(), log.clicks.ravel(), ITEMS)
    shown = np.bincount(log.items.ravel(), minlength=ITEMS)
    return {"most_clicked": clicked, "highest_click_rate": clicked / (shown + DOUBT)}


def ranking(truth: Truth, scorer: Scorer, examples: Sequence[Example]) -> dict[str, Any]:
    """Hits at the first place, NDCG of the first ten, and the clicks to expect as a share of the best choice's."""
    hits, gains, clicks = 0, [], []
    for example in examples:
        likely = click_probability(utility(truth, example))
        order = np.argsort(-scorer(example), kind="stable")
        hits += example.candidates[int(order[0])] == example.best
        gains.append(discounted(likely[order]) / discounted(-np.sort(-likely)))
        clicks.append(likely[order[0]] / likely.max())
    return wilson(hits, len(examples)) | {
        "ndcg_at_10": round(float(np.mean(gains)), 4),
        "clicks_of_the_best": round(float(np.mean(clicks)), 4),
    }


def utility(truth: Truth, example: Example) -> Reals:
    """The true utility of every candidate."""
    users, hours, items = (np.array(value) for value in ([example.user], [example.hour], [example.candidates]))
    return truth.utility(users, hours, items)[0]


def discounted(relevance: Reals) -> float:
    """The discounted cumulative gain of the first ten."""
    first = relevance[:TOP]
    return float((first / np.log2(np.arange(len(first)) + 2.0)).sum())


def auc(scores: NDArray[Any], clicks: Numbers) -> float:
    """How likely a clicked item scores above one that was not."""
    order = np.argsort(scores.ravel(), kind="stable")
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    clicked = clicks.ravel() == 1
    n = int(clicked.sum())
    return round(float((ranks[clicked].sum() - n * (n + 1) / 2) / (n * (len(order) - n))), 4)


def click_aucs(truth: Truth, path: Path, tables: dict[str, Reals]) -> dict[str, float]:
    """AUC on new visits: of the model, of the true probabilities, which nothing can beat, and of popularity."""
    log, session = draw_log(truth, SEED + HELD_OUT_LOG, HELD_OUT_VISITS), Session(path)
    return {
        "model": auc(session.run(log.rows), log.clicks),
        "truth": auc(truth.utility(log.users, log.hours, log.items), log.clicks),
    } | {name: auc(table[log.items], log.clicks) for name, table in tables.items()}


def measure(home: Path, truth: Truth, log: Log, training: dict[str, Any]) -> dict[str, Any]:
    """Everything that is reported, computed from the exported file."""
    path, drawn, tables = home / "models" / "recommend.onnx", held_out(truth), popularity(log)
    timed = [row[: 2 + TIMED_CANDIDATES] for row in rows(drawn["test"]) if len(row) >= 2 + TIMED_CANDIDATES]
    candidates = sorted(len(example.candidates) for example in drawn["test"])
    return {
        "model": describe(path),
        "data": {
            "examples": {split: len(examples) for split, examples in drawn.items()},
            "candidates": {"fewest": candidates[0], "median": candidates[len(candidates) // 2], "most": candidates[-1]},
            "click_rate": round(float(log.clicks.mean()), 3),
        },
        "training": training,
        "accuracy": {split: ranking(truth, model_scorer(path), examples) for split, examples in drawn.items()},
        "baselines_on_test": {
            name: ranking(truth, table_scorer(table), drawn["test"]) for name, table in tables.items()
        }
        | {"chance": round(sum(1 / size for size in candidates) / len(candidates), 4)},
        "click_auc": click_aucs(truth, path, tables),
        "cpu_ms": milliseconds([path], np.stack(timed[:32]))[path.name] | {"candidates": TIMED_CANDIDATES},
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "onnx", "onnxruntime", "numpy")},
    }


def write_report(home: Path, truth: Truth, log: Log, training: dict[str, Any]) -> None:
    """Measure, then write the JSON."""
    text = json.dumps(measure(home, truth, log, training), indent=2) + "\n"
    (home / "models" / "recommend.json").write_text(text, encoding="utf-8")
