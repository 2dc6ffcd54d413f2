"""What a job will cost, learnt from the batches that were computed."""

FORGETTING = 0.98
"""Weight of what was known when a new batch is learnt: the last fifty batches or so count."""
GUESS = 20e-6
"""Seconds a unit, before anything was learnt."""
ENOUGH = 3.0
"""Weight of batches below which a mean is all that can be said."""


class CostModel:
    """A straight line through (units, seconds) of recent batches, by least squares with forgetting.

    Units are rows times the length they were padded to.
    """

    def __init__(self) -> None:
        self._weight = self._units = self._seconds = self._squares = self._products = 0.0

    def learn(self, units: int, seconds: float) -> None:
        """Take in one computed batch."""
        self._weight = FORGETTING * self._weight + 1.0
        self._units = FORGETTING * self._units + units
        self._seconds = FORGETTING * self._seconds + seconds
        self._squares = FORGETTING * self._squares + units * units
        self._products = FORGETTING * self._products + units * seconds

    def seconds(self, units: int) -> float:
        """Estimate the seconds that a batch of so many units takes."""
        if self._weight < ENOUGH:
            return units * (self._seconds / self._units if self._units else GUESS)
        spread = self._weight * self._squares - self._units**2
        slope = (self._weight * self._products - self._units * self._seconds) / spread if spread > 1e-9 else 0.0
        start = (self._seconds - slope * self._units) / self._weight
        # Noise can tilt the line so that large jobs look free: then every unit costs the same.
        if slope <= 0.0 or start < 0.0:
            return units * self._seconds / self._units
        return start + slope * units
