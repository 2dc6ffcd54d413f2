"""Train the search agent: a small transformer encoder on generated requests, written as one ONNX file.

    python train_search.py --out ..                        # models/search.onnx and .json, data/*.jsonl, MODEL_CARD.md
    python train_search.py --out .. --shape single --scratch FOLDER    # the control of the next, kept in FOLDER
    python train_search.py --out .. --shape shared --scratch FOLDER    # models/search-shared.*, MODEL_CARD.md
    python train_search.py --out .. --shape student --scratch FOLDER   # the control of the next, kept in FOLDER
    python train_search.py --out .. --shape distilled --scratch FOLDER # models/search-distilled.*, MODEL_CARD.md

Needs torch, onnx, onnxruntime and scikit-learn. One core, about a quarter of an hour for each that has four layers.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from model_card import write_card
from one_core import Session
from search_data import INTENTS, SEED, Example, held_out, practice, write_held_out
from search_export import export
from search_report import write_report
from search_shapes import write_shape_reports
from search_tokens import PADDING, TOKENIZER, tokens
from soft_labels import soft_loss
from torch import Tensor, nn

HEADS = 4
BATCH, PEAK_RATE, DROPOUT, WARM_UP = 64, 8e-4, 0.05, 0.06
SHORT, SHORT_EPOCHS, SHORT_SIZE = 15, 5, 9600
"""Training begins with requests of at most so many tokens: single actions, before they are combined."""
EPOCHS, EPOCH_SIZE = 9, 25600
TEACHER = "search-shared.onnx"
"""The best of the large encoders, from which `distilled` learns."""
MASKED = -1e4
"""Added to the attention score of padding: finite, so that a row of nothing but padding stays finite too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The size of an encoder: how many layers have weights of their own, and through how many a request goes."""

    width: int = 192
    distinct: int = 4
    depth: int = 4


SHAPES = {
    "full": Shape(),
    "shared": Shape(distinct=1),
    "single": Shape(distinct=1, depth=1),
    "student": Shape(width=64, distinct=2, depth=2),
    "distilled": Shape(width=64, distinct=2, depth=2),
}


class Block(nn.Module):
    """One encoder layer: normalise, attend, add; normalise, widen, add."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention_norm, self.widening_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.mix = nn.Linear(width, width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        """Map [batch, length, width] to the same shape."""
        states = states + self.dropout(self.attend(self.attention_norm(states), bias))
        wide = nn.functional.gelu(self.widen(self.widening_norm(states)))
        return states + self.dropout(self.narrow(wide))

    def attend(self, states: Tensor, bias: Tensor) -> Tensor:
        """Multi-head attention with `bias` added to the scores."""
        batch, length, width = states.shape

        def heads(projected: Tensor) -> Tensor:
            return projected.reshape(batch, length, HEADS, width // HEADS).transpose(1, 2)

        query, key, value = heads(self.query(states)), heads(self.key(states)), heads(self.value(states))
        scores = query @ key.transpose(-2, -1) * (width // HEADS) ** -0.5 + bias
        mixed = (torch.softmax(scores, dim=-1) @ value).transpose(1, 2).reshape(batch, length, width)
        return self.mix(mixed)


class Encoder(nn.Module):
    """Token numbers [batch, length] to scores [batch, intents]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.depth, width = shape.depth, shape.width
        self.words, self.previous = nn.Embedding(TOKENIZER.vocabulary, width), nn.Linear(width, width)
        self.places = nn.Parameter(torch.randn(TOKENIZER.max_length, width) * 0.02)
        nn.init.normal_(self.words.weight, std=0.05)
        self.dropout = nn.Dropout(DROPOUT)
        self.blocks = nn.ModuleList(Block(width) for _ in range(shape.distinct))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, len(INTENTS))

    def forward(self, ids: Tensor) -> Tensor:
        """Encode, average over the words that are there, score."""
        present = (ids != PADDING).to(torch.float32)
        bias = (1.0 - present)[:, None, None, :] * MASKED
        words = self.words(ids)
        # Every word also says which word stood before it: without this, training finds "from" and "to" very late.
        earlier = torch.cat((torch.zeros_like(words[:, :1]), words[:, :-1]), dim=1)
        states = self.dropout(words + self.previous(earlier) + self.places[: ids.shape[1]])
        for layer in range(self.depth):
            states = self.blocks[layer % len(self.blocks)](states, bias)
        weight = present[:, :, None]
        mean = (self.norm(states) * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1.0)
        return self.head(mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Examples as numbers: one tensor of tokens each, and the number of the intent."""

    tokens: list[Tensor]
    intents: Tensor


def rows(examples: list[Example]) -> Rows:
    """Tokenize `examples`."""
    numbers = [torch.from_numpy(tokens(example.text)) for example in examples]
    return Rows(tokens=numbers, intents=torch.tensor([INTENTS.index(example.intent) for example in examples]))


def batches(data: Rows, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield shuffled batches of similar length, so that little of a batch is padding."""
    order = torch.randperm(len(data.tokens), generator=generator).tolist()
    chunk = 50 * BATCH
    pieces: list[list[int]] = []
    for start in range(0, len(order), chunk):
        by_length = sorted(order[start : start + chunk], key=lambda at: len(data.tokens[at]))
        pieces += [by_length[at : at + BATCH] for at in range(0, len(by_length), BATCH)]
    for at in torch.randperm(len(pieces), generator=generator).tolist():
        padded = nn.utils.rnn.pad_sequence([data.tokens[i] for i in pieces[at]], batch_first=True)
        yield padded, data.intents[pieces[at]]


@torch.no_grad()
def accuracy(model: Encoder, data: Rows) -> float:
    """The share of right answers."""
    model.eval()
    right = 0
    for numbers, intents in batches(data, torch.Generator().manual_seed(0)):
        right += int((model(numbers).argmax(dim=1) == intents).sum())
    return right / len(data.tokens)


def lessons(seed: int, epochs: int) -> Iterator[Rows]:
    """Yield the examples of every epoch, new ones each time: first short requests only, then all."""
    source = practice(seed)
    brief = (example for example in practice(seed) if len(tokens(example.text)) <= SHORT)
    for epoch in range(SHORT_EPOCHS + epochs):
        yield rows(list(islice(brief, SHORT_SIZE) if epoch < SHORT_EPOCHS else islice(source, EPOCH_SIZE)))


def train(epochs: int, seed: int, validation: Rows, shape: Shape, teacher: Session | None = None) -> Encoder:
    """Train by AdamW on a one-cycle schedule, by the labels or also by what `teacher` answers.

    Prints the validation accuracy after every epoch.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    generator, model = torch.Generator().manual_seed(seed), Encoder(shape)
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.02)
    steps = SHORT_EPOCHS * math.ceil(SHORT_SIZE / BATCH) + epochs * math.ceil(EPOCH_SIZE / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps, pct_start=WARM_UP)
    for epoch, lesson in enumerate(lessons(seed, epochs)):
        model.train()
        for numbers, intents in batches(lesson, generator):
            # Half the bits for the products of the forward pass: a third of the time, and the weights stay whole.
            with torch.autocast("cpu", torch.bfloat16):
                scores = model(numbers)
            if teacher is None:
                loss = nn.functional.cross_entropy(scores.float(), intents)
            else:
                loss = soft_loss(scores.float(), torch.from_numpy(teacher.run(numbers.numpy())), intents)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, validation {accuracy(model, validation):.4f}", flush=True)
    return model.eval()


def write_full(home: Path, model: Encoder, training: dict[str, Any]) -> None:
    """Write the agent itself, its data and its report."""
    for folder in ("models", "data"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    write_held_out(home / "data")
    export(model, home / "models" / "search.onnx", INTENTS)
    write_report(home, training)


def write_shape(home: Path, scratch: Path, name: str, model: Encoder, training: dict[str, Any]) -> None:
    """Keep an encoder of another shape in `scratch`, and report on what is there by now."""
    scratch.mkdir(parents=True, exist_ok=True)
    export(model, scratch / f"{name}.onnx", INTENTS)
    (scratch / f"{name}.json").write_text(json.dumps(training), encoding="utf-8")
    write_shape_reports(home, scratch)


def main() -> None:
    """Draw the data, train, export, measure and write the card."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the reference agent")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--shape", choices=SHAPES, default="full")
    parser.add_argument("--scratch", type=Path, help="where encoders of another shape are kept")
    arguments = parser.parse_args()
    if arguments.shape != "full" and arguments.scratch is None:
        parser.error(f"--shape {arguments.shape} needs --scratch, a folder to keep it in")
    started = time.process_time()
    teacher = Session(arguments.out / "models" / TEACHER) if arguments.shape == "distilled" else None
    validation = rows(held_out()["validation"])
    model = train(arguments.epochs, arguments.seed, validation, SHAPES[arguments.shape], teacher)
    training = {
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "examples": SHORT_EPOCHS * SHORT_SIZE + arguments.epochs * EPOCH_SIZE,
        "cpu_seconds": round(time.process_time() - started),
    }
    if arguments.shape == "full":
        write_full(arguments.out, model, training)
    else:
        write_shape(arguments.out, arguments.scratch, f"search-{arguments.shape}", model, training)
    write_card(arguments.out)


if __name__ == "__main__":
    main()
