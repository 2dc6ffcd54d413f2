"""Make a trained drive network narrower: leave out the channels whose normalisation scales are smallest.

Network slimming trains with a price on those scales, so that what a network can do without shrinks towards nothing
before it is cut (Liu et al. 2017, "Learning Efficient Convolutional Networks through Network Slimming").
"""

from collections.abc import Iterator, Sequence

import torch
from drive_net import Network
from drive_training import plain
from torch import Tensor, nn

PRICE = 1e-3


def priced(network: Network, pictures: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, and `PRICE` for all normalisation scales together."""
    scales = torch.cat([normalisation.weight for _, normalisation in layers(network)])
    return plain(network, pictures, labels) + PRICE * scales.abs().sum()


def layers(network: Network) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """The convolutions with their normalisations, in order."""
    for convolution, normalisation, _ in network.units:
        yield convolution, normalisation


@torch.no_grad()
def narrowed(network: Network, widths: Sequence[int]) -> Network:
    """A copy that keeps, of every layer, so many channels: those of the largest scales, in their order."""
    found = Network(widths)
    before = torch.arange(3)
    for (old, old_norm), (new, new_norm), width in zip(layers(network), layers(found), widths, strict=True):
        kept = old_norm.weight.abs().topk(width).indices.sort().values
        new.weight.copy_(old.weight[kept][:, before])
        for name in ("weight", "bias", "running_mean", "running_var"):
            getattr(new_norm, name).copy_(getattr(old_norm, name)[kept])
        before = kept
    cells = network.head.weight.reshape(len(network.head.bias), network.widths[-1], -1)
    found.head.weight.copy_(cells[:, before].flatten(1))
    found.head.bias.copy_(network.head.bias)
    return found.eval()
