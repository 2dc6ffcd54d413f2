"""How long to wait before something is tried again."""

import random

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 5.0


def pause(failures: int) -> float:
    """Seconds before the next attempt: three times longer after each, and never in step with others."""
    return min(FIRST_SECONDS * 3.0 ** min(failures - 1, 10), LONGEST_SECONDS) * random.uniform(0.5, 1.0)
