"""Train the recommend agent: tables of users and items and a small network, from a log of clicks.

    python train_recommend.py --out ..         # models/recommend.onnx, models/recommend.json, data/*.jsonl, the card

Needs torch, onnx and onnxruntime. One core, about four minutes.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from model_card import write_card
from onnx_file import write
from recommend_data import LOG, MOST, SEED, VISITS, Log, draw_log, held_out, write_held_out
from recommend_net import Network
from recommend_report import write_report
from recommend_truth import HOURS, ITEMS, USERS, draw_truth
from torch import Tensor, nn

EPOCHS, BATCH, PEAK_RATE, WEIGHT_DECAY, WARM_UP, REPORT_EVERY = 3, 256, 5e-3, 0.03, 0.1, 1000


def batches(log: Log, epochs: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the visits as rows and clicks, in another order every epoch."""
    rows, clicks = torch.from_numpy(log.rows), torch.from_numpy(log.clicks).to(torch.float32)
    for _ in range(epochs):
        for chosen in torch.randperm(len(rows), generator=generator)[: len(rows) // BATCH * BATCH].split(BATCH):
            yield rows[chosen], clicks[chosen]


def train(log: Log, epochs: int, seed: int) -> Network:
    """Train by AdamW on a one-cycle schedule to foresee every click."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    network, generator = Network(), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    steps = epochs * (len(log.users) // BATCH)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps, pct_start=WARM_UP)
    total = 0.0
    for step, (rows, clicks) in enumerate(batches(log, epochs, generator), start=1):
        loss = nn.functional.binary_cross_entropy_with_logits(network(rows), clicks)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        rate.step()
        total += loss.item()
        if step % REPORT_EVERY == 0:
            print(f"step {step} of {steps}: loss {total / REPORT_EVERY:.4f}", flush=True)
            total = 0.0
    return network.eval()


def export(network: Network, path: Path) -> None:
    """Write the network with the limits of what may be asked."""
    write(
        network,
        torch.ones(2, 2 + 5, dtype=torch.int64),
        path,
        tensors={"features": {0: "batch", 1: "length"}, "scores": {0: "batch", 1: "items"}},
        metadata={
            "agent": "recommend",
            "precision": "fp32",
            "labels": "[]",
            "users": str(USERS),
            "hours": str(HOURS),
            "items": str(ITEMS),
            "max_length": str(2 + MOST),
        },
        producer="train_recommend.py",
    )


def main() -> None:
    """Draw the data, train, export, measure and write the card."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the reference agent")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=SEED, help="of the weights; the data keep theirs")
    arguments = parser.parse_args()
    truth = draw_truth(SEED)
    log = draw_log(truth, SEED + LOG, VISITS)
    started = time.process_time()
    network = train(log, arguments.epochs, arguments.seed)
    seconds = time.process_time() - started
    for folder in ("models", "data"):
        (arguments.out / folder).mkdir(parents=True, exist_ok=True)
    write_held_out(arguments.out / "data", held_out(truth))
    export(network, arguments.out / "models" / "recommend.onnx")
    training = {"seed": arguments.seed, "epochs": arguments.epochs, "visits": VISITS, "cpu_seconds": round(seconds)}
    write_report(arguments.out, truth, log, training)
    write_card(arguments.out)


if __name__ == "__main__":
    main()
