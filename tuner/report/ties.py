"""What this machine's own noise leaves undecided: differences below it are ties."""

import math

from tuner.statistics.compare import Estimate, resolution
from tuner.study.study import Noise, Study
from tuner.study.workload import Load


def least_difference(study: Study, figure: str, launches: int, load: Load | None = None) -> float | None:
    """Return from which ratio on two configurations differ in a figure, each measured in so many launches.

    Without `load` it is that of the target load. None when `tuner doctor` did not measure the noise of this machine.
    """
    if study.noise is None or launches < 1:
        return None
    return resolution(_spread(study.noise, figure, load), launches, launches=study.noise.launches)


def beyond_noise(study: Study, figure: str, ratio: Estimate, load: Load | None = None) -> bool:
    """Whether a ratio is above one beyond the scatter of its launches and the noise of this machine."""
    least = least_difference(study, figure, ratio.repetitions, load) or 1.0
    return ratio.low is not None and ratio.low > 1.0 and ratio.value >= least


def tie(one: float, other: float, least: float | None) -> bool:
    """Whether two figures lie closer together than the least difference that can be told."""
    if least is None or min(one, other) <= 0.0 or not (math.isfinite(one) and math.isfinite(other)):
        return False
    return max(one, other) / min(one, other) < least


def _spread(noise: Noise, figure: str, load: Load | None) -> float:
    """Return the standard deviation of a figure's logarithm; a load that doctor did not try scatters as its target."""
    if figure == "throughput":
        return noise.throughput
    return dict(zip(noise.loads, noise.p99, strict=True)).get(load, noise.p99[-1]) if load else noise.p99[-1]
