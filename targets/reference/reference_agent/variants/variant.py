"""What a variant of a model is: how it is compressed, then at which precision it is written."""

from dataclasses import dataclass
from enum import StrEnum

from reference_agent.inference.precision import Precision

ENERGY = 0.9
"""Kept by `low_rank` when nothing is said."""

KEEP = 0.75
"""Kept by `pruned` when nothing is said."""


class Compression(StrEnum):
    """What is taken out before the precision is chosen."""

    NONE = "none"
    LOW_RANK = "low_rank"
    """Each weight that gains by it becomes two thinner ones."""
    PRUNED = "pruned"
    """Whole hidden units are removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to change a model."""

    precision: Precision
    compression: Compression = Compression.NONE
    energy: float = ENERGY
    """Share of a weight's squared singular values that `low_rank` keeps, above 0 to 1."""
    keep: float = KEEP
    """Share of the hidden units that `pruned` keeps, above 0 to 1."""

    @property
    def facts(self) -> dict[str, str]:
        """What the model's metadata say of it: nothing that is not true of it."""
        parameters = {
            Compression.NONE: {},
            Compression.LOW_RANK: {"energy": f"{self.energy:g}"},
            Compression.PRUNED: {"keep": f"{self.keep:g}"},
        }
        return {"precision": self.precision, "compression": self.compression} | parameters[self.compression]
