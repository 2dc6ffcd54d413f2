"""The recommend agent's world: what a user likes, what is shown and clicked, and drawing the data again."""

import numpy as np
import pytest
from conftest import HOME
from numpy.random import RandomState
from recommend_data import (
    FEWEST,
    MOST,
    RELUCTANCE,
    SEED,
    SIZES,
    Example,
    click_probability,
    draw_log,
    held_out,
    line,
    rows,
)
from recommend_truth import GENRES, HOURS, ITEMS, MOOD_WEIGHT, QUALITY_WEIGHT, TASTE_WEIGHT, TASTES, Truth, draw_truth


@pytest.fixture(scope="module")
def truth() -> Truth:
    return draw_truth(SEED)


@pytest.fixture(scope="module")
def drawn(truth: Truth) -> dict[str, list[Example]]:
    return held_out(truth)


def small_world() -> Truth:
    """An early riser and a user without moods; item 0 is to the taste of the first, 1 is good, 2 is for the morning."""
    tastes, styles, moods = np.zeros((2, TASTES)), np.zeros((3, TASTES)), np.zeros((HOURS, GENRES))
    tastes[0, 0], styles[0, 0], moods[7, 1] = 2.0, 1.0, 3.0
    return Truth(
        tastes=tastes,
        shift=np.array([1, 0]),
        moodiness=np.array([1.5, 0.0]),
        styles=styles,
        genres=np.array([0, 0, 1]),
        quality=np.array([0.0, 1.0, 0.0]),
        moods=moods,
        exposure=np.arange(1.0, 4.0),
    )


@pytest.mark.parametrize(
    ("user", "hour", "expected"),
    [
        pytest.param(0, 12, [2 * TASTE_WEIGHT, QUALITY_WEIGHT, 0.0], id="taste and quality"),
        pytest.param(0, 6, [2 * TASTE_WEIGHT, QUALITY_WEIGHT, 4.5 * MOOD_WEIGHT], id="seven is six to an early riser"),
        pytest.param(0, 7, [2 * TASTE_WEIGHT, QUALITY_WEIGHT, 0.0], id="and not seven"),
        pytest.param(1, 7, [0.0, QUALITY_WEIGHT, 0.0], id="a user without tastes and moods"),
    ],
)
def test_utility(user: int, hour: int, expected: list[float]):
    found = small_world().utility(np.array([user]), np.array([hour]), np.array([[0, 1, 2]]))
    assert found[0].tolist() == pytest.approx(expected)


def test_clicks_come_half_of_the_time_where_liking_meets_reluctance(truth: Truth):
    assert click_probability(np.array([RELUCTANCE])).tolist() == [0.5]
    log = draw_log(truth, seed=1, visits=2000)
    likely = click_probability(truth.utility(log.users, log.hours, log.items))
    error = float(np.sqrt((likely * (1 - likely)).sum()))
    assert log.clicks.sum() == pytest.approx(likely.sum(), abs=5 * error)


def test_popular_items_are_shown_more_often(truth: Truth):
    shown = np.bincount(truth.shown(RandomState(1), 60_000), minlength=ITEMS)
    share = np.diff(truth.exposure, prepend=0.0)
    popular, rare = np.argsort(-share)[:60], np.argsort(share)[:60]
    assert shown[popular].sum() > 5 * shown[rare].sum() > 0


def test_the_data_can_be_drawn_again(drawn: dict[str, list[Example]]):
    for split, examples in drawn.items():
        committed = (HOME / "data" / f"recommend_{split}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(committed) == SIZES[split]
        assert [line(example) for example in examples] == committed
    requests = [(example.user, example.hour, example.candidates) for split in drawn.values() for example in split]
    assert len(set(requests)) == len(requests)


def test_a_request_has_different_candidates_and_the_best_of_them(truth: Truth, drawn: dict[str, list[Example]]):
    for example in drawn["validation"][:20]:
        assert FEWEST <= len(set(example.candidates)) == len(example.candidates) <= MOST
        known = [
            truth.utility(np.array([example.user]), np.array([example.hour]), np.array([[item]])).item()
            for item in example.candidates
        ]
        assert max(zip(known, example.candidates, strict=True)) == (max(known), example.best)


def test_rows_count_from_one():
    example = Example(user=0, hour=23, candidates=(0, ITEMS - 1), best=0)
    assert [row.tolist() for row in rows([example])] == [[1, 24, 1, ITEMS]]
