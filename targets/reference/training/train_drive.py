"""Train the drive agent: a chain of convolutions on painted scenes, and narrower networks made from it or beside it.

    python train_drive.py --out .. --scratch FOLDER     # models/drive*.onnx and .json, data/*.jsonl, MODEL_CARD.md

Needs torch, onnx, onnxruntime and scikit-learn. One core, about forty minutes; FOLDER keeps what is trained, so that
a run that was interrupted goes on, and `--only base` trains nothing but the agent itself (a quarter of that).
"""

import argparse
import json
from pathlib import Path

import torch
from drive_data import held_out, write_held_out
from drive_net import Network
from drive_paint import SIZE
from drive_recipes import RECIPES, Workshop
from drive_report import model_name, write_reports
from drive_scenes import LABELS
from model_card import write_card
from onnx_file import write


def export(network: Network, path: Path) -> None:
    """Write the network, its normalisations folded into its convolutions."""
    write(
        network,
        torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8),
        path,
        tensors={"image": {0: "batch"}, "logits": {0: "batch"}},
        metadata={
            "agent": "drive",
            "precision": "fp32",
            "labels": json.dumps(LABELS),
            "shape": json.dumps([SIZE, SIZE, 3]),
        },
        producer="train_drive.py",
    )


def main() -> None:
    """Draw the data, train, export, measure and write the card."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the reference agent")
    parser.add_argument("--scratch", type=Path, required=True, help="where trained weights are kept")
    shipped = [name for name, recipe in RECIPES.items() if recipe.shipped]
    parser.add_argument("--only", nargs="+", choices=shipped, default=shipped)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for folder in ("models", "data"):
        (arguments.out / folder).mkdir(parents=True, exist_ok=True)
    write_held_out(arguments.out / "data", held_out())
    workshop = Workshop(arguments.scratch)
    for name in arguments.only:
        export(workshop.get(name), arguments.out / "models" / f"{model_name(name)}.onnx")
    write_reports(arguments.out, {name: workshop.facts(name) for name in arguments.only})
    write_card(arguments.out)


if __name__ == "__main__":
    main()
