"""Train a small drive network with the help of a large one: by its softened answers, or by its last map."""

from collections.abc import Callable

import torch
from drive_net import Network
from drive_training import half_bits
from soft_labels import soft_loss
from torch import Tensor, nn

HINT_WEIGHT = 1.0


def soft_labels(teacher: Network) -> Callable[[Network, Tensor, Tensor], Tensor]:
    """The loss of a network that learns from the labels and from the answers of `teacher`."""

    def objective(network: Network, pictures: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad(), half_bits():
            wanted = teacher(pictures).float()
        with half_bits():
            given = network(pictures)
        return soft_loss(given.float(), wanted, labels)

    return objective


class Hint(nn.Module):
    """Cross-entropy with the labels, and distance of the last maps, widened to the teacher's (Romero et al. 2015)."""

    def __init__(self, teacher: Network, student: Network) -> None:
        super().__init__()
        self.teacher = [teacher]
        """In a list, so that its weights are not among those to train."""
        self.widen = nn.Conv2d(student.widths[-1], teacher.widths[-1], kernel_size=1)

    def forward(self, network: Network, pictures: Tensor, labels: Tensor) -> Tensor:
        """The loss of `network`, the student."""
        with torch.no_grad(), half_bits():
            wanted = self.teacher[0].features(pictures).float()
        with half_bits():
            features = network.features(pictures)
            given, scores = self.widen(features), network.decide(features)
        distance = nn.functional.mse_loss(given.float(), wanted) / wanted.pow(2).mean()
        return nn.functional.cross_entropy(scores.float(), labels) + HINT_WEIGHT * distance
