"""How many workers there should be, in time that is passed in."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from reference_agent.workers.scaler import COOL_DOWN_SECONDS, DOWN_LOOKS, UP_LOOKS, UP_SECONDS, Scaler, Signs

LOOK = 0.1


def course(looks: Iterable[tuple[float, float]], least: int = 1, most: int = 4, start: int = 1) -> list[int]:
    """The number of workers after each look at (wait in seconds, busy workers)."""
    scaler, running, seen = Scaler(least, most), start, []
    for place, (wait, busy) in enumerate(looks):
        running += scaler.decide(place * LOOK, Signs(wait=wait, busy=min(busy, running), running=running))
        seen.append(running)
    return seen


WAITING, QUIET = (10 * UP_SECONDS, 9.0), (0.0, 0.1)


def test_waiting_adds_workers_one_at_a_time_up_to_the_most():
    seen = course([WAITING] * 60)
    assert seen[0] == 1
    assert seen[UP_LOOKS - 1] == 2
    assert seen[UP_LOOKS - 1 : UP_LOOKS + 8] == [2] * 9, "the effect of a change has to show first"
    assert seen[-1] == 4
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(seen))


def test_one_burst_is_no_load():
    assert set(course([WAITING, QUIET] * 30)) == {1}


def test_quiet_removes_workers_one_at_a_time_down_to_the_least():
    seen = course([QUIET] * 120, least=2, start=4)
    assert seen[DOWN_LOOKS - 2] == 4
    assert seen[DOWN_LOOKS - 1] == 3
    assert seen[-1] == 2


@pytest.mark.parametrize("busy", [1.5, 2.9])
def test_workers_that_are_needed_stay(busy):
    assert set(course([(0.0, busy)] * 200, start=3)) == {3}


def test_a_steady_load_does_not_swing():
    """What made it grow must not be what makes it shrink: two busy workers of three stay three."""
    seen = course([*[WAITING] * 30, *[(0.0, 2.0)] * 300], most=3)
    assert set(seen[30:]) == {3}


def test_changes_are_apart():
    seen = course([WAITING] * 100)
    changes = [place for place, (earlier, later) in enumerate(pairwise(seen)) if earlier != later]
    assert all((later - earlier) * LOOK >= COOL_DOWN_SECONDS - 1e-9 for earlier, later in pairwise(changes))
