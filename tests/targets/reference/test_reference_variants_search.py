"""The bundled search agent in each variant: how long it takes to make, how large it is, and whom it agrees with."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import HOME, run_module
from reference_agent.agents import AGENTS
from reference_agent.agents.tokenizer import Tokenizer
from reference_agent.inference.resources import Resources
from reference_agent.inference.session import open_session

MODEL = HOME / "models" / "search.onnx"
TOKENIZER = Tokenizer(vocabulary=3072, max_length=64)
TEXTS = 64
SECONDS = 20.0


def tokens() -> list[np.ndarray]:
    lines = (HOME / "data" / "search_validation.jsonl").read_text(encoding="utf-8").splitlines()
    return [np.array(TOKENIZER.encode(json.loads(line)["request"]["text"]), np.int64) for line in lines]


def decisions(path: Path) -> np.ndarray:
    session, _ = open_session(path.read_bytes(), path, Resources())
    answers = [session.run(None, {AGENTS["search"].input.name: row[None]})[0] for row in tokens()[:TEXTS]]
    return np.concatenate(answers).argmax(axis=1)


@pytest.fixture(scope="module")
def before() -> np.ndarray:
    return decisions(MODEL)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other texts than those that are compared."""
    path = tmp_path_factory.mktemp("rows") / "rows.npz"
    np.savez(path, **{f"input_ids/{number:04}": row for number, row in enumerate(tokens()[-64:])})
    return path


@pytest.mark.parametrize(
    ("precision", "compression", "agreement", "size"),
    [
        ("fp32", "none", 1.0, 1.0),
        ("fp16", "none", 1.0, 0.51),
        ("int8_dynamic", "none", 0.97, 0.46),
        ("int8_static", "none", 0.97, 0.46),
        ("int4", "none", 0.97, 0.39),
        ("fp32", "low_rank", 0.95, 0.96),
        ("fp32", "pruned", 0.97, 0.89),
        ("int8_dynamic", "pruned", 0.97, 0.43),
        ("int8_static", "low_rank", 0.95, 0.45),
    ],
)
def test_a_variant_is_small_soon_made_and_agrees(
    precision: str, compression: str, agreement: float, size: float, before: np.ndarray, rows: Path, tmp_path: Path
):
    flags = {"model": MODEL, "precision": precision, "compression": compression, "calibration": rows, "out": tmp_path}
    arguments = [part for flag, value in flags.items() for part in (f"--{flag}", str(value))]
    done = run_module("reference_agent.variants.build", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    built = json.loads(done.stdout)
    assert built["seconds"] < SECONDS
    assert built["bytes_after"] <= size * built["bytes_before"]
    assert np.mean(decisions(tmp_path / "model.onnx") == before) >= agreement
