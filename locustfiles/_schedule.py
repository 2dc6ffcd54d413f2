"""When requests arrive: a Poisson process that is known in full before its first arrival."""

from itertools import count

import numpy as np

PIECE_SECONDS = 10.0


def schedule(rate, seconds, seed):
    """Return the moments of a Poisson process on [0, seconds): a Poisson number of them, each anywhere in it."""
    generator = np.random.default_rng(seed)
    return np.sort(generator.uniform(0.0, seconds, generator.poisson(rate * seconds))).tolist()


def endless_schedule(rate, seed):
    """Yield the moments of a Poisson process without an end, one piece with its own seed after the other."""
    for piece in count():
        for moment in schedule(rate, PIECE_SECONDS, [*seed, piece]):
            yield piece * PIECE_SECONDS + moment


def part_of_plan(plan, worker):
    """Return the moments of one process: independent Poisson processes add up to one of the whole rate, exactly."""
    if plan["rate"] == 0:
        return []
    rate, seed, seconds = plan["rate"] / plan["share"], [*plan["seed"], worker], plan.get("seconds")
    return schedule(rate, seconds, seed) if seconds else endless_schedule(rate, seed)
