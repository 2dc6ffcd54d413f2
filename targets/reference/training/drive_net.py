"""The drive agent's network: a chain of convolutions of any widths, and how a batch of pictures goes through it."""

from collections.abc import Sequence

import torch
from drive_scenes import LABELS
from torch import Tensor, nn

STRIDES = (2, 1, 2, 1, 2, 1, 2)
WIDTHS = (48, 48, 96, 96, 160, 160, 192)
"""The full network: 3 to 5 ms of one core."""
STUDENT_WIDTHS = (16, 16, 32, 32, 48, 48, 64)
POOL, CELLS = 2, 9
"""The last map is 6 × 6; its averages over 2 × 2 leave 3 × 3 cells, so that the decision knows left from right."""


def unit(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """One convolution, its normalisation and its threshold."""
    convolution = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class Network(nn.Module):
    """Pictures [batch, 96, 96, 3] of bytes to scores [batch, labels]."""

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.widths = tuple(widths)
        inputs = (3, *widths[:-1])
        self.units = nn.Sequential(*map(unit, inputs, widths, STRIDES))
        self.pool, self.head = nn.AvgPool2d(POOL), nn.Linear(widths[-1] * CELLS, len(LABELS))

    def features(self, pictures: Tensor) -> Tensor:
        """The last map, [batch, width, 6, 6]."""
        found: Tensor = self.units(pictures.permute(0, 3, 1, 2).to(torch.float32) * (1 / 128) - 1.0)
        return found

    def decide(self, features: Tensor) -> Tensor:
        """Score the last map."""
        scores: Tensor = self.head(self.pool(features).flatten(1))
        return scores

    def forward(self, pictures: Tensor) -> Tensor:
        """Score pictures."""
        return self.decide(self.features(pictures))
