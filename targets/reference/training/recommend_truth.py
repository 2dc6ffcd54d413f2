"""The recommend agent's world: users, items and hours, and how much a user likes an item at an hour.

Three things decide: how a user's tastes meet an item's style, how good the item is, and whether its genre suits the
hour, which is another hour for early and late risers and matters more to some users than to others. No single number
of an item says who will like it, so popularity alone is a poor guide.

Only `RandomState.random_sample` is used, whose stream numpy keeps, and sums in a fixed order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

USERS, ITEMS, HOURS = 3000, 6000, 24
TASTES, GENRES = 6, 12
TASTE_WEIGHT, MOOD_WEIGHT, QUALITY_WEIGHT = 0.55, 0.8, 0.6
LATEST = 3
"""How many hours a user's day is shifted at most, to either side."""
POPULARITY_POWER, POPULARITY_OFFSET = 0.9, 20.0

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]


def bell(random: RandomState, *shape: int) -> Reals:
    """Draw numbers of mean 0 and variance 1 that are nearly normal."""
    draws: Reals = (random.random_sample((4, *shape)) - 0.5) * 12**0.5 / 2
    total: Reals = draws[0] + draws[1] + draws[2] + draws[3]
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What nobody sees: the numbers behind every click."""

    tastes: Reals
    shift: Numbers
    moodiness: Reals
    styles: Reals
    genres: Numbers
    quality: Reals
    moods: Reals
    """How well a genre suits an hour, [hours, genres]."""
    exposure: Reals
    """The running sum of the items' shares in what is shown, Zipf-like."""

    def utility(self, users: Numbers, hours: Numbers, items: Numbers) -> Reals:
        """How much users [n] like items [n, m] at hours [n]."""
        total: Reals = QUALITY_WEIGHT * self.quality[items]
        for taste in range(TASTES):
            total = total + TASTE_WEIGHT * self.tastes[users, taste, None] * self.styles[items, taste]
        own_hours = (hours + self.shift[users]) % HOURS
        mood = self.moods[own_hours[:, None], self.genres[items]]
        liking: Reals = total + MOOD_WEIGHT * self.moodiness[users, None] * mood
        return liking

    def shown(self, random: RandomState, *shape: int) -> Numbers:
        """Draw items as they are shown: half by popularity, half at random."""
        popular = np.searchsorted(self.exposure, random.random_sample(shape) * self.exposure[-1], side="right")
        any_item = (random.random_sample(shape) * ITEMS).astype(np.int64)
        chosen: Numbers = np.where(random.random_sample(shape) < 0.5, popular, any_item)
        return np.minimum(chosen, ITEMS - 1)


def draw_truth(seed: int) -> Truth:
    """Draw the world that belongs to `seed`."""
    random = RandomState(seed)
    ranks = np.argsort(random.random_sample(ITEMS), kind="stable") + 1.0
    share = np.array([1.0 / (rank + POPULARITY_OFFSET) ** POPULARITY_POWER for rank in ranks.tolist()])
    knots = bell(random, HOURS // 4, GENRES)
    return Truth(
        tastes=bell(random, USERS, TASTES),
        shift=(random.random_sample(USERS) * (2 * LATEST + 1)).astype(np.int64) - LATEST,
        moodiness=0.4 + 1.2 * random.random_sample(USERS),
        styles=bell(random, ITEMS, TASTES),
        genres=(random.random_sample(ITEMS) * GENRES).astype(np.int64),
        quality=bell(random, ITEMS),
        moods=smooth(knots),
        exposure=np.cumsum(share),
    )


def smooth(knots: Reals) -> Reals:
    """Lay straight lines between every fourth hour and the next, round the clock."""
    hours = np.arange(HOURS)
    after = (hours % 4 / 4.0)[:, None]
    now, then = knots[hours // 4], knots[(hours // 4 + 1) % len(knots)]
    mixed: Reals = now * (1.0 - after) + then * after
    return mixed
