"""Train any network of the drive agent: new scenes in every step, one objective, one schedule."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from drive_data import SEED, Example, stream
from drive_net import Network
from drive_scenes import LABELS
from torch import Tensor, nn

BATCH, WARM_UP, WEIGHT_DECAY, REPORT_EVERY = 32, 0.15, 0.05, 200
Objective = Callable[[Network, Tensor, Tensor], Tensor]
"""What a training minimises, from the network, a batch of pictures and their labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How long and how fast to train."""

    examples: int
    peak_rate: float = 1e-2
    seed: int = SEED

    @property
    def steps(self) -> int:
        """How often the weights change."""
        return self.examples // BATCH


def half_bits() -> torch.autocast:
    """Half the bits for the products of the forward pass: half the time, and the weights stay whole."""
    return torch.autocast("cpu", torch.bfloat16)


def plain(network: Network, pictures: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy with the labels."""
    with half_bits():
        scores = network(pictures)
    return nn.functional.cross_entropy(scores.float(), labels)


def tensors(examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Pictures and label numbers of `examples`."""
    pictures = torch.from_numpy(np.stack([example.picture for example in examples]))
    return pictures, torch.tensor([LABELS.index(example.label) for example in examples])


def lessons(course: Course) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of a course; courses of one seed begin with the same ones."""
    source = stream("train", course.seed)
    for _ in range(course.steps):
        yield tensors(list(islice(source, BATCH)))


def fit(network: Network, course: Course, objective: Objective = plain) -> float:
    """Train by AdamW on a one-cycle schedule and return the seconds of CPU it took.

    An objective that is a module has weights of its own, which are trained too.
    """
    started = time.process_time()
    weights = [*network.parameters(), *(objective.parameters() if isinstance(objective, nn.Module) else ())]
    optimiser = torch.optim.AdamW(weights, lr=course.peak_rate, weight_decay=WEIGHT_DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, course.peak_rate, total_steps=course.steps, pct_start=WARM_UP)
    network.train()
    total = 0.0
    for step, (pictures, labels) in enumerate(lessons(course), start=1):
        loss = objective(network, pictures, labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        rate.step()
        total += loss.item()
        if step % REPORT_EVERY == 0:
            print(f"step {step} of {course.steps}: loss {total / REPORT_EVERY:.3f}", flush=True)
            total = 0.0
    network.eval()
    return time.process_time() - started


@torch.no_grad()
def predictions(network: Network, examples: Sequence[Example]) -> list[str]:
    """What the network answers, in batches."""
    network.eval()
    found: list[str] = []
    for start in range(0, len(examples), BATCH):
        pictures, _ = tensors(examples[start : start + BATCH])
        found += [LABELS[number] for number in network(pictures).argmax(dim=1).tolist()]
    return found
