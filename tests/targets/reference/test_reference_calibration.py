"""The rows for static quantization are the ones that the script draws, and the models take them."""

import json

import numpy as np
import onnxruntime
import pytest
from calibration import DRAWN, ROWS
from conftest import HOME


@pytest.mark.parametrize("agent", DRAWN)
def test_rows_can_be_drawn_again(agent: str):
    committed, drawn = np.load(HOME / "data" / f"{agent}_calibration.npz"), DRAWN[agent]()
    assert sorted(committed.files) == sorted(drawn)
    for name, rows in drawn.items():
        assert committed[name].dtype == rows.dtype
        assert np.array_equal(committed[name], rows)


@pytest.mark.parametrize("agent", DRAWN)
def test_the_model_takes_the_rows(agent: str):
    stored = np.load(HOME / "data" / f"{agent}_calibration.npz")
    rows = [row for name in stored.files for row in (stored[name] if "/" not in name else [stored[name]])]
    assert len(rows) == ROWS
    session = onnxruntime.InferenceSession(HOME / "models" / f"{agent}.onnx", providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    assert {name.partition("/")[0] for name in stored.files} == {taken.name}
    for row in rows[:8]:
        assert np.isfinite(session.run(None, {taken.name: row[None]})[0]).all()


def test_no_request_of_search_is_held_out():
    from search_tokens import tokens

    stored = np.load(HOME / "data" / "search_calibration.npz")
    calibration = {stored[name].tobytes() for name in stored.files}
    for split in ("validation", "test"):
        lines = (HOME / "data" / f"search_{split}.jsonl").read_text(encoding="utf-8").splitlines()
        assert not calibration & {tokens(json.loads(line)["request"]["text"]).tobytes() for line in lines}
