"""Measure a trained search agent and write what was measured to models/search.json."""

import json
import platform
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from one_core import Session
from onnx_file import describe
from onnxruntime.quantization import QuantType, quantize_dynamic
from search_card import BASELINE_EXAMPLES
from search_data import INTENTS, Example, held_out, practice
from search_tokens import tokens
from shares import wilson
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

BASELINE_STEPS = 200


def answers(model: Path, examples: Sequence[Example]) -> list[str]:
    """What `model` answers, each request alone as a server without batching would."""
    session = Session(model)
    return [INTENTS[int(session.run(tokens(example.text)[None])[0].argmax())] for example in examples]


def score(given: Sequence[str], examples: Sequence[Example]) -> dict[str, float]:
    """Compare answers with the labels."""
    return wilson(sum(one == example.intent for one, example in zip(given, examples, strict=True)), len(examples))


def mirrored(given: Sequence[str], examples: Sequence[Example]) -> dict[str, int]:
    """How many answers are wrong, and how many of those name the other intent of the pair."""
    wrong = [(INTENTS.index(one), INTENTS.index(example.intent)) for one, example in zip(given, examples, strict=True)]
    return {
        "wrong": sum(a != b for a, b in wrong),
        "right_topic": sum(a != b and a // 2 == b // 2 for a, b in wrong),
    }


def baseline(test: Sequence[Example], seed: int, longest: int) -> dict[str, float]:
    """Logistic regression over counts of words, and of runs of up to `longest` words, scored on the test split."""
    train = list(islice(practice(seed), BASELINE_EXAMPLES))
    counter = CountVectorizer(ngram_range=(1, longest), token_pattern=r"\w+|[^\w\s]", min_df=2)
    counts = counter.fit_transform(example.text for example in train)
    model = LogisticRegression(max_iter=BASELINE_STEPS).fit(counts, [example.intent for example in train])
    return score(list(model.predict(counter.transform(example.text for example in test))), test)


def lengths(examples: Sequence[Example]) -> dict[str, int]:
    """The median, the 95th percentile and the largest number of tokens."""
    ordered = sorted(len(tokens(example.text)) for example in examples)
    return {"median": ordered[len(ordered) // 2], "p95": ordered[len(ordered) * 95 // 100], "longest": ordered[-1]}


def in_eight_bits(model: Path, examples: Sequence[Example]) -> list[str]:
    """What `model` answers with the weights of its products in int8, and activations scaled as they come."""
    with tempfile.TemporaryDirectory() as folder:
        narrow = Path(folder) / "model.onnx"
        quantize_dynamic(model, narrow, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8)
        return answers(narrow, examples)


def measure(home: Path, training: dict[str, Any]) -> dict[str, Any]:
    """Everything that is reported, computed from the exported file."""
    model, drawn = home / "models" / "search.onnx", held_out()
    given = {split: answers(model, drawn[split]) for split in ("validation", "test")}
    quantized = in_eight_bits(model, drawn["test"])
    return {
        "model": describe(model),
        "data": {
            "examples": {split: len(examples) for split, examples in drawn.items()},
            "tokens": lengths(drawn["test"]),
        },
        "training": training,
        "accuracy": {split: score(given[split], drawn[split]) for split in given},
        "errors_on_test": mirrored(given["test"], drawn["test"]),
        "int8_on_test": score(quantized, drawn["test"])
        | {"changed_answers": sum(a != b for a, b in zip(quantized, given["test"], strict=True))},
        "baselines_on_test": {
            name: baseline(drawn["test"], training["seed"], longest)
            for name, longest in (("words", 1), ("words_and_pairs", 2))
        },
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "onnx", "onnxruntime", "scikit-learn")},
    }


def write_report(home: Path, training: dict[str, Any]) -> None:
    """Measure, then write the JSON."""
    text = json.dumps(measure(home, training), indent=2) + "\n"
    (home / "models" / "search.json").write_text(text, encoding="utf-8")
