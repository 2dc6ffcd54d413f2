"""The loss of a network that learns from the labels and from the softened answers of a better one."""

from torch import Tensor, nn

TEMPERATURE, SOFT_SHARE = 3.0, 0.7
"""How flat the teacher's answers are made, and how much of the loss they are; the labels are the rest."""


def soft_loss(given: Tensor, wanted: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy with `labels`, and divergence from the teacher's scores `wanted` (Hinton et al. 2015)."""
    divergence = nn.functional.kl_div(
        nn.functional.log_softmax(given / TEMPERATURE, dim=1),
        nn.functional.log_softmax(wanted / TEMPERATURE, dim=1),
        reduction="batchmean",
        log_target=True,
    )
    hard = nn.functional.cross_entropy(given, labels)
    return SOFT_SHARE * TEMPERATURE**2 * divergence + (1.0 - SOFT_SHARE) * hard
