"""What this machine's own noise leaves undecided: differences below it are ties."""

import math

from tuner.statistics.compare import resolution
from tuner.study.study import Noise, Study


def least_difference(study: Study, figure: str, launches: int) -> float | None:
    """Return from which ratio on two configurations differ in a figure, each measured in so many launches.

    None when `tuner doctor` did not measure the noise of this machine.
    """
    if study.noise is None or launches < 1:
        return None
    return resolution(_spread(study.noise, figure), launches, launches=study.noise.launches)


def tie(one: float, other: float, least: float | None) -> bool:
    """Whether two figures lie closer together than the least difference that can be told."""
    if least is None or min(one, other) <= 0.0 or not math.isfinite(max(one, other)):
        return False
    return max(one, other) / min(one, other) < least


def _spread(noise: Noise, figure: str) -> float:
    """Return the standard deviation of a figure's logarithm at the target load."""
    return {"throughput": noise.throughput, "p99": noise.p99[-1]}[figure]
